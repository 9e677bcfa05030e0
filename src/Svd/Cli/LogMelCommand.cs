using System.CommandLine;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary><c>svd logmel</c>: runs only the front end.</summary>
internal static class LogMelCommand
{
    public static Command Create()
    {
        Argument<string> audio = new("AUDIO") { Description = "A song: WAV, or anything that ffmpeg decodes." };
        Option<string> output = new("--out") { Description = "The file to write (.npy, float32, frames × 80).", HelpName = "FILE", Required = true };
        Option<string?> statistics = Options.Statistics("no normalisation");
        Option<Channel> channel = Options.Channel();
        DeviceOptions device = new();
        Command command = new(
            "logmel",
            "Writes a song's log-mel spectrogram: 70 frames a second, 80 bands from 27.5 Hz to 8 kHz, natural logarithm.\n\n"
            + "Example:\n  svd logmel song.mp3 --out song.npy")
        {
            audio, output, statistics, channel, device,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(audio), parsed.GetRequiredValue(output), parsed.GetValue(statistics), parsed.GetValue(channel),
            device.Of(parsed)));
        return command;
    }

    private static int Run(string path, string output, string? statisticsPath, Channel channel, Func<IBackend> createBackend)
    {
        OutputFolder.Require([output], path, statisticsPath);
        using IBackend backend = createBackend();
        using BandNormalizer? normalizer = statisticsPath is null ? null : BandStatistics.Read(statisticsPath).On(backend);
        using LogMelExtractor extractor = new(backend);
        using AudioStream audio = AudioStream.Open(path, channel);
        LogMelReader reader = new(audio, extractor, normalizer);
        float[] frames = ProgressDisplay.Run(Path.GetFileName(path), report =>
        {
            List<float> all = [];
            float[] block = new float[LogMelReader.BlockFrames * FrontEndSettings.Bands];
            for (int count; (count = reader.Read(block)) > 0;)
            {
                all.AddRange(block.AsSpan(0, count * FrontEndSettings.Bands));
                report(reader.Seconds, audio.DurationSeconds);
            }

            return all.ToArray();
        });
        reader.RequireUsable(path);
        SvdCommand.Warn(audio.Warnings);
        int rows = frames.Length / FrontEndSettings.Bands;
        NpyFile.Write(output, new NpyArray([rows, FrontEndSettings.Bands], frames));
        Console.WriteLine($"{path}: {rows} frames × {FrontEndSettings.Bands} bands{(normalizer is null ? "" : ", normalised")} → {output}");
        return 0;
    }
}
