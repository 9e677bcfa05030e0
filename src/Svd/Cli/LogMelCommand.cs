using System.CommandLine;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary><c>svd logmel</c>: runs only the front end.</summary>
internal static class LogMelCommand
{
    private const string Extension = ".npy";

    public static Command Create()
    {
        Argument<string[]> audio = Options.Songs(ArgumentArity.OneOrMore);
        Option<bool> recursive = Options.Recursive();
        Option<string> output = new("--out")
        {
            Description = "The file to write (.npy, float32, frames × 80), or the folder for NAME.logmel.npy of every song.", HelpName = "FILE|DIR",
            Required = true,
        };
        Option<string?> statistics = Options.Statistics("no normalisation");
        Option<bool> overwrite = Options.Overwrite();
        Option<Channel> channel = Options.Channel();
        Option<Decoder> decoder = Options.Decoder();
        Option<string?> shard = Options.Shard("The jobs together write every song's spectrogram once.");
        DeviceOptions device = new();
        Command command = new(
            "logmel",
            "Writes the log-mel spectrograms of songs: 70 frames a second, 80 bands from 27.5 Hz to 8 kHz, natural logarithm.\n\n"
            + "Examples:\n  svd logmel song.mp3 --out song.npy\n  svd logmel music --recursive --out spectrograms")
        {
            audio, recursive, output, statistics, overwrite, channel, decoder, shard, device,
        };
        command.SetAction(parsed => Run(new Request(
            SongFiles.Find(parsed.GetRequiredValue(audio), parsed.GetValue(recursive)), Options.ShardIn(parsed.GetValue(shard)),
            parsed.GetRequiredValue(output), parsed.GetValue(statistics), parsed.GetValue(overwrite), parsed.GetValue(channel),
            parsed.GetValue(decoder), device.Of(parsed))));
        return command;
    }

    private static int Run(Request request)
    {
        bool isFile = !Directory.Exists(request.Out) && (Path.HasExtension(request.Out) || string.IsNullOrWhiteSpace(request.Out));
        if (isFile && request.AllSongs.Count > 1)
        {
            throw new EngineException($"--out {request.Out} is one file for {request.AllSongs.Count} songs; give a folder.");
        }

        string? summary = SongBatch.SummaryIn(request.Out, request.AllSongs, request.Shard);
        string[] files = [.. request.Songs.Select(FileOf), .. summary is null ? (string[])[] : [summary]];
        OutputFolder.RequireApart(files, [.. request.Songs.Select(song => song.Path), request.Statistics]);
        OutputFolder.RequireNew(files, request.Overwrite);
        if (!isFile) OutputFolder.PrepareAll(files);
        OutputFolder.Require(files);
        using IBackend backend = request.CreateBackend();
        using BandNormalizer? normalizer = request.Statistics is null ? null : BandStatistics.Read(request.Statistics).On(backend);
        using LogMelExtractor extractor = new(backend);
        return new SongBatch("frames").Run(request.Songs, summary, isQuiet: false, (song, report) =>
        {
            using AudioStream audio = AudioStream.Open(song.Path, request.Channel, request.Decoder);
            LogMelReader reader = new(audio, extractor, normalizer);
            float[] frames = reader.ReadToEnd(song.Path, seconds => report(seconds, audio.DurationSeconds));
            SvdCommand.Warn(audio.Warnings);
            int rows = frames.Length / FrontEndSettings.Bands;
            NpyFile.Write(FileOf(song), new NpyArray([rows, FrontEndSettings.Bands], frames));
            string normalised = normalizer is null ? "" : ", normalised";
            return ($"{MessageText.Line(song.Path)}: {rows} frames × {FrontEndSettings.Bands} bands{normalised} → {FileOf(song)}", [rows]);
        });

        string FileOf(SongFile song) => isFile ? request.Out : Path.Combine(request.Out, $"{song.Name}.logmel{Extension}");
    }

    private sealed record Request(
        IReadOnlyList<SongFile> AllSongs, Shard Shard, string Out, string? Statistics, bool Overwrite, Channel Channel, Decoder Decoder,
        Func<IBackend> CreateBackend)
    {
        /// <summary>The songs of this part.</summary>
        public SongFile[] Songs { get; } = Shard.Of(AllSongs);
    }
}
