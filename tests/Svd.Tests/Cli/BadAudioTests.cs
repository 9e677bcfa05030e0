using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Engine.Svd.Tests.Audio;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Cli;

/// <summary>Songs that are none, for every command that takes one.</summary>
public sealed partial class BadAudioTests : CommandTest
{
    // Each a name, what the file holds (null for no file) and what must be said about it.
    private static readonly (string Name, byte[]? Content, string[] Words)[] Songs =
    [
        ("missing.wav", null, ["does not exist", "check the name"]),
        ("text.mp3", [.. "Dear diary,\ntoday I was renamed.\n"u8], ["ffmpeg"]),
        ("empty.wav", [], ["is empty", "save it again"]),
        ("header.wav", [.. Wav.File(1, 16, Wav.Noise(ExcerptSamples))[..40]], ["damaged", "export it again"]),
        ("truncated.wav", [.. Wav.File(1, 16, Wav.Noise(2 * ExcerptSamples))[..^1000]], ["is truncated", "export it again"]),
        ("no samples.wav", Wav.File(1, 16, []), ["holds no samples", "export it again"]),
        ("silent.wav", Wav.File(1, 16, new byte[4 * ExcerptSamples]), ["is silent"]),
        ("nan.wav", WithSample(float.NaN), ["not a finite number (NaN)", "export it again"]),
        ("infinite.wav", WithSample(float.PositiveInfinity), ["not a finite number (Infinity)", "export it again"]),
        ("short.wav", Wav.File(1, 16, Wav.Noise(ExcerptSamples - 1)), ["115 frames", "1.68 s"]),
    ];

    public static TheoryData<string, string> EverySong
    {
        get
        {
            TheoryData<string, string> pairs = [];
            foreach ((string name, _, _) in Songs)
            foreach (string command in (string[])["explain", "predict", "logmel"])
            {
                pairs.Add(command, name);
            }

            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(EverySong))]
    public void SaysWhatIsWrong(string command, string name)
    {
        (_, byte[]? content, string[] words) = Songs.Single(song => song.Name == name);
        string path = content is null ? PathOf(name) : Put(name, content);
        Fails(1, Arguments(command, path), [path, .. words]);
    }

    [Theory]
    [InlineData("explain")]
    [InlineData("predict")]
    [InlineData("logmel")]
    public void AFolderWithoutSongsIsSaid(string command)
    {
        string folder = Directory.CreateDirectory(PathOf("no songs")).FullName;
        Fails(1, Arguments(command, folder), folder, "is a folder without songs", "--recursive");
    }

    [Theory]
    [InlineData("explain")]
    [InlineData("predict")]
    [InlineData("logmel")]
    public void ABlankNameIsNoSong(string command) => Fails(1, Arguments(command, " "), "blank");

    [Fact]
    public void AMissingSongMakesNoFolder()
    {
        Fails(1, ["explain", PathOf("missing.wav"), "--out", PathOf("new")], "missing.wav");
        Assert.False(Directory.Exists(PathOf("new")));
    }

    [Theory]
    [InlineData(ExcerptFrames)]
    [InlineData(ExcerptFrames + 1)]
    [InlineData(SongFrames)]
    public void TheLastTimeThatIsNamedIsTheLastOne(int frames)
    {
        int lastFrame = frames - ExcerptFrames;
        string song = Song(frames);
        string[] oneTooLate = Arguments("explain", song, "--at", Seconds(lastFrame + 1));
        Fails(1, oneTooLate, "no excerpt at", "the last excerpt starts at");
        Fails(1, Arguments("explain", song, "--at", "1e300"), "no excerpt at 1E+300 s");

        string last = LastExcerpt().Match(SvdProgram.Call(oneTooLate).Errors).Groups[1].Value;
        Assert.InRange(StartOf(song, last), (lastFrame - 1.0) / FramesPerSecond, (double)lastFrame / FramesPerSecond);
        Assert.Equal((double)lastFrame / FramesPerSecond, StartOf(song, Seconds(lastFrame)));
        Assert.Equal(0, StartOf(song, "0"));
    }

    // Rounded like any number a user types, and still the frame that is meant.
    private static string Seconds(int frame) => ((double)frame / FramesPerSecond).ToString("F4", CultureInfo.InvariantCulture);

    private static byte[] WithSample(float sample)
    {
        float[] samples = new float[2 * ExcerptSamples];
        samples[5] = 0.5f;
        samples[^1] = sample;
        return Wav.File(3, 32, Wav.Floats(samples));
    }

    [GeneratedRegex(@"the last excerpt starts at ([\d.]+) s")]
    private static partial Regex LastExcerpt();

    private double StartOf(string song, string at)
    {
        ProgramResult result = SvdProgram.Call(Arguments("explain", song, "--json", "--at", at));
        Assert.Equal("", result.Errors);
        using JsonDocument report = JsonDocument.Parse(result.Output);
        return report.RootElement.GetProperty("start_seconds").GetDouble();
    }
}
