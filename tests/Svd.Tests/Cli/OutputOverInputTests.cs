using System.IO.Compression;
using System.Text;
using Engine.Nn;
using Engine.Svd.Cli;
using Engine.Svd.Data;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

/// <summary>No result takes the place of something that is read, or of what somebody made; and none lands outside the output folder.</summary>
public sealed class OutputOverInputTests : CommandTest
{
    private static readonly string Weights = Path.Combine(AppContext.BaseDirectory, "weights");

    private string Corpus => PathOf("corpus");

    [Fact]
    public void AnExportDoesNotReplaceItsWeights()
    {
        string weights = Copy("svdnet.npz");
        Fails(1, ["export", weights, "--out", weights], weights, "would replace", "--out");
        Fails(1, ["export", weights, "--out", Path.Combine(Out, "..", "svdnet.npz")], "would replace", weights);
    }

    [UnixFact]
    public void ALinkIsTheFileItLeadsTo()
    {
        string song = Song(), link = File.CreateSymbolicLink(PathOf("link.npy"), song).FullName;
        Fails(1, ["logmel", song, "--out", link], link, "would replace", song);
        string sound = Path.Combine(Out, $"{SongName}_at_0s.excerpt.wav");
        File.Delete(sound);
        File.CreateSymbolicLink(sound, song);
        Fails(1, Arguments("explain", song, "--listen", "--at", "0"), "excerpt.wav would replace", song);
        Directory.CreateSymbolicLink(PathOf("folder"), Out);
        string inside = Path.Combine(Out, "logmel.npy");
        Fails(1, ["logmel", inside, "--out", Path.Combine(PathOf("folder"), "logmel.npy")], "would replace", inside);
    }

    [Fact]
    public void ATrainingReplacesNeitherItsInputsNorItsOwnFiles()
    {
        NoiseCorpus.Make(Corpus);
        string weights = Copy("svdnet.npz"), label = Path.Combine(Corpus, "labels", "one.lab");
        void Says(string training, string output, params string[] words) => Fails(1, ["train", training, "--data", Corpus, "--out", output], words);
        Fails(1, ["train", "inverter", "--data", Corpus, "--classifier", weights, "--out", weights], "would replace", weights);
        Says("inverter", PathOf("x.csv"), "x.csv", "would be the same file");
        Says("classifier", label, "one.lab", "would replace");
        Says("masker", Path.Combine(Corpus, "audio", "three.wav"), "three.wav", "would replace");
        string checkpoint = Path.Combine(PathOf("run"), "checkpoint.npz");
        Fails(1, ["train", "masker", "--data", Corpus, "--out", checkpoint, "--checkpoint", PathOf("run")], "would be the same file");
        Fails(1, ["stats", "--data", Corpus, "--out", Path.Combine(Corpus, "filelists", "train")], "would replace");
    }

    // These were found out when hours of work were done.
    [Theory]
    [InlineData("inverter")]
    [InlineData("classifier")]
    [InlineData("masker")]
    public void ATrainingFindsOutFirstWhetherItCanWrite(string training)
    {
        NoiseCorpus.Make(Corpus);
        File.WriteAllText(Path.Combine(Corpus, "audio", "one.wav"), "no sound: reading it would be an error of its own");
        Directory.CreateDirectory(PathOf("log.csv"));
        void Says(string output, params string[] words) => Fails(1, ["train", training, "--data", Corpus, "--out", output], words);
        Says("", "--out is blank");
        Says(Out, Out, "is a folder");
        Says(PathOf("log.npz"), "log.csv", "is a folder");
        Says(Path.Combine(Song(), "x.npz"), "cannot be written");
    }

    [Fact]
    public void AnEvaluationDoesNotReplaceWhatItIsComparedWith()
    {
        NoiseCorpus.Make(Corpus);
        string csv = Path.Combine(Out, "evaluation.csv");
        File.WriteAllText(csv, "dataset,case,threshold,excerpts,changed,explanation_loss_percent,relative_area_percent\na,M1,0.5,1,1,100,1\n");
        Fails(1, ["evaluate", "--data", Corpus, "--compare", csv, "--out", Out], "would replace", csv);
        Fails(1, ["score", "--data", Corpus, "--stats", Path.Combine(Out, "scores.csv"), "--out", Out], "would replace");
    }

    [Theory]
    [InlineData("song", "song")]
    [InlineData("artist/song", "artist/song")]
    [InlineData("..", "song-")]
    [InlineData("../song", "song-")]
    [InlineData("/home/user/song", "home_user_song-")]
    [InlineData("a/../../song", "a_.._.._song-")]
    [InlineData("C:\\song", "C__song-")]
    [InlineData("nul", "nul-")]
    [InlineData("a\nb", "a_b-")]
    [InlineData("", "song-")]
    public void NamesOfResultsStayInTheirFolder(string song, string starts)
    {
        string name = ResultName.Of(song), folder = Path.GetFullPath(Out);
        Assert.StartsWith(starts, name, StringComparison.Ordinal);
        Assert.StartsWith(folder + Path.DirectorySeparatorChar, Path.GetFullPath(Path.Combine(folder, $"{name}.npz")), StringComparison.Ordinal);
        Assert.NotEqual(ResultName.Of("x/../y"), ResultName.Of("x_.._y"));
    }

    [Fact]
    public void ASongWithNothingButAnExtensionKeepsItsName()
    {
        string song = PathOf(".wav");
        File.Copy(Song(), song);
        Assert.Equal(0, SvdProgram.Call("predict", song, "--out", Out).ExitCode);
        Assert.True(File.Exists(Path.Combine(Out, ".wav.lab")));
        Assert.True(File.Exists(Path.Combine(Out, ".wav.probability.npy")));
    }

    [Fact]
    public void WeightsOfAnotherDetectorAreRefused()
    {
        string second = Path.Combine(Weights, "svdnet-second.npz"), song = Song();
        foreach (string method in (string[])["inversion", "mask", "both"])
        {
            string[] arguments = Arguments("explain", song, "--at", "0", "--method", method, "--classifier", second);
            Fails(1, arguments, "was trained on another detector than", second, "--force");
        }

        ProgramResult forced = SvdProgram.Call(Arguments("explain", song, "--at", "0", "--classifier", second, "--force"));
        Assert.Equal(0, forced.ExitCode);
        Assert.Contains("because of --force", forced.Errors, StringComparison.Ordinal);

        string statistics = PathOf("other.npz");
        NpyArray ones = new([80], [.. Enumerable.Repeat(1.0, 80)]);
        NpzFile.Write(statistics, [("mean", ones), ("std", ones)]);
        Fails(1, Arguments("predict", song, "--stats", statistics), "was trained with other statistics than", statistics, "--force");
    }

    [Fact]
    public void WeightsThatSayNothingAreTakenWithANote()
    {
        string weights = Copy("svdnet.npz"), song = Song();
        NpzFile.WriteComment(weights, "");
        ProgramResult result = SvdProgram.Call(Arguments("predict", song, "--classifier", weights, "--json"));
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("does not say what it belongs to", result.Errors, StringComparison.Ordinal);
        Assert.Contains("\"class_threshold\":0.5,\"class_threshold_from\":\"default\"", result.Output, StringComparison.Ordinal);
        result = SvdProgram.Call(Arguments("predict", song, "--json"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Contains(
            FormattableString.Invariant($"\"class_threshold\":{Golden.BundledThreshold},\"class_threshold_from\":\"tuned\""), result.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AnExplanationSaysWhichThresholdItUsed()
    {
        ProgramResult result = SvdProgram.Call(Arguments("explain", Song(), "--at", "0", "--json"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Contains(FormattableString.Invariant($"\"class_threshold\": {Golden.BundledThreshold}"), result.Output, StringComparison.Ordinal);
        using NpzFile file = NpzFile.Open(Path.Combine(Out, $"{SongName}_at_0s.npz"));
        Assert.Equal([Golden.BundledThreshold], file.Read("class_threshold").ToDouble());
    }

    [Fact]
    public void WeightsAreStampedWithoutAChangeOfTheirArrays()
    {
        string weights = Copy("inverter.npz"), second = Path.Combine(Weights, "svdnet-second.npz");
        byte[] entries = Entries(weights);
        string digest = WeightFile.Read(weights).Digest;
        ProgramResult result = SvdProgram.Call("weights", weights, "--classifier", second, "--class-threshold", "0.25", "--training", "by hand");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Equal(entries, Entries(weights));
        WeightFile file = WeightFile.Read(weights);
        WeightNotes notes = WeightNotes.Of(file)!;
        Assert.Equal(
            (digest, SvdNet.DigestOfFeatures(WeightFile.Read(second)), 0.25, "by hand"),
            (file.Digest, notes.Detector, notes.ClassThreshold, notes.Training));
        Assert.NotNull(notes.Statistics);
        NpzFile.WriteComment(weights, "{\"engine_weights\":1,\"class_threshold\":7}");
        Fails(1, ["weights", weights], weights, "are damaged");
        NpzFile.WriteComment(weights, "another program's");
        Assert.Contains("not noted", SvdProgram.Call("weights", weights).Output, StringComparison.Ordinal);
    }

    // The names and bytes of the arrays, as another program sees them.
    private static byte[] Entries(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        using MemoryStream all = new();
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            all.Write(Encoding.UTF8.GetBytes(entry.FullName));
            using Stream content = entry.Open();
            content.CopyTo(all);
        }

        return all.ToArray();
    }

    private string Copy(string name)
    {
        string copy = PathOf(name);
        File.Copy(Path.Combine(Weights, name), copy, overwrite: true);
        return copy;
    }
}
