using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Figures;
using Engine.Tests;
using SkiaSharp;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Evaluate;

public class LocalisationTests
{
    // 40 dB are a factor of 100 of magnitudes: ln 100.
    private const float Range = 4.6052f;

    [Fact]
    public void TheVoiceDominatesWhereItIsLouderAndWithin40DecibelsOfItsLoudest()
    {
        float[] voice = new float[ExcerptLength], music = new float[ExcerptLength];
        Array.Fill(voice, -16);
        Array.Fill(music, -10);
        (float Voice, float Music, bool Dominates)[] bins =
        [
            (2, -10, true), (2 - Range + 0.001f, -10, true), (2 - Range - 0.001f, -10, false), (1, 0.999f, true), (1, 1, false), (1, 1.5f, false),
            (-16, -17, false), (2, 3, false),
        ];
        for (int i = 0; i < bins.Length; i++) (voice[1000 * i], music[1000 * i]) = (bins[i].Voice, bins[i].Music);
        bool[] dominated = Localisation.VoiceBins(voice, music);
        for (int i = 0; i < bins.Length; i++) Assert.Equal(bins[i].Dominates, dominated[1000 * i]);
        Assert.Equal(bins.Count(bin => bin.Dominates), dominated.Count(bin => bin));
    }

    [Fact]
    public void TheRangeGoesByTheLoudestBinOfTheVoiceEvenWhereTheMusicIsLouder()
    {
        // The loudest bin of the voice, at 8, is drowned; from it on the range reaches down to 3.39.
        float[] voice = new float[ExcerptLength], music = new float[ExcerptLength];
        Array.Fill(music, -10);
        (voice[0], music[0]) = (8, 9);
        (voice[1], voice[2]) = (3.4f, 3.3f);
        bool[] dominated = Localisation.VoiceBins(voice, music);
        Assert.Equal([1], Enumerable.Range(0, ExcerptLength).Where(i => dominated[i]));
    }

    [Fact]
    public void TheVoiceSoundsWhereItDominatesHalfOfTheTime()
    {
        bool[] bins = new bool[ExcerptLength];
        for (int frame = 0; frame < 57; frame++) bins[2 * frame * Bands + frame] = true;

        // Another band of a frame that has one already does not count.
        bins[Bands - 1] = true;
        Assert.False(Localisation.Sounds(bins));
        bins[^1] = true;
        Assert.True(Localisation.Sounds(bins));
    }

    [Fact]
    public void RecallAndPrecisionAreShares()
    {
        // Five voice bins, of which two lie in a region of eight.
        bool[] voice = new bool[ExcerptLength];
        float[] region = new float[ExcerptLength];
        foreach (int bin in (int[])[3, 4, 100, 5000, 9199]) voice[bin] = true;
        foreach (int bin in (int[])[4, 9199, 0, 1, 2, 5, 6, 7]) region[bin] = 1;
        Assert.Equal(new Localisation(8.0 / ExcerptLength, 0.4, 0.25), Localisation.Of(voice, region));
        Assert.Equal(new Localisation(0, 0, 0), Localisation.Of(voice, new float[ExcerptLength]));
        Array.Fill(region, 1);
        Assert.Equal(new Localisation(1, 1, 5.0 / ExcerptLength), Localisation.Of(voice, region));
    }

    [Fact]
    public void AMethodThatKnowsTheTruthIsPerfectAndItsOppositeFindsNothing()
    {
        using MethodComparisonTests.Setting setting = new(2);

        // One excerpt of the first song and two of the second; 920, 1840 and 2760 voice bins, here and there.
        bool[][] truth = [.. Enumerable.Range(1, 3).Select(n => Enumerable.Range(0, ExcerptLength).Select(i => i % 10 < n).ToArray())];
        IReadOnlyList<bool[]>[] songs = [[truth[0]], [truth[1], truth[2]]];
        MaskSize[] sizes = [MaskSize.Share(0.4), MaskSize.Share(0.1)];
        List<int> reports = [];
        LocalisationScores perfect = Measure(1, reports.Add);
        Assert.Equal([1, 1, 2], reports);
        Assert.Equal([new(0.4, 1, 0.25), new(0.4, 1, 0.5), new(0.4, 1, 0.75)], perfect.Regions[0]);
        Assert.Equal([new(0.1, 1, 1), new(0.1, 0.5, 1), new(0.1, 920.0 / 2760, 1)], perfect.Regions[1]);
        Assert.Equal([1, 1, 1], perfect.Pointing);
        LocalisationScores wrong = Measure(-1, _ => { });
        Assert.All(wrong.Regions.SelectMany(size => size), region => Assert.Equal((0, 0), (region.Recall, region.Precision)));
        Assert.Equal([0, 0, 0], wrong.Pointing);

        // Where all bins are equally important, the pointing game gives what chance would.
        LocalisationScores undecided = Measure(0, _ => { });
        Assert.Equal([0.1, 0.2, 0.3], undecided.Pointing);

        // The table: percentages, means over the excerpts.
        IReadOnlyList<LocalisationRow> rows = LocalisationTable.Of(sizes, [("oracle", perfect), ("opposite", wrong)], setting.Comparison.SongOf, 1);
        Assert.Equal(["oracle", "opposite", "oracle", "opposite"], rows.Select(row => row.Method));
        Assert.Equal(40, rows[0].Area, 9);
        Assert.Equal(new Estimate(100, 100, 100), rows[0].Recall);
        Assert.Equal(50, rows[0].Precision.Mean, 9);
        Assert.Equal(100 * (1 + 0.5 + 1 / 3.0) / 3, rows[2].Recall.Mean, 9);
        Assert.Equal((100, 0), (rows[2].Pointing.Mean, rows[3].Pointing.Mean));
        string[] lines = LocalisationTable.ToCsv(rows, 20).TrimEnd('\n').Split('\n');
        Assert.Equal(1 + 4, lines.Length);
        Assert.All(lines, line => Assert.Equal(LocalisationTable.Header.Split(',').Length, line.Split(',').Length));
        Assert.StartsWith("area 0.4,oracle,40.0000,20.0000,100.0000,100.0000,100.0000,50.0000,", lines[1], StringComparison.Ordinal);

        LocalisationScores Measure(int sign, Action<int> report) => LocalisationScores.Together([.. songs.Select((bins, song) =>
            LocalisationScores.Of(setting.Comparison, new Oracle(truth, sign), song, bins, sizes, report))]);
    }

    [Fact]
    public void KeptScoresAreReadBackOrNotFound()
    {
        using TempFolder folder = new();
        string path = folder.PathOf("song.npz");
        LocalisationScores scores = new([[new(0.4, 1, 0.25), new(0.4, 0.5, 0.125)], [new(0.1, 0.3, 0.7), new(0.1, 0, 0)]], [1, 0.3]);
        Assert.Null(LocalisationScores.TryRead(path, [1, 2], 2, 2));
        scores.Write(path, [1, 2]);
        LocalisationScores? read = LocalisationScores.TryRead(path, [1, 2], 2, 2);
        Assert.Equal(scores.Regions, read!.Regions);
        Assert.Equal(scores.Pointing, read.Pointing);
        Assert.Null(LocalisationScores.TryRead(path, [1, 3], 2, 2));
        Assert.Null(LocalisationScores.TryRead(path, [1, 2], 2, 3));
    }

    [Fact]
    public void ThePictureHasTheSizeItSays()
    {
        Estimate Around(double value) => new(value, value - 5, value + 5);
        LocalisationRow[] rows =
        [
            .. new[] { 0.4, 0.2 }.SelectMany(share => new[] { "inversion", "random" }.Select(method => new LocalisationRow(
                method, MaskSize.Share(share), 100 * share, Around(60), Around(30), Around(50)))),
        ];
        using SKBitmap figure = SKBitmap.Decode(LocalisationFigure.RenderPng(rows, 20, "Heading", "Subheading"));
        Assert.Equal((LocalisationFigure.Width, LocalisationFigure.HeightOf(rows)), (figure.Width, figure.Height));
        string svg = System.Text.Encoding.UTF8.GetString(LocalisationFigure.RenderSvg(rows, 20, "Heading", "Subheading"));
        Assert.Contains("(C) Pointing game", svg, StringComparison.Ordinal);
    }

    private sealed class Oracle(bool[][] truth, int sign) : IExplanationMethod
    {
        public string Name => "oracle";

        public int Passes => 0;

        public void Explain(ExplanationBatch batch, Span<float> importance)
        {
            for (int i = 0; i < importance.Length; i++) importance[i] = truth[batch.First + i / ExcerptLength][i % ExcerptLength] ? sign : 0;
        }
    }
}
