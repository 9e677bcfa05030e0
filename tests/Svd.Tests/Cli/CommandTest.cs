using Engine.Svd.FrontEnd;
using Engine.Svd.Predict;
using Engine.Svd.Tests.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

/// <summary>A folder with an output folder in it that already holds results, and the assertion of how a command fails.</summary>
[Collection(ConsoleTests.Name)]
public abstract class CommandTest : IDisposable
{
    /// <summary>What every command calls the song that <see cref="Song"/> makes.</summary>
    protected const string SongName = "a song";

    /// <summary>A length whose last excerpt does not start at a whole hundredth of a second: frame 98.</summary>
    protected const int SongFrames = FrontEndSettings.ExcerptFrames + 98;

    private readonly TempFolder _temp = new();

    protected CommandTest()
    {
        Directory.CreateDirectory(Out);
        string[] names =
        [
            .. ((string[])["png", "npz", "excerpt.wav", "explanation.wav", "removed.wav"]).Select(ending => $"{SongName}_at_0s.{ending}"),
            $"{SongName}.probability.npy", "logmel.npy",
        ];
        foreach (string name in names)
        {
            File.WriteAllText(Path.Combine(Out, name), "an older result");
        }

        File.WriteAllBytes(Path.Combine(Out, $"{SongName}.lab"), LabFile.Encode([], "an older result"));
    }

    /// <summary>The output folder.</summary>
    protected string Out => PathOf("out");

    /// <inheritdoc/>
    public void Dispose()
    {
        _temp.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The path of a file of this name beside the output folder.</summary>
    protected string PathOf(string name) => _temp.PathOf(name);

    /// <summary>Makes a file of these bytes beside the output folder.</summary>
    protected string Put(string name, byte[] content) => _temp.Put(name, content);

    /// <summary>Makes a song of noise that fills a number of frames.</summary>
    protected string Song(int frames = SongFrames) =>
        Put($"{SongName}.wav", Wav.File(1, 16, Wav.Noise((frames - 1) * FrontEndSettings.Hop + FrontEndSettings.FrameLength)));

    /// <summary>The arguments with which a command takes a song and writes to the output folder, over what is there.</summary>
    protected string[] Arguments(string command, string song, params string[] more) =>
        [command, song, "--out", command == "logmel" ? Path.Combine(Out, "logmel.npy") : Out, "--overwrite", .. more];

    /// <summary>
    /// Asserts that the command line fails: the exit code, nothing on standard output, on standard error one line with these words, and
    /// every file as it was, with no new one.
    /// </summary>
    protected void Fails(int exitCode, string[] args, params string[] words)
    {
        Dictionary<string, byte[]> before = Files();
        ProgramResult result = SvdProgram.Call(args);
        Assert.Equal("", result.Output);
        AssertOneLine(result.Errors, words);
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(before, Files());
    }

    /// <summary>Asserts that something is one line of <c>svd</c>'s with these words, and no stack trace.</summary>
    internal static void AssertOneLine(string errors, params string[] words)
    {
        Assert.StartsWith("svd: ", errors, StringComparison.Ordinal);
        Assert.True(errors.EndsWith('\n') && errors.AsSpan().Count('\n') == 1, errors);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        foreach (string word in words) Assert.Contains(word, errors, StringComparison.Ordinal);
    }

    private Dictionary<string, byte[]> Files() =>
        Directory.GetFiles(_temp.Folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .ToDictionary(path => path, File.ReadAllBytes);
}
