using Engine.Svd.Cli;

try
{
    // Every library that is loaded takes an open file, and a message must be possible when no more may be opened: so load what it takes.
    Stream errors = Console.OpenStandardError();
    errors.Write([]);
    try
    {
        return SvdCommand.Run(args);
    }
    catch (Exception failure)
    {
        // SvdCommand could not even put its message together.
        string message = "svd: it cannot go on (" + failure.GetType().Name + "); allow more open files (ulimit -n) or more memory (ulimit -v)\n";
        foreach (char letter in message) errors.WriteByte((byte)letter);
        return 1;
    }
}
catch (Exception)
{
    // The exit code has to do.
    return 1;
}
