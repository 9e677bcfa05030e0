using System.CommandLine;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;

namespace Engine.Svd.Cli;

/// <summary><c>svd stats</c>: computes the mean and standard deviation of the mel bands over a corpus.</summary>
internal static class StatsCommand
{
    public static Command Create()
    {
        Option<string> data = Options.Data();
        Option<string> output = new("--out") { Description = "The file to write (.npz, mean and std, float64).", HelpName = "FILE", Required = true };
        Option<string> split = new("--split") { Description = "The part of the corpus.", HelpName = "NAME", DefaultValueFactory = _ => "train" };
        CacheOptions cache = new();
        Option<string?> shard = Options.Shard(CacheOptions.SharedOut);
        DeviceOptions device = new();
        Command command = new(
            "stats",
            "Computes the mean and standard deviation of each mel band over the training songs. They normalise spectrograms.\n\n"
            + "Example:\n  svd stats --data jamendo --out meanstd.npz")
        {
            data, output, split, cache, shard, device,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(output), parsed.GetRequiredValue(split), cache.Of(parsed),
            Options.ShardIn(parsed.GetValue(shard)), device.Of(parsed)));
        return command;
    }

    private static int Run(string data, string output, string split, CacheChoice cacheChoice, Shard shard, Func<IBackend> createBackend)
    {
        IReadOnlyList<Song> songs = Corpus.Open(data).Split(split);
        OutputFolder.Require([output], Corpus.InputsOf(data, split, songs));
        SpectrogramCache cache = cacheChoice.Open(data);
        using IBackend backend = createBackend();
        using LogMelExtractor extractor = new(backend);
        if (shard.IsPart)
        {
            int missing = ProgressDisplay.Run(Counted.Of(songs.Count, "song"), report => cache.FillPart(extractor, songs, shard, report));
            if (missing > 0) return ShardReport.Print(shard, songs.Count - missing, songs.Count, json: false);
        }

        BandMoments all = ProgressDisplay.Run(Counted.Of(songs.Count, "song"), report =>
        {
            BandMoments moments = new();
            for (int i = 0; i < songs.Count; i++)
            {
                int done = i;
                BandMoments song = new();
                song.Add(cache.LogMel(extractor, songs[i].AudioPath, (seconds, length) =>
                {
                    if (length is { } whole) report(done + Math.Min(1, seconds / whole), songs.Count);
                }));
                moments.Add(song);
                report(i + 1, songs.Count);
            }

            return moments;
        });
        all.ToStatistics().Write(output);
        double minutes = (double)all.Count / FrontEndSettings.FramesPerSecond / 60;
        Console.WriteLine($"{data}: {Counted.Of(songs.Count, "song")} of {split}, {all.Count} frames ({minutes:F1} min) → {output}");
        return 0;
    }
}
