using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Engine.Svd.Evaluate;
using Engine.Svd.Figures;
using Engine.Svd.Tests.Audio;
using SkiaSharp;

namespace Engine.Svd.Tests.Cli;

/// <summary><c>svd evaluate</c> on songs of noise with the bundled weights.</summary>
public sealed class EvaluateCommandTests : CommandTest
{
    private const int ExcerptsOfASong = 3; // From 0 s on, until there is no room for a batch of the published code's.

    private static readonly string Weights = Path.Combine(AppContext.BaseDirectory, "weights");
    private static readonly string[] Files = ["evaluation.csv", "evaluation.png", "evaluation.svg"];

    public EvaluateCommandTests()
    {
        NoiseCorpus.Make(Data);
        File.WriteAllText(Path.Combine(Data, "filelists", "test"), "one.wav\ntwo.wav\n");
    }

    private string Data => PathOf("corpus");

    [Fact]
    public void GivesTheCurves()
    {
        string folder = PathOf("new/folder");
        File.WriteAllText(Path.Combine(Data, "filelists", "test"), "one.wav\ntwo.wav\nshort.wav\n");
        File.WriteAllBytes(Path.Combine(Data, "audio", "short.wav"), Wav.File(1, 16, Wav.Noise(2 * Wav.Rate)));
        File.Copy(Path.Combine(Data, "labels", "one.lab"), Path.Combine(Data, "labels", "short.lab"));
        string text = Evaluate("--out", folder);
        string[] words = ["corpus, test: 6 excerpts of 2 songs (1 too short), singing if P >= 0.5000, as given", "216 evaluations", "M2_paper loss %"];
        foreach (string word in words)
        {
            Assert.Contains(word, text, StringComparison.Ordinal);
        }

        Assert.Equal([.. Files, "songs"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
        IReadOnlyList<EvaluationPoint> points = EvaluationCurves.Read(Path.Combine(folder, Files[0]));
        Assert.Equal(3 * 12, points.Count);
        Assert.All(points, point => Assert.Equal(("corpus", 2 * ExcerptsOfASong), (point.Dataset, point.Excerpts)));
        EvaluationPoint[] Curve(string masking) => [.. points.Where(point => point.Case == masking)];
        foreach (string masking in (string[])["M1", "M2_paper"])
        {
            EvaluationPoint[] curve = Curve(masking);
            Assert.Equal(Enumerable.Range(0, 12).Select(i => i / 10.0), curve.Select(point => point.Threshold));
            Assert.Equal((0, 100), (curve[0].Changed, curve[0].RelativeAreaPercent));
            Assert.Equal(0, curve[^1].RelativeAreaPercent);
            Assert.Equal(curve.OrderByDescending(point => point.RelativeAreaPercent), curve);
        }

        EvaluationPoint[] inverted = Curve("M2_published");
        Assert.Equal((0, 100), (inverted[^1].Changed, inverted[^1].RelativeAreaPercent));

        // Without a bin M1 and M2_published see the same.
        Assert.Equal(Curve("M1")[^1].Changed, inverted[0].Changed);

        using SKBitmap png = SKBitmap.Decode(Path.Combine(folder, Files[1]));
        Assert.Equal((EvaluationFigure.Width, EvaluationFigure.Height), (png.Width, png.Height));
        string svg = File.ReadAllText(Path.Combine(folder, Files[2]));
        Assert.Contains("<svg", svg, StringComparison.Ordinal);
        Assert.Contains("Relative", svg, StringComparison.Ordinal);
    }

    /// <summary>Where a bin's importance lies within rounding of the threshold, a device may decide otherwise: five of 9200 bins may.</summary>
    [Fact]
    public void GpusGiveTheSameCurves()
    {
        const double areaTolerance = 100 * 5.0 / FrontEnd.FrontEndSettings.ExcerptLength;
        File.WriteAllText(Path.Combine(Data, "filelists", "test"), "one.wav\n");
        EvaluationPoint[] On(string device)
        {
            string folder = PathOf(device);
            string[] options =
                ["--out", folder, "--excerpts", "2", "--thresholds", "0.2:0.8:0.3", "--device", device, "--opencl-without-generic-address-space"];
            Evaluate(options);
            return [.. EvaluationCurves.Read(Path.Combine(folder, Files[0]))];
        }

        EvaluationPoint[] expected = On("cpu");
        foreach (string device in Gpu.Present)
        {
            foreach ((EvaluationPoint point, EvaluationPoint actual) in expected.Zip(On(device), (a, b) => (a, b)))
            {
                Assert.Equal((point.Case, point.Threshold, point.Changed, point.Excerpts), (actual.Case, actual.Threshold, actual.Changed, actual.Excerpts));
                Assert.Equal(point.RelativeAreaPercent, actual.RelativeAreaPercent, areaTolerance);
            }
        }
    }

    [Fact]
    public void FinishedSongsAreNotEvaluatedAgain()
    {
        Evaluate("--out", PathOf("whole"));
        string Song(string folder, string name) => Path.Combine(PathOf(folder), "songs", $"{name}.npz");

        // Names of clip paths in an SVG are counted on in the process.
        string[] Texts(string folder) => [.. Files.Select(
            file => Regex.Replace(File.ReadAllText(Path.Combine(PathOf(folder), file), Encoding.Latin1), "cl_[0-9a-f]+", ""))];
        string[] expected = Texts("whole");
        void Same() => Assert.Equal(expected, Texts("resumed"));

        // Broken off in the second song, whose file is not there yet.
        Directory.CreateDirectory(Path.Combine(PathOf("resumed"), "songs"));
        File.Copy(Song("whole", "one"), Song("resumed", "one"));
        Assert.Contains("108 evaluations", Evaluate("--out", PathOf("resumed"), "--threads", "1"), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Song("whole", "two")), File.ReadAllBytes(Song("resumed", "two")));
        Same();
        Assert.DoesNotContain("evaluations", Evaluate("--out", PathOf("resumed")), StringComparison.Ordinal);
        Same();

        // What is damaged or of something else is not believed.
        File.WriteAllBytes(Song("resumed", "one"), File.ReadAllBytes(Song("resumed", "one"))[..300]);
        Assert.Contains("108 evaluations", Evaluate("--out", PathOf("resumed")), StringComparison.Ordinal);
        Same();
        Assert.Contains("108 evaluations", Evaluate("--out", PathOf("resumed"), "--thresholds", "0.3:0.8:0.1"), StringComparison.Ordinal);
        Assert.Contains("144 evaluations", Evaluate("--out", PathOf("resumed"), "--excerpts", "2"), StringComparison.Ordinal);
        File.Copy(Path.Combine(Data, "audio", "three.wav"), Path.Combine(Data, "audio", "two.wav"), overwrite: true);
        Assert.Contains("72 evaluations", Evaluate("--out", PathOf("resumed"), "--excerpts", "2"), StringComparison.Ordinal);
    }

    [Fact]
    public void ComparesMethods()
    {
        string folder = PathOf("methods");
        string[] arguments = Arguments("--methods", "random,blob,inversion", "--threshold", "0.6", "--area", "0.3,0.1", "--out", folder);
        string text = Run(arguments);
        foreach (string word in (string[])["corpus, test: 6 excerpts of 2 songs", "α 0.6", "area 0.3", "area 0.1", "inversion", "random", "blob"])
        {
            Assert.Contains(word, text, StringComparison.Ordinal);
        }

        Assert.Equal(["methods", "methods.csv", "methods.png", "methods.svg"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
        byte[] table = File.ReadAllBytes(Path.Combine(folder, "methods.csv"));
        Assert.Equal(1 + 3 * 3, File.ReadAllLines(Path.Combine(folder, "methods.csv")).Length);

        // The same command has nothing left to measure, so the times are the same, too; the numbers are those of one thread.
        using JsonDocument report = JsonDocument.Parse(Run([.. arguments, "--json", "--threads", "1"]));
        Assert.Equal(table, File.ReadAllBytes(Path.Combine(folder, "methods.csv")));
        JsonElement rows = report.RootElement.GetProperty("rows");
        Assert.Equal(9, rows.GetArrayLength());
        JsonElement blob = rows.EnumerateArray().Single(
            row => row.GetProperty("method").GetString() == "blob" && row.GetProperty("size").GetProperty("value").GetDouble() == 0.1);
        Assert.Equal(10, blob.GetProperty("area").GetDouble(), 9);
        Assert.Equal(1, blob.GetProperty("components").GetProperty("mean").GetDouble());
    }

    [Theory]
    [InlineData("perturbation", "loudest,gradient", "insertion", "--region", "20")]
    [InlineData("sanity", "inversion,loudest", "all layers", "--excerpts", "1")]
    [InlineData("reconstruction", "inversion,average", "error of features", "--excerpts", "2")]
    public void MeasuresCurves(string measure, string methods, string summary, string option, string value)
    {
        string folder = PathOf("curves");
        string[] arguments = Arguments("--methods", methods, "--measure", measure, option, value, "--out", folder);
        ProgramResult result = SvdProgram.Call(arguments);
        Assert.Equal(0, result.ExitCode);
        string text = result.Output;
        foreach (string word in (string[])["corpus, test: ", summary, .. methods.Split(',')]) Assert.Contains(word, text, StringComparison.Ordinal);
        string[] files = [measure, $"{measure}.csv", $"{measure}.png", $"{measure}.svg"];
        Assert.Equal(files, Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());

        // The same command has nothing left to measure, so even the times are the same.
        byte[] table = File.ReadAllBytes(Path.Combine(folder, files[1]));
        using JsonDocument report = JsonDocument.Parse(SvdProgram.Call([.. arguments, "--json", "--threads", "1"]).Output);
        Assert.Equal(table, File.ReadAllBytes(Path.Combine(folder, files[1])));
        JsonElement[] rows = [.. report.RootElement.GetProperty("rows").EnumerateArray()];
        Assert.Equal(methods.Split(','), rows.Select(row => row.GetProperty("method").GetString()));
        int points = report.RootElement.GetProperty("points").GetArrayLength();
        Assert.All(rows, row => Assert.Equal(points, row.GetProperty("curves")[1].GetProperty("values").GetArrayLength()));
    }

    [Fact]
    public void TunesTheClassThresholdAndCompares()
    {
        string other = Put("other.csv", [.. "dataset,case,threshold,excerpts,changed,explanation_loss_percent,relative_area_percent\n"u8,
            .. "elsewhere,M1,0.0,10,1,10.0,90\nelsewhere,M2_published,0.55,10,2,20,45.5\n"u8]);
        using JsonDocument score = JsonDocument.Parse(Run(["score", "--data", Data, "--cache", PathOf("cache"), "--json"]));
        using JsonDocument report = JsonDocument.Parse(Run(Arguments("--class-threshold", "auto", "--compare", other, "--json", "--out", PathOf("new"))));
        JsonElement root = report.RootElement;
        Assert.Equal(score.RootElement.GetProperty("class_threshold").GetDouble(), root.GetProperty("class_threshold").GetDouble());
        Assert.Equal("valid", root.GetProperty("tuned_on").GetString());
        Assert.Equal(3 * 12, root.GetProperty("points").GetArrayLength());
        JsonElement difference = Assert.Single(root.GetProperty("compared").EnumerateArray());
        Assert.Equal(("elsewhere", "M1"), (difference.GetProperty("dataset").GetString(), difference.GetProperty("case").GetString()));
        Assert.Equal((10, 10), (difference.GetProperty("explanation_loss_points").GetDouble(), difference.GetProperty("relative_area_points").GetDouble()));
    }

    [Fact]
    public void SaysWhatIsWrong()
    {
        Evaluate("--out", PathOf("before")); // Whose spectrograms are in the cache.
        Fails(1, Arguments("--split", "exam"), "exam does not exist");
        Fails(1, Arguments("--start", "10"), "no song of test", "--start");
        string classifier = Path.Combine(Weights, "svdnet.npz"), inverter = Path.Combine(Weights, "inverter.npz");
        Fails(1, Arguments("--classifier", inverter), "does not hold SVDNet: it holds the inversion network for fc8");
        Fails(1, Arguments("--inverter", classifier), "does not hold an inversion network: it holds SVDNet");
        Fails(1, Arguments("--stats", PathOf("missing.npz")), "missing.npz does not exist");
        string file = Put("file", [1]);
        Fails(1, Arguments("--out", file), "cannot be written");
        File.Delete(Path.Combine(Data, "filelists", "valid"));
        Fails(1, Arguments("--class-threshold", "auto"), "valid does not exist");
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("threshold,loss\n0,1\n", "does not hold evaluation curves")]
    [InlineData("HEADER\n", "holds no points")]
    [InlineData("HEADER\na,M1,0.1,10,1,10\n", "line 2")]
    [InlineData("HEADER\na,M1,0.1,10,1,10,50\na,M3,0.1,10,1,10,50\n", "line 3")]
    [InlineData("HEADER\na,M1,x,10,1,10,50\n", "line 2")]
    [InlineData("HEADER\na,M1,NaN,10,1,10,50\n", "line 2")]
    [InlineData("HEADER\na,M1,0.1,10,11,10,50\n", "line 2")]
    [InlineData("HEADER\na,M1,0.1,0,0,0,50\n", "line 2")]
    [InlineData("HEADER\na,M1,0.1,10,1,101,50\n", "line 2")]
    public void ComparesWithNothingElse(string content, string says)
    {
        const string header = "dataset,case,threshold,excerpts,changed,explanation_loss_percent,relative_area_percent";
        string path = PathOf("other.csv");
        File.WriteAllText(path, content.Replace("HEADER", header, StringComparison.Ordinal));
        Fails(1, Arguments("--compare", path), path, says);
    }

    [Theory]
    [InlineData("0:1.1:0.1", 12, 0.3)]
    [InlineData("0.3:0.3:1", 1, 0.3)]
    [InlineData("0:0.9:0.3", 4, 0.9)]
    [InlineData("0:0.95:0.3", 4, 0.9)]
    public void ThresholdsRise(string text, int count, double held)
    {
        double[] thresholds = Engine.Svd.Cli.EvaluateCommand.ParseThresholds(text)!;
        Assert.Equal(count, thresholds.Length);
        Assert.Contains(held, thresholds);
    }

    [Theory]
    [InlineData("0:1.1")]
    [InlineData("0:1.1:0.1:1")]
    [InlineData("1.1:0:0.1")]
    [InlineData("0:1.1:0")]
    [InlineData("0:1.1:-0.1")]
    [InlineData("0:1.2:0.1")]
    [InlineData("-0.1:1:0.1")]
    [InlineData("0:1:nan")]
    [InlineData("0:1,1:0.1")]
    [InlineData("a:b:c")]
    [InlineData("0:1.1:0.0000001")]
    public void ThresholdsAreNumbersInOrder(string text) =>
        Fails(2, Arguments("--thresholds", text), "--thresholds needs FROM:TO:STEP", $"not {text}", "--help)");

    private string[] Arguments(params string[] more) =>
    [
        "evaluate", "--data", Data, "--cache", PathOf("cache"),
        .. more.Contains("--start") ? (string[])[] : ["--start", "0"], .. more.Contains("--class-threshold") ? (string[])[] : ["--class-threshold", "0.5"],
        .. more.Contains("--out") ? (string[])[] : ["--out", Out], .. more,
    ];

    private string Evaluate(params string[] more) => Run(Arguments(more));

    private static string Run(string[] arguments)
    {
        ProgramResult result = SvdProgram.Call(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output;
    }
}
