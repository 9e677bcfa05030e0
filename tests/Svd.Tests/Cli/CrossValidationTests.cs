using System.Globalization;
using System.Text.Json;
using Engine.Svd.Data;
using Engine.Svd.Predict;
using Engine.Tensors;

namespace Engine.Svd.Tests.Cli;

/// <summary>Trainings that leave a fold out, the score of all folds, and calibration, on songs of noise.</summary>
public sealed class CrossValidationTests : CommandTest
{
    public CrossValidationTests()
    {
        NoiseCorpus.Make(Data);
        WriteList("train", "one.wav", "two.wav", "three.wav");
        WriteList("fold1", "one.wav");
        WriteList("fold2", "two.wav", "three.wav");
    }

    private string Data => PathOf("corpus");

    private string Folds => PathOf("folds");

    [Fact]
    public void AFoldThatIsHeldOutIsNotTrainedWith()
    {
        Train("held", "--hold-out", "fold1");
        WriteList("train", "two.wav", "three.wav");
        WriteList("valid", "one.wav");
        Train("without");
        Assert.Equal(File.ReadAllBytes(PathOf("without.npz")), File.ReadAllBytes(PathOf("held.npz")));
        Assert.Equal(File.ReadAllBytes(PathOf("without.meanstd.npz")), File.ReadAllBytes(PathOf("held.meanstd.npz")));
        Assert.Equal(ValidationError("without"), ValidationError("held"));
        WriteList("train", "one.wav");
        Fails(1, TrainArguments("none", "--hold-out", "fold1"), "fold1 contains all songs", "none are left");
        Fails(1, TrainArguments("none", "--hold-out", "fold3"), "fold3 does not exist");
    }

    [Fact]
    public void EverySongIsScoredByTheDetectorThatDoesNotKnowIt()
    {
        TrainFolds();
        JsonElement all = Score("--folds", Folds);
        Assert.Equal(["one", "two", "three"], all.GetProperty("songs").EnumerateArray().Select(row => row.GetProperty("song").GetString()));
        string threshold = all.GetProperty("class_threshold").GetDouble().ToString(CultureInfo.InvariantCulture);
        foreach ((string fold, int first, int count) in (ReadOnlySpan<(string, int, int)>)[("fold1", 0, 1), ("fold2", 1, 2)])
        {
            JsonElement alone = Score([.. Detector(fold), "--split", fold, "--class-threshold", threshold]);
            Assert.Equal(
                alone.GetProperty("songs").EnumerateArray().Select(row => row.GetRawText()),
                all.GetProperty("songs").EnumerateArray().Skip(first).Take(count).Select(row => row.GetRawText()));
        }

        Assert.InRange(
            all.GetProperty("error_of_other_folds_thresholds").GetDouble(), all.GetProperty("all").GetProperty("best_error").GetDouble(), 1);
        JsonElement interval = all.GetProperty("intervals").GetProperty("error");
        Assert.InRange(
            all.GetProperty("all").GetProperty("error").GetDouble(), interval.GetProperty("low").GetDouble(), interval.GetProperty("high").GetDouble());
        string text = SvdProgram.Call("score", "--data", Data, "--cache", PathOf("cache"), "--folds", Folds).Output;
        string[] words = ["95 % over songs", "by a detector that was not trained with it", "each fold's threshold is tuned on the other folds"];
        foreach (string word in words)
        {
            Assert.Contains(word, text, StringComparison.Ordinal);
        }

        // Two jobs that share a folder end in the same files.
        string[] score = ["score", "--data", Data, "--cache", PathOf("cache"), "--folds", Folds, "--out"];
        Assert.Equal(0, SvdProgram.Call([.. score, PathOf("whole")]).ExitCode);
        Assert.Contains("2 of 3 songs are finished", SvdProgram.Call([.. score, PathOf("parts"), "--shard", "1/2"]).Output, StringComparison.Ordinal);
        Assert.False(File.Exists(PathOf("parts/scores.csv")));
        Assert.Equal(0, SvdProgram.Call([.. score, PathOf("parts"), "--shard", "2/2"]).ExitCode);
        Assert.Equal(File.ReadAllText(PathOf("whole/scores.csv")), File.ReadAllText(PathOf("parts/scores.csv")));
    }

    [Fact]
    public void EveryFoldIsExplainedByItsOwnNetworks()
    {
        TrainFolds();
        foreach (string fold in (string[])["fold1", "fold2"])
        {
            foreach (string network in (string[])["inverter", "masker"])
            {
                string weights = Path.Combine(Folds, $"{fold}.{network}.npz");
                Fits(["train", network, "--hold-out", fold, "--epochs", "1", "--hop", "10", "--batch", "8", .. Detector(fold), "--out", weights]);
            }
        }

        string[] sampled = ["evaluate", "--class-threshold", "0.5", "--start", "0", "--every", "0.3", "--json"];
        (JsonElement all, (int Excerpts, JsonElement Report)[] parts) = Both("masks", "--methods", "mask,random,inversion", "--area", "0.2", "--judge");
        int excerpts = parts.Sum(part => part.Excerpts);
        Assert.Equal(excerpts, all.GetProperty("excerpts").GetInt32());
        Assert.Equal(3, all.GetProperty("songs").GetInt32());
        RequireMeans(parts, all, KeptAlone);
        Assert.Equal(6, KeptAlone(all).Length);

        (all, parts) = Both("perturbation", "--methods", "mask,inversion", "--measure", "perturbation", "--region", "20");
        RequireMeans(parts, all, Aopc);
        Assert.Equal(2, Aopc(all).Length);

        (all, parts) = Both("fig5", "--thresholds", "0.2:0.8:0.2");
        RequireMeans(parts, all, report => Points(report, "explanation_loss_percent"));
        RequireMeans(parts, all, report => Points(report, "relative_area_percent"));
        Assert.Equal(12, Points(all, "explanation_loss_percent").Length);

        // One progress is for all folds: it never falls, and ends once.
        RequireOneProgress("songs of all folds", "--thresholds", "0.2:0.8:0.2");
        RequireOneProgress("log-mel spectrograms", "--methods", "mask,random");
        RequireOneProgress("methods", "--methods", "mask,inversion", "--measure", "sanity");

        Fails(2, ["evaluate", "--data", Data, "--folds", Folds, "--methods", "mask", "--masker", "m.npz"], "give --folds or --masker, not both");
        File.Delete(Path.Combine(Folds, "fold2.masker.npz"));
        Fails(1, ["evaluate", "--data", Data, "--folds", Folds, "--methods", "mask"], "fold2.masker.npz is missing", "svd train masker --hold-out fold2");

        JsonElement Fits(params string[] command)
        {
            ProgramResult result = SvdProgram.Call([.. command, "--data", Data, "--cache", PathOf("cache")]);
            Assert.Equal((0, ""), (result.ExitCode, result.Errors));
            return command.Contains("--json") ? JsonDocument.Parse(result.Output).RootElement : default;
        }

        // The report over all folds, and each fold's own.
        (JsonElement All, (int Excerpts, JsonElement Report)[] Parts) Both(string name, params string[] what)
        {
            bool judged = what[^1] == "--judge";
            JsonElement together = Fits([.. sampled, .. what, .. judged ? [Folds] : (string[])[], "--folds", Folds, "--out", PathOf($"{name}-all")]);
            return (together,
            [
                .. ((string[])["fold1", "fold2"]).Select(fold =>
                {
                    string path = Path.Combine(Folds, fold);
                    JsonElement report = Fits([
                        .. sampled, .. what, .. judged ? [$"{path}.npz"] : (string[])[], .. Detector(fold), "--inverter", $"{path}.inverter.npz",
                        .. what.Contains("--methods") ? ["--masker", $"{path}.masker.npz"] : (string[])[], "--split", fold, "--out", PathOf($"{name}-{fold}")]);
                    return (report.GetProperty("excerpts").GetInt32(), report);
                }),
            ]);
        }

        void RequireOneProgress(string title, params string[] what)
        {
            int[] percentages = SvdProgram.PercentagesOf(
                title, [.. sampled, .. what, "--folds", Folds, "--data", Data, "--cache", PathOf("cache"), "--out", PathOf(Path.GetRandomFileName())]);
            Assert.True(percentages.Length >= 3, title);
            Assert.Equal(percentages.Order(), percentages);
            Assert.InRange(percentages[0], 0, 34);
            Assert.Equal(100, percentages[^1]);
        }

        static void RequireMeans((int Excerpts, JsonElement Report)[] parts, JsonElement all, Func<JsonElement, double[]> valuesOf)
        {
            double[] values = valuesOf(all);
            for (int i = 0; i < values.Length; i++)
            {
                Assert.Equal(parts.Sum(part => part.Excerpts * valuesOf(part.Report)[i]) / parts.Sum(part => part.Excerpts), values[i], 1e-9);
            }
        }

        static double[] KeptAlone(JsonElement report) =>
            [.. report.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("sufficiency").GetProperty("mean").GetDouble())];

        static double[] Aopc(JsonElement report) =>
        [
            .. report.GetProperty("rows").EnumerateArray()
                .Select(row => row.GetProperty("summaries")[0].GetProperty("value").GetProperty("mean").GetDouble()),
        ];

        static double[] Points(JsonElement report, string property) =>
            [.. report.GetProperty("points").EnumerateArray().Select(point => point.GetProperty(property).GetDouble())];
    }

    [Fact]
    public void CalibratedWeightsGiveCalibratedProbabilities()
    {
        Train("net", "--hold-out", "fold1");
        float[] before = Probabilities("net.npz");
        float[] labels = LabelTrack.Read(Path.Combine(Data, "labels", "one.lab")).ForFrames(before.Length);
        Calibration? expected = Calibration.Fit(Segments.Median(before), labels);
        string[] calibrate = ["calibrate", "--data", Data, "--cache", PathOf("cache"), .. Detector("net", PathOf("")), "--split", "fold1"];
        if (expected is null)
        {
            // The barely trained detector puts the sung frames last: so give it other labels.
            File.WriteAllText(Path.Combine(Data, "labels", "one.lab"), "0 1.7 sing\n1.7 3.4 nosing\n");
            labels = LabelTrack.Read(Path.Combine(Data, "labels", "one.lab")).ForFrames(before.Length);
            expected = Calibration.Fit(Segments.Median(before), labels);
        }

        Assert.NotNull(expected);
        ProgramResult result = SvdProgram.Call([.. calibrate, "--out", PathOf("calibrated.npz")]);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        string fitted = FormattableString.Invariant($"temperature {expected.Temperature:F3}, offset {expected.Offset:F3}");
        Assert.Contains(fitted, result.Output, StringComparison.Ordinal);
        float[] after = Probabilities("calibrated.npz");

        // Float32 in the network; the fit's temperature may be far from 1 for a detector of noise.
        for (int i = 0; i < before.Length; i++) Assert.Equal(expected.Apply(before[i]), after[i], 1e-3);
        File.WriteAllText(Path.Combine(Data, "labels", "one.lab"), "0 3.4 sing\n");
        Fails(1, [.. calibrate, "--out", PathOf("no.npz")], "fold1 cannot calibrate", "frames with and without singing");
    }

    [Fact]
    public void SaysWhatIsWrongWithFolds()
    {
        Directory.CreateDirectory(Folds);
        string[] score = ["score", "--data", Data, "--cache", PathOf("cache"), "--folds", Folds];
        Fails(1, score, "holds 0 detectors", "--hold-out");
        Fails(1, [.. score[..^1], PathOf("nowhere")], "nowhere is not a folder");
        Fails(2, [.. score, "--split", "fold1"], "give --folds or --split, not both");
        Fails(2, [.. score, "--classifier", "a.npz"], "give --folds or --classifier, not both");
        TrainFolds();
        string statistics = Path.Combine(Folds, "fold2.meanstd.npz");
        byte[] own = File.ReadAllBytes(statistics);
        File.Copy(Path.Combine(Folds, "fold1.meanstd.npz"), statistics, overwrite: true);
        string[] calibrate = ["calibrate", .. score[1..], "--out", PathOf("calibrated.npz")];
        foreach (string[] command in (string[][])[score, calibrate]) Fails(1, command, "fold2.npz was trained with other statistics than", statistics);
        Assert.Contains("because of --force", SvdProgram.Call([.. score, "--force"]).Errors, StringComparison.Ordinal);
        File.WriteAllBytes(statistics, own);
        string second = Path.Combine(Folds, "fold2.npz");
        Fails(1, [.. calibrate[..^1], second], $"{second} would replace a file that this command reads");
        if (!OperatingSystem.IsWindows())
        {
            string link = Path.Combine(Out, "scores.csv");
            File.CreateSymbolicLink(link, second);
            Fails(1, [.. score, "--out", Out], "scores.csv would replace", second);
            File.Delete(link);
        }

        WriteList("fold2", "one.wav", "two.wav");
        Fails(1, score, "one is in two of the folds fold1, fold2");
        File.Delete(Path.Combine(Data, "filelists", "fold2"));
        Fails(1, score, "fold2 does not exist");
    }

    private void TrainFolds()
    {
        Directory.CreateDirectory(Folds);
        foreach (string fold in (string[])["fold1", "fold2"]) Train(Path.Combine("folds", fold), "--hold-out", fold);
    }

    private string[] Detector(string name, string? folder = null)
    {
        string path = Path.Combine(folder ?? Folds, name);
        return ["--classifier", $"{path}.npz", "--stats", $"{path}.meanstd.npz"];
    }

    private JsonElement Score(params string[] more)
    {
        ProgramResult result = SvdProgram.Call(["score", "--data", Data, "--cache", PathOf("cache"), "--json", .. more]);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return JsonDocument.Parse(result.Output).RootElement;
    }

    private float[] Probabilities(string weights)
    {
        ProgramResult result = SvdProgram.Call(
            "predict", Path.Combine(Data, "audio", "one.wav"), "--classifier", PathOf(weights), "--stats", PathOf("net.meanstd.npz"),
            "--out", Out, "--overwrite");
        Assert.Equal(0, result.ExitCode);
        return NpyFile.Read(Path.Combine(Out, "one.probability.npy")).ToSingle();
    }

    private string[] TrainArguments(string name, params string[] more) =>
    [
        "train", "classifier", "--data", Data, "--cache", PathOf("cache"), "--out", PathOf($"{name}.npz"), "--epochs", "1", "--batches", "2", .. more,
    ];

    private void Train(string name, params string[] more)
    {
        ProgramResult result = SvdProgram.Call(TrainArguments(name, more));
        Assert.True(result.ExitCode == 0, result.Errors);
    }

    private string ValidationError(string name) => File.ReadAllLines(PathOf($"{name}.csv"))[1].Split(',')[4];

    private void WriteList(string name, params string[] songs) => File.WriteAllLines(Path.Combine(Data, "filelists", name), songs);
}
