using System.Text.Json;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Tests.Audio;

namespace Engine.Svd.Tests.Cli;

/// <summary><c>svd localise</c> with the bundled weights on two songs: a voice, which is a tone in two stretches, over noise.</summary>
public sealed class LocaliseCommandTests : CommandTest
{
    private const int Seconds = 4;
    private const double ToneHertz = 1000;

    private static readonly string[] Files = ["localisation.csv", "localisation.png", "localisation.svg"];

    public LocaliseCommandTests()
    {
        foreach (string name in (string[])["one", "two"])
        {
            Write("voice", name, Tone());
            Write("music", name, Noise(Seconds * Wav.Rate));
        }
    }

    private string Stems => PathOf("stems");

    [Fact]
    public void ScoresMethods()
    {
        string folder = PathOf("new/folder");

        // From P = 0 on everything is singing. The tone sounds from 1 to 3 s: excerpts that start at 0.5, 1, 1.5 and 2 s have it half of the time or more,
        // so has none at 0 s, whose last 0.64 s are less.
        string text = Run(Arguments("--methods", "random,loudest-raw", "--area", "0.3,0.02", "--out", folder));
        string[] words =
        [
            "in 8 of the 8 excerpts", "used: 6 excerpts of 2 of 2 songs; in 6 of them", "area 0.3", "area 0.02", "loudest-raw", "voice-dominated bins: ",
        ];
        foreach (string word in words) Assert.Contains(word, text, StringComparison.Ordinal);
        Assert.Equal(Files, Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        byte[] table = File.ReadAllBytes(Path.Combine(folder, Files[0]));

        // The same bits with one thread.
        using JsonDocument document = JsonDocument.Parse(
            Run(Arguments("--methods", "random,loudest-raw", "--area", "0.3,0.02", "--out", folder, "--json", "--threads", "1")));
        Assert.Equal(table, File.ReadAllBytes(Path.Combine(folder, Files[0])));
        JsonElement report = document.RootElement;
        Assert.Equal((6, 8, 8), (Number(report, "excerpts"), Number(report, "sounding"), Number(report, "sung")));
        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];
        Assert.Equal(4, rows.Length);
        double Mean(int row, string measure) => rows[row].GetProperty(measure).GetProperty("mean").GetDouble();
        double voice = report.GetProperty("voice_percent").GetProperty("mean").GetDouble();

        // The tone is in a few of the 80 bands for 60 % of the time or more; the loudest bins are its, and random ones are as chance has it. Six excerpts
        // at 30 % are 16 560 bins, of which 5 % vary by 0.2 points.
        Assert.InRange(voice, 0.5, 15);
        Assert.Equal((0.3, "loudest-raw"), (rows[1].GetProperty("size").GetProperty("value").GetDouble(), rows[1].GetProperty("method").GetString()));
        Assert.InRange(Mean(0, "precision"), voice - 1, voice + 1);
        Assert.InRange(Mean(0, "recall"), 25, 35);
        Assert.InRange(Mean(1, "recall"), 95, 100);
        Assert.Equal(voice / 30, Mean(1, "precision") / Mean(1, "recall"), 0.02);
        Assert.InRange(Mean(3, "precision"), 80, 100);
        Assert.Equal(100, Mean(1, "pointing"));
    }

    [Fact]
    public void TakesAllMethods()
    {
        string text = Run(Arguments("--excerpts", "1", "--out", PathOf("new")));
        Assert.All(ExplanationMethods.Names, name => Assert.Contains(name, text, StringComparison.Ordinal));
        Assert.Equal(1 + 3 * ExplanationMethods.Names.Count, File.ReadAllLines(Path.Combine(PathOf("new"), Files[0])).Length);
        Assert.StartsWith(LocalisationTable.Header, File.ReadAllText(Path.Combine(PathOf("new"), Files[0])), StringComparison.Ordinal);
    }

    [Fact]
    public void JobsTogetherWriteWhatOneRunWrites()
    {
        string whole = PathOf("whole"), parts = PathOf("parts");
        string[] options = ["--methods", "inversion,random", "--area", "0.3,0.02"];
        Run(Arguments([.. options, "--out", whole]));
        Assert.Contains("1 of 2 songs", Run(Arguments([.. options, "--out", parts, "--shard", "2/2"])), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(parts, Files[0])));
        Run(Arguments([.. options, "--out", parts, "--shard", "1/2"]));

        // Skia numbers the parts of an SVG on through all pictures of a process.
        Assert.All(Files[..2], file => Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(parts, file))));
    }

    [Fact]
    public void SaysWhichFolderIsWrong()
    {
        Fails(1, ["localise", "--stems", PathOf("missing"), "--out", Out], "missing does not exist");
        Fails(1, ["localise", "--stems", Out, "--out", Out], "voice does not exist or holds no .wav file", "music/NAME.wav");
        Fails(1, Arguments("--out", Put("file", [1])), "cannot be written");
        File.Delete(Path.Combine(Stems, "music", "one.wav"));
        Fails(1, Arguments(), "one.wav has no partner", "music");
        Write("music", "one", Noise(Wav.Rate));
        File.Delete(Path.Combine(Stems, "voice", "two.wav"));
        Fails(1, Arguments(), "two.wav has no partner", "voice");
    }

    [Fact]
    public void SaysWhichStemIsWrong()
    {
        Write("music", "two", Noise(Seconds * Wav.Rate - 1));
        Fails(1, Arguments(), "two.wav is shorter than", "equally long");
        Write("music", "two", Noise(Seconds * Wav.Rate + 1));
        Fails(1, Arguments(), "two.wav is shorter than", "equally long");
        Write("music", "two", Noise(Wav.Rate));
        Write("voice", "two", Noise(Wav.Rate));
        Fails(1, Arguments(), "two.wav is 1.00 s long, but the detector needs 115 frames");
        File.WriteAllText(Path.Combine(Stems, "voice", "two.wav"), "RIFF");
        Fails(1, Arguments(), "two.wav");
    }

    [Theory]
    [InlineData("voice")]
    [InlineData("music")]
    public void ASongWithASilentStemIsNamedAndLeftOut(string silent)
    {
        string[] arguments = Arguments("--methods", "random", "--area", "0.3", "--json", "--out", PathOf("new"));
        Write(silent, "two", new int[Seconds * Wav.Rate]);
        ProgramResult result = SvdProgram.Call(arguments);
        Assert.Equal(0, result.ExitCode);
        string file = Path.Combine(Stems, silent, "two.wav");
        AssertOneLine(result.Errors, $"warning: {file} is silent; two is left out.");
        using JsonDocument report = JsonDocument.Parse(result.Output);
        Assert.Equal((1, 2, 3), (Number(report.RootElement, "songs"), Number(report.RootElement, "songs_listed"), Number(report.RootElement, "excerpts")));
        Assert.Contains(file, Assert.Single(report.RootElement.GetProperty("warnings").EnumerateArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void HiddenFilesAreNoSongs()
    {
        foreach (string name in (string[])["._one.wav", ".hidden.wav"]) File.WriteAllText(Path.Combine(Stems, "voice", name), "no sound");
        Assert.Contains("of 2 songs", Run(Arguments("--methods", "random", "--area", "0.3", "--out", PathOf("new"))), StringComparison.Ordinal);
    }

    [Fact]
    public void SaysThatNothingIsSung() =>
        Fails(1, ["localise", "--stems", Stems, "--class-threshold", "1", "--out", Out], "singing in none of the 8 excerpts", "nothing to explain");

    private static int Number(JsonElement report, string name) => report.GetProperty(name).GetInt32();

    // Loud from 1 to 3 s.
    private static int[] Tone() =>
    [
        .. Enumerable.Range(0, Seconds * Wav.Rate).Select(i =>
            i >= Wav.Rate && i < 3 * Wav.Rate ? (int)(16000 * Math.Sin(2 * Math.PI * ToneHertz * i / Wav.Rate)) : 0),
    ];

    private static int[] Noise(int samples)
    {
        Random random = new(1);
        return [.. Enumerable.Range(0, samples).Select(_ => random.Next(-2000, 2001))];
    }

    private static string Run(string[] arguments)
    {
        ProgramResult result = SvdProgram.Call(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output;
    }

    private void Write(string part, string name, int[] samples)
    {
        Directory.CreateDirectory(Path.Combine(Stems, part));
        File.WriteAllBytes(Path.Combine(Stems, part, $"{name}.wav"), Wav.File(1, 16, Wav.Integers(16, samples)));
    }

    private string[] Arguments(params string[] more) =>
    [
        "localise", "--stems", Stems, "--class-threshold", "0", .. more.Contains("--out") ? (string[])[] : ["--out", Out],
        .. more.Contains("--excerpts") ? (string[])[] : ["--excerpts", "3"], .. more,
    ];
}
