using System.CommandLine;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Tensors;
using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary><c>svd corpus</c>: lays out a corpus and checks it.</summary>
internal static class CorpusCommand
{
    // Songs that no list names go to the lists in this order.
    private static readonly string[] _turns = ["train", "valid", "test", "train", "train"];

    public static Command Create() =>
        new("corpus", "Makes a corpus of labelled songs, for svd train, score and evaluate.\n\nExample:\n  svd corpus init mysongs")
        {
            CreateInit(), CreateCheck(),
        };

    private static Command CreateInit()
    {
        Argument<string> folder = Folder();
        Option<Decoder> decoder = Options.Decoder();
        Option<bool> json = Options.Json();
        Command command = new(
            "init",
            "Makes what a corpus needs of a folder with songs in audio/: an empty label file to fill in for every song without labels (labels/NAME.lab), and "
            + "file lists (filelists/train, valid and test) for the songs that no list names, three fifths of them for training. It changes no label file. "
            + "Then it checks the corpus. Run it again whenever there are new songs.\n\nExample:\n  svd corpus init mysongs")
        {
            folder, decoder, json,
        };
        command.SetAction(parsed => Init(parsed.GetRequiredValue(folder), parsed.GetValue(decoder), parsed.GetValue(json)));
        return command;
    }

    private static Command CreateCheck()
    {
        Argument<string> folder = Folder();
        Option<Decoder> decoder = Options.Decoder();
        Option<bool> json = Options.Json();
        Command command = new(
            "check",
            "Decodes every song of a corpus, reads its labels, and says what is missing or odd. The exit code is 1 if a song cannot be used.\n\n"
            + "Example:\n  svd corpus check mysongs")
        {
            folder, decoder, json,
        };
        command.SetAction(parsed => Check(parsed.GetRequiredValue(folder), parsed.GetValue(decoder), parsed.GetValue(json)));
        return command;
    }

    private static Argument<string> Folder() => new("FOLDER") { Description = "The corpus: a folder with audio/, labels/ and filelists/." };

    private static int Init(string folder, Decoder decoder, bool json)
    {
        if (!Directory.Exists(folder))
        {
            throw new EngineException($"{folder} is not a folder; make it and put the songs in {Path.Combine(folder, Corpus.Audio)}.");
        }

        foreach (string part in (string[])[Corpus.Audio, Corpus.Labels, Corpus.Lists]) OutputFolder.Prepare(Path.Combine(folder, part), "FOLDER");
        string[] songs = SongsIn(folder);
        int labels = 0;
        foreach (string song in songs.Where(song => Corpus.LabelOf(folder, song) is null))
        {
            string file = Path.Combine(folder, Corpus.Labels, Corpus.NameOf(song) + ".lab");
            OutputFolder.PrepareAll([file]);
            AtomicFile.Write(file, stream => stream.Write(
                "# One segment per line: its start and end in seconds, and sing or nosing, such as\n# 12.5 14.25 sing\n"u8));
            labels++;
        }

        int listed = AddToLists(folder, songs);
        if (!json)
        {
            Console.WriteLine(
                $"{folder}: {Counted.Of(songs.Length, "song")}; made {Counted.Of(labels, "empty label file")} and put {Counted.Of(listed, "song")} on the lists");
            if (listed > 0) Console.WriteLine("Songs by one singer belong on one list: move lines between the files of filelists/ where they do not.");
        }

        // Labels that are still to be filled in are no failure.
        Examine(folder, songs, decoder, json, labels, listed);
        return 0;
    }

    private static int Check(string folder, Decoder decoder, bool json)
    {
        Corpus.Open(folder);
        return Examine(folder, SongsIn(folder), decoder, json) == 0 ? 0 : SvdCommand.Failed;
    }

    private static string[] SongsIn(string folder)
    {
        string audio = Path.Combine(folder, Corpus.Audio);
        string[] songs = [.. SongFiles.Find([audio], recursive: true).Select(song => Path.GetRelativePath(audio, song.Path).Replace('\\', '/'))];
        return songs.GroupBy(Corpus.NameOf).FirstOrDefault(group => group.Count() > 1) is not { } same ? songs
            : throw new EngineException($"{string.Join(" and ", same)} in {audio} would have the same labels, {same.Key}.lab; rename one of them");
    }

    private static int AddToLists(string folder, string[] songs)
    {
        ILookup<string, string> lists = CorpusCheck.ListsOf(folder);
        string[] unlisted = [.. songs.Where(song => !lists.Contains(song))];
        IEnumerable<(string Song, string List)> pairs = unlisted.Select((song, i) => (song, _turns[i % _turns.Length]));
        foreach (IGrouping<string, string> list in pairs.GroupBy(pair => pair.List, pair => pair.Song))
        {
            string file = Path.Combine(folder, Corpus.Lists, list.Key), old = File.Exists(file) ? File.ReadAllText(file) : "";
            if (old.Length > 0 && old[^1] != '\n') old += '\n';
            string text = old + string.Concat(list.Select(song => $"{song}\n"));
            AtomicFile.Write(file, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        }

        return unlisted.Length;
    }

    // Says what is found, and returns how many songs cannot be used.
    private static int Examine(string folder, string[] audio, Decoder decoder, bool json, int newLabelFiles = 0, int newOnLists = 0)
    {
        CheckedSong[] songs = ProgressDisplay.Run(Counted.Of(audio.Length, "song"), report => CorpusCheck.Songs(folder, audio, decoder, report));
        IReadOnlyList<string> orphans = CorpusCheck.Orphans(folder, audio);
        int bad = songs.Count(song => song.Errors.Count > 0);
        if (json) Console.WriteLine(JsonSerializer.Serialize(new Report(folder, newLabelFiles, newOnLists, songs, orphans, bad), Json.Indented));
        else Print(songs, orphans, bad);
        return bad;
    }

    private static void Print(CheckedSong[] songs, IReadOnlyList<string> orphans, int bad)
    {
        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns("song", "lists", "seconds", "sung", "");
        foreach (CheckedSong song in songs)
        {
            string state = song.Errors.Count > 0 ? "error" : song.Warnings.Count > 0 ? "odd" : "";
            string[] cells =
            [
                song.Audio, string.Join(", ", song.Lists), song.Seconds is { } seconds ? $"{seconds:F1}" : "",
                song.SingingShare is { } share ? $"{share:P0}" : "", state,
            ];
            table.AddRow([.. cells.Select(cell => Markup.Escape(MessageText.Line(cell)))]);
        }

        TextTable.Print(table);
        foreach (CheckedSong song in songs)
        {
            foreach (string error in song.Errors) Console.WriteLine($"error: {MessageText.Line($"{song.Audio}: {error}")}");
            foreach (string warning in song.Warnings) Console.WriteLine($"odd: {MessageText.Line($"{song.Audio}: {warning}")}");
        }

        foreach (string orphan in orphans) Console.WriteLine($"odd: {MessageText.Line(orphan)}");
        Console.WriteLine(bad == 0 ? $"{Counted.Of(songs.Length, "song")} can be used" : $"{bad} of {Counted.Of(songs.Length, "song")} cannot be used yet");
    }

    /// <param name="Folder">The corpus.</param>
    /// <param name="NewLabelFiles">How many empty label files were made.</param>
    /// <param name="NewOnLists">How many songs were put on the lists.</param>
    /// <param name="Songs">What was found out about each song.</param>
    /// <param name="Odd">What is odd beside the songs.</param>
    /// <param name="Unusable">How many songs cannot be used.</param>
    internal sealed record Report(
        string Folder, int NewLabelFiles, int NewOnLists, IReadOnlyList<CheckedSong> Songs, IReadOnlyList<string> Odd, int Unusable);
}
