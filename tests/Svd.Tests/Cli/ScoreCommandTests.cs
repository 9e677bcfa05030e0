using System.Globalization;
using System.Text.Json;
using Engine.Svd.Data;
using Engine.Svd.Predict;
using Engine.Tensors;

namespace Engine.Svd.Tests.Cli;

/// <summary><c>svd score</c> against what <c>svd predict</c> says about the same songs of noise.</summary>
public sealed class ScoreCommandTests : CommandTest
{
    private static readonly string[] Songs = ["one", "two"];

    public ScoreCommandTests()
    {
        NoiseCorpus.Make(Data);
        File.WriteAllText(Path.Combine(Data, "filelists", "test"), "one.wav\ntwo.wav\n");

        // Neither all frames are sung nor as many as in another song.
        File.WriteAllText(Path.Combine(Data, "labels", "two.lab"), "0 0.7 sing\n2 2.5 sing\n");
    }

    private string Data => PathOf("corpus");

    [Fact]
    public void ScoresWhatPredictPredicts()
    {
        double threshold = Predicted("three").TuneThreshold();
        LabelledSong[] songs = [.. Songs.Select(Predicted)];
        using JsonDocument report = JsonDocument.Parse(Score("--json", "--class-threshold", "auto", "--out", PathOf("new")));
        Assert.Equal(threshold, report.RootElement.GetProperty("class_threshold").GetDouble());
        Assert.Equal(("test", "valid"), (report.RootElement.GetProperty("split").GetString(), report.RootElement.GetProperty("tuned_on").GetString()));
        JsonElement[] rows = [.. report.RootElement.GetProperty("songs").EnumerateArray()];
        Assert.Equal(Songs, rows.Select(row => row.GetProperty("song").GetString()));
        string[] csv = File.ReadAllLines(Path.Combine(PathOf("new"), "scores.csv"));
        Assert.Equal("song,frames,error,best_error,precision,recall,specificity,f1,roc_area,brier_score,calibration_error", csv[0]);
        Assert.Equal(6, csv.Length);
        AssertReliability(LabelledSong.Together(songs).Reliability(), report.RootElement.GetProperty("reliability"));
        for (int i = 0; i < Songs.Length; i++) AssertRow(songs[i], rows[i].GetProperty("scores"), csv[i + 1]);
        AssertRow(LabelledSong.Together(songs), report.RootElement.GetProperty("all"), csv[3]);

        void AssertReliability(ReliabilityCurve expected, JsonElement json)
        {
            string[] lines = File.ReadAllLines(Path.Combine(PathOf("new"), "reliability.csv"));
            Assert.Equal("from,to,frames,mean_probability,sung_share", lines[0]);
            Assert.Equal(expected.Bins.Select(bin => bin.Frames), lines.Skip(1).Select(line => int.Parse(line.Split(',')[2], CultureInfo.InvariantCulture)));
            Assert.Equal(expected.Bins.Select(bin => bin.Frames), json.EnumerateArray().Select(bin => bin.GetProperty("frames").GetInt32()));
            Assert.True(File.Exists(Path.Combine(PathOf("new"), "reliability.png")) && File.Exists(Path.Combine(PathOf("new"), "reliability.svg")));
        }

        void AssertRow(LabelledSong song, JsonElement json, string line)
        {
            DetectionScores scores = song.Scores(threshold);
            Assert.Equal(scores.TruePositives, json.GetProperty("true_positives").GetInt32());
            Assert.Equal(scores.RocArea, json.GetProperty("roc_area").GetDouble());
            double?[] ratios =
            [
                scores.Error, scores.BestError, scores.Precision, scores.Recall, scores.Specificity, scores.F1, scores.RocArea, scores.BrierScore,
                scores.CalibrationError,
            ];
            Assert.Equal(
                $"\"{song.Name}\",{scores.Frames},{string.Join(',', ratios.Select(ratio => ratio?.ToString(CultureInfo.InvariantCulture)))}", line);
        }
    }

    [Fact]
    public void PrintsATable()
    {
        string text = Score("--class-threshold", "0", "--split", "valid");
        string[] words =
        [
            "song", "ROC area", "three", "all", $"{NoiseCorpus.SongFrames}", "1.000", "Brier", "ECE", "singing if P >= 0.0000, as given", "best possible one",
        ];
        foreach (string word in words) Assert.Contains(word, text, StringComparison.Ordinal);

        Assert.Contains("fewest errors on the songs of valid, which are scored here", Score("--split", "valid"), StringComparison.Ordinal);
    }

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeABit()
    {
        string Numbers(string threads) => JsonDocument.Parse(Score("--json", "--threads", threads)).RootElement.GetProperty("songs").GetRawText();
        Assert.Equal(Numbers("1"), Numbers("2"));
    }

    [Fact]
    public void SaysWhatIsWrong()
    {
        Fails(1, Arguments("--split", "exam"), "exam does not exist", "test, train, valid");
        Fails(1, Arguments("--classifier", PathOf("missing.npz")), "missing.npz does not exist");
        Fails(1, Arguments("--stats", PathOf("missing.npz")), "missing.npz does not exist");
        string file = Put("file", [1]);
        Fails(1, Arguments("--out", file), $"the folder {file} cannot be written");
        File.WriteAllText(Path.Combine(Data, "labels", "three.lab"), "0 2 humming\n");
        Fails(1, Arguments(), "three.lab", "humming");
        File.Delete(Path.Combine(Data, "filelists", "valid"));
        Fails(1, Arguments(), "valid does not exist");
        Fails(1, ["score", "--data", PathOf("nowhere")], "nowhere is not a folder");
    }

    [Fact]
    public void LabelsAreHeldAgainstTheSong()
    {
        string label = Path.Combine(Data, "labels", "one.lab");
        File.WriteAllText(label, "0 1.7 nosing\n1.7 9 sing\n");
        ProgramResult result = SvdProgram.Call(Arguments("--json"));
        Assert.Equal(0, result.ExitCode);
        AssertOneLine(result.Errors, "warning: ", "one.lab, line 2", "ends at 9 s");
        using JsonDocument report = JsonDocument.Parse(result.Output);
        Assert.Contains("one.lab, line 2", Assert.Single(report.RootElement.GetProperty("warnings").EnumerateArray()).GetString(), StringComparison.Ordinal);
        File.WriteAllText(label, "0 17000000 nosing\n17000000 33000000 sing\n");
        Fails(1, Arguments(), "one.lab, line 2", "starts at 17000000 s", "ends at 3.", "units of 100 ns");
        File.WriteAllText(label, "");
        Fails(1, Arguments(), "one.lab holds no segments", "An instrumental has one line");
    }

    private string[] Arguments(params string[] more) => ["score", "--data", Data, "--cache", PathOf("cache"), .. more];

    private string Score(params string[] more)
    {
        ProgramResult result = SvdProgram.Call(Arguments(more));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output;
    }

    private LabelledSong Predicted(string name)
    {
        Assert.Equal(0, SvdProgram.Call("predict", Path.Combine(Data, "audio", $"{name}.wav"), "--out", Out, "--overwrite").ExitCode);
        float[] probabilities = NpyFile.Read(Path.Combine(Out, $"{name}.probability.npy")).ToSingle();
        float[] labels = LabelTrack.Read(Path.Combine(Data, "labels", $"{name}.lab")).ForFrames(probabilities.Length);
        return new LabelledSong(name, Segments.Median(probabilities), labels);
    }
}
