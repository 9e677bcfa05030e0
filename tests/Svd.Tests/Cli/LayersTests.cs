using System.Text.Json;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Evaluate;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using SkiaSharp;

namespace Engine.Svd.Tests.Cli;

/// <summary><c>svd explain --layer</c> and <c>svd reconstruct</c>, with untrained networks for some of the detector's layers.</summary>
public sealed class LayersTests : CommandTest
{
    private static readonly string[] Layers = ["mp3", "conv5", "mp6", "fc8"];

    private readonly string _folder;

    public LayersTests()
    {
        _folder = PathOf("inverters");
        Directory.CreateDirectory(_folder);
        foreach (string layer in Layers) Write(Path.Combine(_folder, $"any-{layer}.npz"), layer, "published", Notes(layer));

        // Other files do not matter.
        File.Copy(Bundled("meanstd.npz"), Path.Combine(_folder, "meanstd.npz"));
    }

    [Fact]
    public void ExplainsByAllLayersInOneFigure()
    {
        string song = Song();
        ProgramResult result = SvdProgram.Call("explain", song, "--at", "0", "--layer", "all", "--inverter", _folder, "--out", PathOf("all"), "--json");
        Assert.Equal(0, result.ExitCode);
        string stem = Path.Combine(PathOf("all"), $"{SongName}_at_0s_layers");
        Assert.Equal([$"{stem}.npz", $"{stem}.png"], Directory.GetFiles(PathOf("all")).Order());
        using (SKBitmap picture = SKBitmap.Decode($"{stem}.png")) Assert.Equal((LayersFigure.Width, LayersFigure.HeightOf(5)), (picture.Width, picture.Height));
        using JsonDocument json = JsonDocument.Parse(result.Output);
        JsonElement[] layers = [.. json.RootElement.GetProperty("layers").EnumerateArray()];
        Assert.Equal(Layers, layers.Select(layer => layer.GetProperty("layer").GetString()));
        using NpzFile arrays = NpzFile.Open($"{stem}.npz");
        double[] input = arrays.Read("input").ToDouble();
        foreach (JsonElement layer in layers)
        {
            string name = layer.GetProperty("layer").GetString()!;
            double[] inverted = arrays.Read($"inverted_{name}").ToDouble(), mask = arrays.Read($"mask_{name}").ToDouble();
            Assert.Equal(input.Zip(inverted, (x, y) => (x - y) * (x - y)).Average(), layer.GetProperty("mean_squared_error").GetDouble(), 1e-6);
            Assert.Equal(mask.Average(), layer.GetProperty("relative_area").GetDouble(), 1e-6);
            Assert.Equal(arrays.Read($"probability_masked_{name}").ToDouble()[0], layer.GetProperty("probability_masked").GetDouble(), 1e-6);
        }
    }

    /// <summary>The same excerpt by one layer, from the folder or the file, is what the figure of all layers has.</summary>
    [Fact]
    public void ExplainsByOneLayer()
    {
        string song = Song();
        Assert.Equal(0, SvdProgram.Call("explain", song, "--at", "0", "--layer", "all", "--inverter", _folder, "--out", PathOf("all")).ExitCode);
        Assert.Equal(0, SvdProgram.Call("explain", song, "--at", "0", "--layer", "conv5", "--inverter", _folder, "--out", PathOf("one")).ExitCode);
        string file = Path.Combine(_folder, "any-conv5.npz");
        Assert.Equal(0, SvdProgram.Call("explain", song, "--at", "0", "--inverter", file, "--out", PathOf("file")).ExitCode);
        using NpzFile all = NpzFile.Open(Path.Combine(PathOf("all"), $"{SongName}_at_0s_layers.npz"));
        using NpzFile one = NpzFile.Open(Path.Combine(PathOf("one"), $"{SongName}_at_0s_conv5.npz"));
        using NpzFile byFile = NpzFile.Open(Path.Combine(PathOf("file"), $"{SongName}_at_0s.npz"));
        Assert.Equal(all.Read("inverted_conv5").ToDouble(), one.Read("inverted").ToDouble());
        Assert.Equal(all.Read("mask_conv5").ToDouble(), one.Read("mask").ToDouble());
        Assert.Equal(one.Read("inverted").ToDouble(), byFile.Read("inverted").ToDouble());
    }

    [Fact]
    public void SaysWhichNetworkIsMissingOrWrong()
    {
        string song = Song(), file = Path.Combine(_folder, "any-conv5.npz");
        Fails(2, Arguments("explain", song, "--layer", "conv3"), "conv3");
        Fails(2, Arguments("explain", song, "--layer", "conv5", "--method", "mask"), "--layer conv5 does not go with --method mask");
        Fails(2, Arguments("explain", song, "--layer", "all", "--method", "both"), "--layer all does not go with --method both");
        Fails(1, Arguments("explain", song, "--at", "0", "--layer", "mp6", "--inverter", file), "the inversion network for conv5", "one for mp6 is needed");
        Fails(1, Arguments("explain", song, "--at", "0", "--layer", "conv4", "--inverter", _folder), "no inversion network for conv4", "svd train inverter");
        Fails(1, Arguments("explain", song, "--at", "0", "--layer", "all", "--inverter", file), "folder of inversion networks");
        Fails(1, ["page", song, "--inverter", file, "--out", Out], "the inversion network for conv5", "one for fc8 is needed");
        Write(Path.Combine(_folder, "other.npz"), "conv5", "matched", Notes("conv5"));
        Fails(1, Arguments("explain", song, "--at", "0", "--layer", "all", "--inverter", _folder), "several inversion networks for conv5", "other.npz");
    }

    [Fact]
    public void NotesSayTheLayer()
    {
        string file = Path.Combine(_folder, "any-conv5.npz"), silent = PathOf("silent.npz");
        Assert.Contains("conv5", SvdProgram.Call("weights", file).Output, StringComparison.Ordinal);
        Write(silent, "mp6", "matched", null);
        using JsonDocument json = JsonDocument.Parse(SvdProgram.Call("weights", silent, "--json").Output);
        Assert.Equal("mp6", json.RootElement.GetProperty("layer").GetString());
    }

    [Fact]
    public void MeasuresWhatLayersKeep()
    {
        string data = PathOf("corpus"), output = PathOf("reconstruction"), table = Path.Combine(output, "layers.csv");
        NoiseCorpus.Make(data);
        string[] arguments =
        [
            "reconstruct", "--data", data, "--split", "train", "--inverter", _folder, "--excerpts", "3", "--draws", "2", "--out", output,
            "--cache", PathOf("cache"),
        ];
        ProgramResult result = SvdProgram.Call(arguments);
        Assert.True(result.ExitCode == 0, result.Errors);
        IReadOnlyList<(string Layer, double Error)> rows = ReconstructionTable.Read(table);
        Assert.Equal(Layers, rows.Select(row => row.Layer));
        Assert.All(rows, row => Assert.InRange(row.Error, 0.1, 10));

        // Finished songs are kept: the second run takes the numbers from them, and the same ones come out.
        string kept = Path.Combine(output, "songs", "one.npz");
        byte[] csv = File.ReadAllBytes(table), before = File.ReadAllBytes(kept);
        File.Delete(Path.Combine(output, "songs", "two.npz"));
        File.Delete(table);
        DateTime written = File.GetLastWriteTimeUtc(kept);
        Assert.Equal(0, SvdProgram.Call([.. arguments, "--compare", WriteTable("layer,error\nconv5,0.5\n")]).ExitCode);
        Assert.Equal(csv, File.ReadAllBytes(table));
        Assert.Equal(before, File.ReadAllBytes(kept));
        Assert.Equal(written, File.GetLastWriteTimeUtc(kept));
        using SKBitmap picture = SKBitmap.Decode(Path.Combine(output, "layers.png"));
        Assert.Equal((ReconstructionFigure.Width, ReconstructionFigure.Height), (picture.Width, picture.Height));
        Fails(1, [.. arguments, "--compare", WriteTable("layer,loss\nconv5,0.5\n")], "columns layer and error");
        Fails(1, [.. arguments, "--compare", WriteTable("layer,error\nconv5,much\n")], "line 2", "conv5,much");
    }

    /// <summary>Zero for the excerpt itself, and one if every inversion is as far away as another excerpt.</summary>
    [Fact]
    public void TheErrorIsThatOfTheDefinition()
    {
        ReconstructionSampling sampling = new(Excerpts: 4, Draws: 3, Seed: 1);
        int[] starts = sampling.StartsOf(0, FrontEndSettings.ExcerptFrames + 50);
        Assert.Equal(12, starts.Length);
        Assert.All(starts, start => Assert.InRange(start, 0, 50));
        Assert.Equal(starts, sampling.StartsOf(0, FrontEndSettings.ExcerptFrames + 50));
        Assert.NotEqual(starts, sampling.StartsOf(1, FrontEndSettings.ExcerptFrames + 50));
        Assert.Empty(sampling.StartsOf(0, FrontEndSettings.ExcerptFrames - 1));

        // Corners of a square of side 2: four distances of 2 and two of 2√2.
        float[][] square = [[0, 0], [0, 2], [2, 0], [2, 2]];
        Assert.Equal((4 * 2 + 2 * 2 * Math.Sqrt(2)) / 6, Reconstruction.MeanDistance(square), 1e-6);
    }

    // That of a network which belongs to the bundled detector.
    private static WeightNotes Notes(string layer) => new()
    {
        Detector = SvdNet.DigestOfFeatures(WeightFile.Read(Bundled("svdnet.npz"))), Statistics = BandStatistics.Read(Bundled("meanstd.npz")).Digest,
        Layer = layer,
    };

    private static string Bundled(string name) => Path.Combine(AppContext.BaseDirectory, "weights", name);

    private string WriteTable(string text) => Put("table.csv", System.Text.Encoding.ASCII.GetBytes(text));

    private static void Write(string path, string layer, string name, WeightNotes? notes)
    {
        using IBackend backend = Backends.CreateReference();
        using Sequential network = InversionArchitecture.Of(SvdNetLayer.Of(layer)!, name)!.Build();
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
        network.Save(path, notes?.ToString() ?? "");
    }
}
