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
        int missing = ProgressDisplay.Run($"{songs.Count} songs", report => cache.FillPart(extractor, songs, shard, report));
        if (missing > 0) return ShardReport.Print(shard, songs.Count - missing, songs.Count, json: false);
        BandMoments all = new();
        foreach (Song song in songs)
        {
            BandMoments moments = new();
            moments.Add(cache.LogMel(extractor, song.AudioPath));
            all.Add(moments);
        }

        all.ToStatistics().Write(output);
        double minutes = (double)all.Count / FrontEndSettings.FramesPerSecond / 60;
        Console.WriteLine($"{data}: {songs.Count} songs of {split}, {all.Count} frames ({minutes:F1} min) → {output}");
        return 0;
    }
}
