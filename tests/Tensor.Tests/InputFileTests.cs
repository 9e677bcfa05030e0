using System.Runtime.Versioning;
using Engine.Tests;

namespace Engine.Tensors.Tests;

public sealed class InputFileTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void OpensAFile()
    {
        using FileStream stream = InputFile.Open(temp.Put("a.bin", [1, 2, 3]));
        Assert.Equal(3, stream.Length);
    }

    [Theory]
    [InlineData("missing.bin")]
    [InlineData("missing/folder.bin")]
    public void SaysThatAFileIsMissing(string name) => Failure.Says(() => InputFile.Open(temp.PathOf(name)), name, "does not exist");

    [Fact]
    public void SaysThatAFolderIsNoFile() => Failure.Says(() => InputFile.Open(temp.Folder), temp.Folder, "is a folder");

    [Fact]
    public void SaysThatAFileIsEmpty() => Failure.Says(() => InputFile.Open(temp.Put("a.bin", [])), "a.bin", "is empty");

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a\0b")]
    public void SaysThatANameIsNone(string name) => Failure.Says(() => InputFile.Open(name), "blank or holds a null");

    [Fact]
    public void SaysThatANameIsTooLong() => Failure.Says(() => InputFile.Open(temp.PathOf(new string('a', 5000))), "aaa");

    [PermissionFact]
    [UnsupportedOSPlatform("windows")]
    public void SaysThatAFileMayNotBeRead()
    {
        string path = temp.Put("a.bin", [1]);
        File.SetUnixFileMode(path, UnixFileMode.None);
        Failure.Says(() => InputFile.Open(path), "a.bin", "permission denied");
    }
}
