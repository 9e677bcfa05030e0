using System.Diagnostics;

namespace Engine.Kernels;

/// <summary>Collects what ILGPU traces on this thread while a kernel is compiled: the driver's log, which the exception does not hold.</summary>
internal sealed class CompilerLog : TraceListener
{
    private const int MostLines = 4;

    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<string> _lines = [];

    /// <summary>Collects until it is disposed.</summary>
    public CompilerLog() => Trace.Listeners.Add(this);

    /// <summary>The first lines, as one.</summary>
    public string Text => string.Join("; ", _lines.Take(MostLines));

    /// <inheritdoc/>
    public override void Write(string? message) => WriteLine(message);

    /// <inheritdoc/>
    public override void WriteLine(string? message)
    {
        if (Environment.CurrentManagedThreadId != _thread || message is null) return;

        // ILGPU passes the driver's whole buffer on, zeros and all, and its heading says nothing that the exception does not say.
        string[] lines = message.Split(['\n', '\r', '\0'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        _lines.AddRange(lines.Where(line => !line.EndsWith("failed:", StringComparison.Ordinal)));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Trace.Listeners.Remove(this);
        base.Dispose(disposing);
    }
}
