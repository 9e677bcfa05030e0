using Engine.Kernels;
using Engine.Svd.Audio;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>What a check found out about a song of a corpus.</summary>
/// <param name="Audio">The file, below the folder <c>audio</c>.</param>
/// <param name="Lists">The file lists that name it.</param>
/// <param name="Seconds">Its length; null if it cannot be decoded.</param>
/// <param name="SingingShare">How much of it is labelled as sung; null without labels.</param>
/// <param name="Errors">What keeps it from being used.</param>
/// <param name="Warnings">What is odd about it.</param>
internal sealed record CheckedSong(
    string Audio, IReadOnlyList<string> Lists, double? Seconds, double? SingingShare, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings);

/// <summary>Checks a corpus: what is missing, what is odd.</summary>
internal static class CorpusCheck
{
    // Labels that end so many seconds before their song were perhaps never finished.
    private const double LongestUnlabelled = 10;

    /// <summary>Checks each song of a folder's <c>audio</c>: that it can be decoded, and that its labels can be read and fit.</summary>
    /// <param name="folder">The corpus.</param>
    /// <param name="audio">The songs, below the folder <c>audio</c>.</param>
    /// <param name="decoder">What decodes the songs.</param>
    /// <param name="progress">Gets how many songs of how many are done.</param>
    /// <exception cref="EngineException">A file list cannot be read.</exception>
    public static CheckedSong[] Songs(string folder, IReadOnlyList<string> audio, Decoder decoder, Action<double, double?> progress)
    {
        ILookup<string, string> lists = ListsOf(folder);
        CheckedSong[] songs = new CheckedSong[audio.Count];
        for (int i = 0; i < songs.Length; i++)
        {
            songs[i] = Check(folder, audio[i], [.. lists[audio[i]]], decoder);
            progress(i + 1, songs.Length);
        }

        return songs;
    }

    /// <summary>What is wrong with the corpus beyond its songs: names in lists without a song, labels without a song.</summary>
    /// <param name="folder">The corpus.</param>
    /// <param name="audio">The songs, below the folder <c>audio</c>.</param>
    public static IReadOnlyList<string> Orphans(string folder, IReadOnlyList<string> audio)
    {
        HashSet<string> known = [.. audio], names = [.. audio.Select(Corpus.NameOf)];
        string labels = Path.Combine(folder, Corpus.Labels);
        return
        [
            .. ListsOf(folder).Where(song => !known.Contains(song.Key))
                .Select(song => $"{song.Key} is named in {string.Join(" and ", song.Distinct())}, but there is no such song in {Corpus.Audio}/."),
            .. Directory.EnumerateFiles(labels, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(labels, file).Replace('\\', '/'))
                .Where(file => !Path.GetFileName(file).StartsWith('.') && !names.Contains(Corpus.NameOf(file))).Order(StringComparer.Ordinal)
                .Select(file => $"{Corpus.Labels}/{file} has no song in {Corpus.Audio}/."),
        ];
    }

    /// <summary>The songs that the file lists name, and in which lists; a list that names one twice counts twice.</summary>
    /// <exception cref="EngineException">A list cannot be read.</exception>
    public static ILookup<string, string> ListsOf(string folder) =>
        Directory.EnumerateFiles(Path.Combine(folder, Corpus.Lists)).Where(file => !Path.GetFileName(file).StartsWith('.') && new FileInfo(file).Length > 0)
            .Order(StringComparer.Ordinal).SelectMany(file => TextLines.Read(file), (file, line) => (List: Path.GetFileName(file), line.Text))
            .ToLookup(entry => entry.Text, entry => entry.List);

    private static CheckedSong Check(string folder, string audio, string[] lists, Decoder decoder)
    {
        List<string> errors = [], warnings = [];
        if (lists.Length == 0) warnings.Add("no file list names it");
        if (lists.Length > 1) errors.Add($"it is named in {string.Join(" and ", lists)}, so a detector would be scored on songs that it was trained with");
        long? samples = Attempt(() => Decode(Path.Combine(folder, Corpus.Audio, audio), decoder, warnings));
        double? share = Attempt(() => Labelled(folder, audio, samples, warnings));
        return new CheckedSong(audio, lists, (double?)samples / SampleRate, share, errors, warnings);

        T? Attempt<T>(Func<T?> work)
            where T : struct
        {
            try
            {
                return work();
            }
            catch (EngineException failure)
            {
                errors.Add(MessageText.Line(failure.Message));
                return null;
            }
        }
    }

    private static long? Decode(string path, Decoder decoder, List<string> warnings)
    {
        using AudioStream audio = AudioStream.Open(path, decoder: decoder);
        float[] block = new float[SampleRate];
        long samples = 0;
        for (int count; (count = audio.Read(block)) > 0;) samples += count;
        warnings.AddRange(audio.Warnings);
        return FrameCount(samples) < ExcerptFrames ? throw new EngineException($"{path} is shorter than an excerpt, {(double)ExcerptSamples / SampleRate:F2} s")
            : audio.Peak == 0 ? throw new EngineException($"{path} is silent") : samples;
    }

    private static double? Labelled(string folder, string audio, long? samples, List<string> warnings)
    {
        string path = Corpus.LabelOf(folder, audio) ?? throw new EngineException($"{audio} has no labels ({Corpus.Labels}/{Corpus.NameOf(audio)}.lab)");
        LabelTrack labels = LabelTrack.Read(path);
        if (samples is not { } length) return null;
        float[] frames = labels.ForFrames((int)FrameCount(length), warnings.Add);
        double share = frames.Average(), end = labels.Segments[^1].EndSeconds, seconds = (double)length / SampleRate;
        if (seconds - end > LongestUnlabelled) warnings.Add($"its labels end at {end:F1} s of {seconds:F1} s");
        if (share == 1) warnings.Add("all of it is labelled as sung");
        return share;
    }
}
