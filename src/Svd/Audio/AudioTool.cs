using System.ComponentModel;
using System.Diagnostics;

namespace Engine.Svd.Audio;

/// <summary>
/// A running program of ffmpeg's: its output, the end of its messages, and a watchdog. If the program gives nothing for too long while somebody reads, it
/// is killed together with its child processes.
/// </summary>
internal sealed class AudioTool : IDisposable
{
    /// <summary>How long a program may give no output.</summary>
    public static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(60);

    private const int LongestComplaint = 4096;
    private const int WatchesOfPatience = 20;

    private static readonly TimeSpan TimeForLastWords = TimeSpan.FromSeconds(2);

    private readonly Process process;
    private readonly Task listener;
    private readonly Timer watch;
    private readonly Lock guard = new();
    private string complaint = "";
    private long bytesRead;
    private long bytesBeforeComplaint = -1;
    private volatile bool reading;
    private volatile int idleWatches;
    private bool disposed;

    /// <summary>Starts the program.</summary>
    /// <exception cref="Win32Exception">It does not start.</exception>
    public AudioTool(string program, string[] arguments, TimeSpan patience)
    {
        process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            CreateNoWindow = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

        // On a thread of its own, since the program blocks when nobody reads its messages.
        listener = Task.Factory.StartNew(Listen, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        TimeSpan interval = patience / WatchesOfPatience;
        watch = new Timer(_ => Watch(), null, interval, interval);
    }

    /// <summary>Whether the program was killed because it gave no output for too long.</summary>
    public bool Stalled { get; private set; }

    /// <summary>The program's exit code; known once <see cref="Read"/> has returned 0.</summary>
    public int ExitCode => process.ExitCode;

    /// <summary>The end of the program's messages so far.</summary>
    public string Complaint
    {
        get
        {
            lock (guard) return complaint;
        }
    }

    /// <summary>How many bytes had been read when the program's first message came; null if there was none.</summary>
    public long? BytesBeforeComplaint => Interlocked.Read(ref bytesBeforeComplaint) is >= 0 and var bytes ? bytes : null;

    /// <summary>
    /// Finds the program in the folders of a search path such as the variable PATH; null if it is in none. The current folder is not searched: a program
    /// that lies beside a song must not run. A file that is not executable is returned only if there is no other.
    /// </summary>
    public static string? Find(string? searchPath, string program)
    {
        string[] found =
        [
            .. (searchPath ?? "").Split(Path.PathSeparator)
                .Where(Path.IsPathFullyQualified)
                .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? $"{program}.exe" : program))
                .Where(File.Exists),
        ];
        return found.FirstOrDefault(MayRun) ?? found.FirstOrDefault();
    }

    /// <summary>Fills the buffer from the program's output. Fewer bytes come only at the end, and then the program has ended.</summary>
    public int Read(Span<byte> buffer)
    {
        int done = 0;
        reading = true;
        idleWatches = 0;
        while (done < buffer.Length)
        {
            int count = process.StandardOutput.BaseStream.Read(buffer[done..]);
            if (count == 0)
            {
                process.WaitForExit();
                listener.Wait(TimeForLastWords);
                break;
            }

            done += count;
            Interlocked.Add(ref bytesRead, count);
            idleWatches = 0;
        }

        reading = false;
        return done;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        watch.Dispose();
        Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static bool MayRun(string program) =>
        OperatingSystem.IsWindows()
        || (File.GetUnixFileMode(program) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    // Counts its own calls instead of the time, so that a suspended process is not killed when it wakes up.
    private void Watch()
    {
        if (!reading || ++idleWatches <= WatchesOfPatience) return;
        Stalled = true;
        Kill();
    }

    private void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended already.
        }
    }

    private void Listen()
    {
        char[] block = new char[LongestComplaint];
        try
        {
            for (int count; (count = process.StandardError.Read(block)) > 0;)
            {
                Interlocked.CompareExchange(ref bytesBeforeComplaint, Interlocked.Read(ref bytesRead), -1);
                lock (guard)
                {
                    string all = complaint + new string(block, 0, count);
                    complaint = all[^Math.Min(all.Length, LongestComplaint)..];
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Nobody listens any more.
        }
    }
}
