using System.CommandLine;
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
        Command command = new(
            "init",
            "Makes what a corpus needs of a folder with songs in audio/: an empty label file to fill in for every song without labels (labels/NAME.lab), and "
            + "file lists (filelists/train, valid and test) for the songs that no list names, three fifths of them for training. It changes no label file. "
            + "Then it checks the corpus. Run it again whenever there are new songs.\n\nExample:\n  svd corpus init mysongs")
        {
            folder, decoder,
        };
        command.SetAction(parsed => Init(parsed.GetRequiredValue(folder), parsed.GetValue(decoder)));
        return command;
    }

    private static Command CreateCheck()
    {
        Argument<string> folder = Folder();
        Option<Decoder> decoder = Options.Decoder();
        Command command = new(
            "check",
            "Decodes every song of a corpus, reads its labels, and says what is missing or odd. The exit code is 1 if a song cannot be used.\n\n"
            + "Example:\n  svd corpus check mysongs")
        {
            folder, decoder,
        };
        command.SetAction(parsed => Check(parsed.GetRequiredValue(folder), parsed.GetValue(decoder)));
        return command;
    }

    private static Argument<string> Folder() => new("FOLDER") { Description = "The corpus: a folder with audio/, labels/ and filelists/." };

    private static int Init(string folder, Decoder decoder)
    {
        if (!Directory.Exists(folder)) throw new EngineException($"{folder} is not a folder; make it and put the songs in {Path.Combine(folder, Corpus.Audio)}.");
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
        Console.WriteLine($"{folder}: {songs.Length} songs; made {labels} empty label files and put {listed} songs on the lists");
        if (listed > 0) Console.WriteLine("Songs by one singer belong on one list: move lines between the files of filelists/ where they do not.");
        return Report(folder, songs, decoder, isNew: true);
    }

    private static int Check(string folder, Decoder decoder)
    {
        Corpus.Open(folder);
        return Report(folder, SongsIn(folder), decoder, isNew: false);
    }

    private static string[] SongsIn(string folder)
    {
        string audio = Path.Combine(folder, Corpus.Audio);
        return [.. SongFiles.Find([audio], recursive: true).Select(song => Path.GetRelativePath(audio, song.Path).Replace('\\', '/'))];
    }

    private static int AddToLists(string folder, string[] songs)
    {
        ILookup<string, string> lists = CorpusCheck.ListsOf(folder);
        string[] unlisted = [.. songs.Where(song => !lists.Contains(song))];
        foreach (IGrouping<string, string> list in unlisted.Select((song, i) => (Song: song, List: _turns[i % _turns.Length])).GroupBy(pair => pair.List, pair => pair.Song))
        {
            string file = Path.Combine(folder, Corpus.Lists, list.Key), old = File.Exists(file) ? File.ReadAllText(file) : "";
            if (old.Length > 0 && old[^1] != '\n') old += '\n';
            string text = old + string.Concat(list.Select(song => $"{song}\n"));
            AtomicFile.Write(file, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        }

        return unlisted.Length;
    }

    // Labels that are still to be filled in are no failure right after init.
    private static int Report(string folder, string[] audio, Decoder decoder, bool isNew)
    {
        CheckedSong[] songs = ProgressDisplay.Run($"{audio.Length} songs", report => CorpusCheck.Songs(folder, audio, decoder, report));
        IReadOnlyList<string> orphans = CorpusCheck.Orphans(folder, audio);
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
        int bad = songs.Count(song => song.Errors.Count > 0);
        Console.WriteLine(bad == 0 ? $"{songs.Length} songs can be used" : $"{bad} of {songs.Length} songs cannot be used yet");
        return bad == 0 || isNew ? 0 : SvdCommand.Failed;
    }
}
