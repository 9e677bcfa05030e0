using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Engine.Kernels;

namespace Engine.Bench.Peers;

/// <summary>PyTorch in a process of its own, <c>torch_bench.py</c>, that answers requests line by line.</summary>
internal sealed class TorchPeer : IDisposable
{
    private readonly Process _process;

    private TorchPeer(Process process, string version) => (_process, Version) = (process, version);

    /// <summary>Its name and version.</summary>
    public string Version { get; }

    /// <summary>
    /// The first Python that can import torch: the one that is named, otherwise any on the search path; null if there is none.
    /// </summary>
    /// <param name="named">A Python, or null.</param>
    /// <param name="cuda">Whether its torch must have CUDA.</param>
    /// <exception cref="EngineException">A Python was named and cannot import torch.</exception>
    public static string? FindPython(string? named, bool cuda)
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> candidates = named is not null ? [named]
            : from folder in folders
              from name in (string[])["python3", "python", "python.exe"]
              let path = Path.Combine(folder, name)
              where File.Exists(path)
              select path;
        if (candidates.FirstOrDefault(python => HasTorch(python, cuda)) is { } python) return python;
        return named is null ? null : throw new EngineException(
            $"{named} is not a Python that can import torch{(cuda ? " with CUDA" : "")}; install PyTorch there or leave out --python");
    }

    /// <summary>Starts the script on the folder of weights and inputs.</summary>
    public static TorchPeer Start(string python, string folder, int threads, bool cuda)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "peers", "torch_bench.py");
        ProcessStartInfo info = new(python, [script, folder, "--threads", $"{threads}", "--device", cuda ? "cuda" : "cpu"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        Process process = Process.Start(info)!;
        string[] hello = Line(process);
        return new TorchPeer(process, $"PyTorch {hello[1]}, {hello[2]}");
    }

    /// <summary>The losses of the first steps, without dropout.</summary>
    public double[] Losses(string work, int steps) => Ask($"{work},loss,{steps}");

    /// <summary>Milliseconds of runs in a row.</summary>
    public double[] Times(string work, int runs) => Ask($"{work},time,{runs}");

    /// <inheritdoc/>
    public void Dispose()
    {
        // The script ends at the end of its input.
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private double[] Ask(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        return [.. Line(_process).Skip(2).Select(value => double.Parse(value, CultureInfo.InvariantCulture))];
    }

    private static string[] Line(Process process) => process.StandardOutput.ReadLine()?.Split(',')
        ?? throw new EngineException("torch_bench.py ended before its answer; its complaint stands above");

    private static bool HasTorch(string python, bool cuda)
    {
        try
        {
            string program = "import torch, numpy" + (cuda ? "; assert torch.cuda.is_available()" : "");
            using Process process = Process.Start(new ProcessStartInfo(python, ["-c", program]) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
