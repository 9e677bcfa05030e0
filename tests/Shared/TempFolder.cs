namespace Engine.Tests;

/// <summary>A fresh folder for one test, deleted with all it holds.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("engine-test-").FullName;

    /// <summary>The path of a file of this name in the folder.</summary>
    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Makes a file of these bytes and gives its path.</summary>
    public string Put(string name, byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
