using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Engine.Kernels;
using Engine.Svd.Audio.Formats;

namespace Engine.Svd.Audio;

/// <summary>
/// Lets ffmpeg decode and resample an audio track of a file, the default one or the first, and reads what it writes to its standard output. Two channels
/// are mixed here, more than two by ffmpeg.
/// </summary>
/// <remarks>
/// Where the container's times say that the track starts later than its other tracks or has a gap, there is silence, from 0.1 s on; the delays of encoders
/// are shorter. Where a track's times go back, as in files that were put one behind the other, samples simply follow each other.
/// </remarks>
internal sealed partial class FfmpegStream : AudioStream
{
    private const string LongestDelay = "0.1"; // In seconds.
    private const int CannotExecute = 126, NotFound = 127; // What a shell and the dynamic loader end with.

    /// <summary>What to tell who needs ffmpeg.</summary>
    public const string HowToInstall =
        "install it (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg).";

    private readonly string program;
    private readonly string source;
    private readonly AudioTool tool;
    private readonly AudioTrack track;
    private readonly bool isStereo;
    private readonly ChannelMixer mixer;
    private float[] interleaved = [];
    private bool ended;

    /// <summary>Starts ffmpeg.</summary>
    /// <param name="path">The file.</param>
    /// <param name="known">The file's track where it is known; else ffprobe is asked.</param>
    /// <param name="channel">What is heard of it.</param>
    /// <param name="searchPath">The folders in which ffmpeg is looked for.</param>
    /// <param name="patience">How long ffmpeg may give nothing.</param>
    /// <exception cref="EngineException">ffmpeg is not in the folders or does not start.</exception>
    public FfmpegStream(string path, AudioTrack? known, Channel channel, string? searchPath, TimeSpan patience)
        : this(path, known ?? AudioTrack.Probe(SourceOf(path), searchPath, patience / 4), channel, patience, AudioTool.Find(searchPath, "ffmpeg"))
    {
    }

    private FfmpegStream(string path, AudioTrack track, Channel channel, TimeSpan patience, string? found)
        : base(path, track.EndSeconds, track.SampleRate)
    {
        program = found ?? throw new EngineException(
            $"{path} cannot be decoded: ffmpeg is not on the PATH; {HowToInstall}");
        source = SourceOf(path);
        this.track = track;
        isStereo = track.Channels == 2 && channel == Channel.Mix;
        mixer = new ChannelMixer(Downmix.Of(isStereo ? 2 : 1)!, Channel.Mix);
        try
        {
            tool = new AudioTool(program, Arguments(channel), patience);
        }
        catch (Win32Exception e)
        {
            throw new EngineException($"{path} cannot be decoded: {program} does not start ({e.Message}); install ffmpeg again.", e);
        }

        if (track.CountsFromZero && track.StartSeconds >= double.Parse(LongestDelay, CultureInfo.InvariantCulture))
        {
            Warn($"{path} starts at {track.StartSeconds:F2} s in its container; there is silence before it.");
        }
    }

    /// <inheritdoc/>
    public override Decoder Decoder => Decoder.Ffmpeg;

    /// <inheritdoc/>
    public override string? SilenceHint =>
        mixer.Hint is { } hint ? hint
        : track.Tracks > 1 ? $"it has {track.Tracks} audio tracks, of which number {track.Number + 1} was taken; save the right one to a file of its own"
        : null;

    /// <inheritdoc/>
    public override void Dispose() => tool.Dispose();

    private protected override int ReadSamples(Span<float> destination)
    {
        if (ended) return 0;
        int count = isStereo ? ReadMixed(destination) : tool.Read(MemoryMarshal.AsBytes(destination)) / sizeof(float);
        if (count < destination.Length)
        {
            ended = true;
            RequireGoodEnd(SamplesRead + count);
        }

        return count;
    }

    // The name as ffmpeg takes it for that of a file, never for an option or for another protocol.
    private static string SourceOf(string path) => "file:" + Path.GetFullPath(path);

    [GeneratedRegex(@"\[(\S+) @ 0x[0-9a-fA-F]+\]")]
    private static partial Regex Component();

    [GeneratedRegex(@"^(?:\[Eval @ 0x[0-9a-fA-F]+\] )?([0-9]+\.[0-9]+)\r?$", RegexOptions.Multiline)]
    private static partial Regex GapEdge();

    // Times never go back, and a gap is filled with silence. Where one starts and ends is printed among the errors (16), a number a line.
    private string[] Arguments(Channel channel)
    {
        string pan = channel == Channel.Mix || track.Channels == 1 ? "" : $"pan=mono|c0=c{(channel == Channel.Left ? 0 : 1)},";
        string filter = $"{pan}asetpts='if(gt(ld(0),0)*gt((PTS-ld(0))*TB,{LongestDelay}),print(ld(0)*TB,16)+print(PTS*TB,16));"
            + "st(1,max(PTS,ld(0)));st(0,ld(1)+NB_SAMPLES/SR/TB);ld(1)',"
            + $"aresample={SampleRate}:async=1:min_comp={LongestDelay}:min_hard_comp={LongestDelay}:first_pts=0";
        string[] offset = track.CountsFromZero && track.StartSeconds > 0
            ? ["-itsoffset", track.StartSeconds.ToString("F6", CultureInfo.InvariantCulture)]
            : [];
        return
        [
            "-v", "error", "-nostdin", .. offset, "-i", source, "-map", $"0:a:{track.Number}", "-af", filter, "-f", "f32le",
            "-ac", isStereo ? "2" : "1", "-ar", $"{SampleRate}", "pipe:1",
        ];
    }

    private int ReadMixed(Span<float> destination)
    {
        if (interleaved.Length < 2 * destination.Length) interleaved = new float[2 * destination.Length];
        int count = tool.Read(MemoryMarshal.AsBytes(interleaved.AsSpan(0, 2 * destination.Length))) / (2 * sizeof(float));
        mixer.Mix(interleaved.AsSpan(0, 2 * count), destination[..count]);
        return count;
    }

    /// <summary>
    /// Throws where ffmpeg failed or much of the song is missing, and warns of a smaller damage: ffmpeg gives up the damaged parts of a file and ends as if
    /// all were well.
    /// </summary>
    private void RequireGoodEnd(long samples)
    {
        if (tool.Stalled) throw new EngineException($"{FilePath} cannot be decoded beyond {Seconds(samples):F2} s: {program} gave nothing more and was ended.");
        if (tool.ExitCode != 0 || samples == 0) throw Failure(samples);
        if (mixer.Warning is { } warning) Warn($"{FilePath}: {warning}.");

        double[] gaps = [.. GapEdge().Matches(tool.Complaint).Select(edge => double.Parse(edge.Groups[1].ValueSpan, CultureInfo.InvariantCulture))];
        // At the end of some files (FLAC, for one) ffmpeg asks once more, with a later time: a gap that was filled has its middle within the song.
        double[][] filled = [.. gaps.Chunk(2).Where(gap => gap.Length == 2 && (gap[0] + gap[1]) / 2 <= Seconds(samples))];
        bool complained = Complaints().Length > 0;
        string where = complained && tool.BytesBeforeComplaint is { } bytes
            ? $" at about {(double)bytes / (sizeof(float) * (isStereo ? 2 : 1)) / SampleRate:F1} s (ffmpeg says: {Reason(first: true)})"
            : "";
        CheckEnd(samples, track.EndSeconds, track.IsEstimate, filled.Length > 0 ? (filled[0][0], filled[0][1]) : null, complained ? where : null);
    }

    private EngineException Failure(long samples)
    {
        if (tool.ExitCode is CannotExecute or NotFound)
        {
            return new EngineException($"{FilePath} cannot be decoded: {program} cannot start: {Reason()}; install ffmpeg again.");
        }

        if (tool.Complaint.Contains("matches no streams", StringComparison.Ordinal))
        {
            return new EngineException($"{FilePath} has no audio track; give a file that has one.");
        }

        if (tool.ExitCode == 0 && tool.Complaint.Length == 0) return new EngineException($"{FilePath} holds no samples; export it again.");
        return new EngineException(samples == 0
            ? $"{FilePath} is not audio that ffmpeg can decode: {Reason()}"
            : $"{FilePath} cannot be decoded beyond {Seconds(samples):0.00} s: ffmpeg says: {Reason()}");
    }

    private string[] Complaints() => GapEdge().Replace(tool.Complaint, "")
        .Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private string Reason(bool first = false)
    {
        string[] lines = Complaints();
        string? line = first ? lines.FirstOrDefault() : lines.LastOrDefault();
        return line is null
            ? $"it ended with code {tool.ExitCode}"
            : Component().Replace(line.Replace($"{source}: ", "", StringComparison.Ordinal), "$1:");
    }
}
