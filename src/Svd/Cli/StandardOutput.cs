using System.Text;
using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>
/// Writes to standard output or standard error and ignores failures: a full disk under a log, or a reader that has gone, must not end the work. It remembers
/// the first failure. On request it escapes control characters, which names of songs may contain and which could steer the terminal.
/// </summary>
internal sealed class PatientWriter(TextWriter inner, bool escapes = false) : TextWriter
{
    // EBADF and EPIPE. On Windows the runtime itself ignores a closed output.
    private const int BadDescriptor = 9, BrokenPipe = 32;

    /// <summary>Why text was lost; null if no text was lost, or if the reader closed its end and did not want it.</summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Attempt(() => inner.Write(value));

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Attempt(() => inner.Write(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(string? value) => Attempt(() => inner.Write(Safe(value)));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Attempt(() => inner.WriteLine(Safe(value)));

    /// <inheritdoc/>
    public override void Flush() => Attempt(inner.Flush);

    private string? Safe(string? text) => escapes && text is not null ? MessageText.Lines(text) : text;

    private void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            if (failure is IOException && failure.HResult is not (BadDescriptor or BrokenPipe)) Failure ??= failure;
        }
    }
}
