namespace Engine.Kernels;

/// <summary>
/// A failure that a user can understand and mend: a bad file, a missing tool, a value out of range. The message is one complete line that says what is wrong
/// and what to do; the command line prints it and exits with 1. The message may contain names and content of files as they are: <see cref="MessageText.Line"/>
/// makes them fit to be shown.
/// </summary>
public sealed class EngineException : Exception
{
    /// <summary>What went wrong with a device, if the failure is about one. A program can use it to say what helps.</summary>
    public DeviceProblem? DeviceProblem { get; init; }

    /// <summary>Makes the failure with its one-line message.</summary>
    public EngineException(string message)
        : base(MessageText.Line(message))
    {
    }

    /// <summary>Makes the failure with its one-line message and what caused it.</summary>
    public EngineException(string message, Exception innerException)
        : base(MessageText.Line(message), innerException)
    {
    }
}
