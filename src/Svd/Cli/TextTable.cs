using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary>Prints tables on standard output.</summary>
internal static class TextTable
{
    private const int WidthOfFiles = 160;

    /// <summary>Prints a table as wide as the terminal, or as text is in a file.</summary>
    public static void Print(Table table)
    {
        AnsiConsoleSettings settings = new() { Out = new AnsiConsoleOutput(Console.Out), ColorSystem = ColorSystemSupport.NoColors };
        IAnsiConsole console = AnsiConsole.Create(settings);
        if (Console.IsOutputRedirected) console.Profile.Width = WidthOfFiles;
        console.Write(table);
    }
}
