using Engine.Svd.Cli;

try
{
    return SvdCommand.Run(args);
}
catch (Exception failure)
{
    try
    {
        // Where not even a message can be put together, as when no more files may be opened: plain text, which needs hardly anything that is not loaded yet.
        Console.Error.WriteLine("svd: it cannot go on (" + failure.GetType().Name + "); the system may allow too few open files or too little memory");
    }
    catch (Exception)
    {
        // The exit code has to do.
    }

    return 1;
}
