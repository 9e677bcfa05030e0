using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Engine.Kernels;

namespace Engine.Svd.Audio;

/// <summary>
/// Lets ffmpeg decode, mix and resample a file's first audio track, and reads what it writes to its standard output. ffmpeg mixes two
/// channels to float as (left + right) / √2, 3 dB above their average, so samples beyond ±1 are ordinary.
/// </summary>
internal sealed class FfmpegStream : AudioStream
{
    private const int LongestComplaint = 4096;

    private readonly string source;
    private readonly Process process;
    private readonly Stream output;
    private readonly Task<string> complaint;
    private bool disposed;

    /// <summary>Starts ffmpeg.</summary>
    /// <exception cref="EngineException">ffmpeg is not in the folders of <paramref name="searchPath"/> or does not start.</exception>
    public FfmpegStream(string path, double? durationSeconds, string? searchPath)
        : base(path, durationSeconds ?? Probe(path, searchPath))
    {
        string program = Find(searchPath) ?? throw new EngineException(
            $"{path} is not a plain WAV file, mono at {SampleRate} Hz: decoding it takes ffmpeg, which is not on the PATH; install it "
            + "(Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg).");

        source = SourceOf(path);
        string[] arguments =
        [
            "-v", "error", "-nostdin", "-i", source, "-map", "0:a:0", "-f", "f32le", "-ac", "1", "-ar", $"{SampleRate}", "pipe:1",
        ];
        ProcessStartInfo start = new(program, arguments)
        {
            CreateNoWindow = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new EngineException($"{path} cannot be decoded: {program} does not start ({e.Message}); install ffmpeg again.", e);
        }

        output = process.StandardOutput.BaseStream;

        // On its own thread: ffmpeg stops when nobody takes its messages.
        complaint = Task.Factory.StartNew(
            () => TailOf(process.StandardError), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>
    /// The ffmpeg program in the folders of a search path such as the variable PATH has; null where there is none. The current folder is
    /// not searched: what lies beside a song is not to be run.
    /// </summary>
    public static string? Find(string? searchPath, string program = "ffmpeg") =>
        (searchPath ?? "").Split(Path.PathSeparator)
            .Where(Path.IsPathFullyQualified)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? $"{program}.exe" : program))
            .FirstOrDefault(File.Exists);

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (disposed) return;
        disposed = true;
        process.Kill(); // Does nothing where it has ended.
        process.WaitForExit();
        process.Dispose();
    }

    private protected override int ReadSamples(Span<float> destination)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(destination);
        int count = output.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (count == bytes.Length) return destination.Length;

        process.WaitForExit();
        return process.ExitCode == 0 ? count / sizeof(float) : throw Failure(SamplesRead + (count / sizeof(float)));
    }

    // The name as ffmpeg takes it for that of a file, never for an option or for another protocol.
    private static string SourceOf(string path) => "file:" + Path.GetFullPath(path);

    // What ffprobe, which comes with ffmpeg, says of the length; only a progress bar depends on it, so any trouble is no answer.
    private static double? Probe(string path, string? searchPath)
    {
        if (Find(searchPath, "ffprobe") is not { } program) return null;
        string[] arguments = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", SourceOf(path)];
        try
        {
            using Process probe = Process.Start(new ProcessStartInfo(program, arguments)
            {
                CreateNoWindow = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            probe.ErrorDataReceived += (_, _) => { };
            probe.BeginErrorReadLine();
            string answer = probe.StandardOutput.ReadToEnd();
            return double.TryParse(answer, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds > 0 ? seconds : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private EngineException Failure(long samples)
    {
        string messages = complaint.Result;
        if (messages.Contains("matches no streams", StringComparison.Ordinal))
        {
            return new EngineException($"{FilePath} has no audio track; give a file that has one.");
        }

        string reason = messages.Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).LastOrDefault()
            ?? $"it ended with code {process.ExitCode}";
        reason = reason.Replace($"{source}: ", "", StringComparison.Ordinal);
        return new EngineException(samples == 0
            ? $"{FilePath} is not audio that ffmpeg can decode: {reason}"
            : $"{FilePath} cannot be decoded beyond {Seconds(samples):0.00} s: ffmpeg says: {reason}");
    }

    /// <summary>Reads to the end and keeps the last characters.</summary>
    private static string TailOf(StreamReader reader)
    {
        string tail = "";
        char[] block = new char[LongestComplaint];
        for (int count; (count = reader.Read(block)) > 0;)
        {
            tail += new string(block, 0, count);
            tail = tail[^Math.Min(tail.Length, LongestComplaint)..];
        }

        return tail;
    }
}
