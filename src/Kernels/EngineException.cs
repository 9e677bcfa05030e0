namespace Engine.Kernels;

/// <summary>
/// A failure that a user can understand and mend: a bad file, a missing tool, a value out of range. The message is one complete line that
/// says what is wrong and what to do; the command line prints it and exits with 1. Names and content of files may stand in it as they
/// are: <see cref="MessageText.Line"/> makes them fit to be shown.
/// </summary>
public sealed class EngineException : Exception
{
    /// <summary>If a device failed: how. A program can then say what helps there.</summary>
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
