using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;

namespace Engine.Svd.Data;

/// <summary>
/// Log-mel spectrograms that are computed once and kept, one file per song: float32 frames×80, not normalised. The file's name is the SHA-256 of the audio
/// file and the version of the front end, so a song that is moved or renamed keeps its spectrogram, and a song that changes gets a new one.
/// </summary>
/// <remarks>
/// A file is written whole or not at all, so processes may share a folder. A damaged or wrong file is computed again. A song with a warning is not kept, so
/// that the warning appears each time. The decoder is not part of the name: versions of ffmpeg differ by about 1e-3 in the logarithm.
/// </remarks>
public sealed class SpectrogramCache
{
    /// <summary>Raise this whenever decoding or the front end gives other numbers, so that older files are not used.</summary>
    public const int FrontEndVersion = 2;

    private readonly AudioDigests _digests;
    private readonly List<string> _warnings = [];
    private readonly Action<string>? _warned;

    private SpectrogramCache(string folder, Action<string>? warned, Decoder decoder)
    {
        (Folder, _warned, Decoder) = (folder, warned, decoder);
        _digests = new AudioDigests(folder);
    }

    /// <summary>The folder of the files.</summary>
    public string Folder { get; }

    /// <summary>What decodes songs whose spectrograms are missing.</summary>
    public Decoder Decoder { get; }

    /// <summary>Warnings about the songs read so far and their labels, one line each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>
    /// Opens the cache in a folder, which is created if it does not exist. Default: <c>.cache</c> in the data folder, or a folder in the user's local
    /// application data if the data folder is read-only.
    /// </summary>
    /// <param name="dataFolder">The data folder.</param>
    /// <param name="cacheFolder">The folder of the cache, or null for the default.</param>
    /// <param name="warned">Gets each warning as soon as it is known.</param>
    /// <param name="decoder">What decodes the songs.</param>
    /// <exception cref="EngineException">The folder, or neither of the two, can be written.</exception>
    public static SpectrogramCache Open(string dataFolder, string? cacheFolder = null, Action<string>? warned = null, Decoder decoder = Decoder.Auto)
    {
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Open(dataFolder, cacheFolder, Path.Combine(local.Length > 0 ? local : Path.GetTempPath(), "svd", "cache"), warned, decoder);
    }

    /// <summary>Opens the cache; <paramref name="localFolder"/> takes the place of the user's local application data.</summary>
    internal static SpectrogramCache Open(
        string dataFolder, string? cacheFolder, string localFolder, Action<string>? warned = null, Decoder decoder = Decoder.Auto)
    {
        if (cacheFolder is not null)
        {
            return TryPrepare(cacheFolder) is { } problem
                ? throw new EngineException($"the cache folder {cacheFolder} cannot be written: {problem}")
                : new SpectrogramCache(cacheFolder, warned, decoder);
        }

        string beside = Path.Combine(dataFolder, ".cache");

        // An administrator could write to a read-only folder but should not.
        bool meantToBeRead = !OperatingSystem.IsWindows() && new DirectoryInfo(dataFolder).Attributes.HasFlag(FileAttributes.ReadOnly);
        if (!meantToBeRead && TryPrepare(beside) is null) return new SpectrogramCache(beside, warned, decoder);
        return TryPrepare(localFolder) is { } reason
            ? throw new EngineException($"neither {beside} nor {localFolder} can be written ({reason}); give a folder with --cache.")
            : new SpectrogramCache(localFolder, warned, decoder);
    }

    /// <summary>A song's log-mel spectrogram, frames×80 in C order, not normalised. It is read from the cache, or computed and put there.</summary>
    /// <param name="extractor">Computes the spectrogram.</param>
    /// <param name="audioPath">The song.</param>
    /// <param name="progress">Gets the seconds that are computed, and how many there are if known.</param>
    /// <exception cref="EngineException">The song cannot be decoded, is silent or shorter than an excerpt, or the cache cannot be written.</exception>
    public float[] LogMel(LogMelExtractor extractor, string audioPath, Action<double, double?>? progress = null)
    {
        byte[] digest = _digests.Of(audioPath);
        string file = FileOf(digest);
        if (SpectrogramFile.TryRead(file, digest) is { } cached) return cached;

        using AudioStream audio = AudioStream.Open(audioPath, decoder: Decoder);
        LogMelReader reader = new(audio, extractor);
        float[] logMel = reader.ReadToEnd(audioPath, seconds => progress?.Invoke(seconds, audio.DurationSeconds));
        foreach (string warning in audio.Warnings) Warn(warning);
        if (audio.MissingSeconds > 0) Warn(MessageText.Line($"{audioPath}: after the damage, its labels may be off by up to {audio.MissingSeconds:F2} s."));
        if (audio.Warnings.Count == 0) SpectrogramFile.Write(file, digest, logMel);
        return logMel;
    }

    /// <summary>Computes the spectrograms of a part of the songs, which several machines share out.</summary>
    /// <param name="extractor">Computes them.</param>
    /// <param name="songs">All songs.</param>
    /// <param name="shard">The part.</param>
    /// <param name="progress">Gets how many songs are done, with fractions, and how many there are.</param>
    /// <returns>How many songs of the other parts have no spectrogram yet.</returns>
    /// <exception cref="EngineException">A song cannot be decoded, is silent or shorter than an excerpt, or the cache cannot be written.</exception>
    internal int FillPart(LogMelExtractor extractor, IReadOnlyList<Song> songs, Shard shard, Action<double, double?> progress)
    {
        Song[] own = shard.Of(songs);
        for (int i = 0; i < own.Length; i++)
        {
            int done = i;
            LogMel(extractor, own[i].AudioPath, (seconds, length) =>
            {
                if (length is { } whole) progress(done + Math.Min(1, seconds / whole), own.Length);
            });
            progress(i + 1, own.Length);
        }

        return songs.Where((song, i) => !shard.Has(i) && !File.Exists(FileOf(song.AudioPath))).Count();
    }

    /// <summary>The SHA-256 of a song's file, which is read only if it is new or has changed.</summary>
    /// <exception cref="EngineException">The song cannot be read.</exception>
    internal byte[] DigestOf(string audioPath) => _digests.Of(audioPath);

    /// <summary>Adds a warning and tells it, unless it is there already.</summary>
    internal void Warn(string warning)
    {
        if (_warnings.Contains(warning)) return;
        _warnings.Add(warning);
        _warned?.Invoke(warning);
    }

    /// <summary>The cache file of a song, whether it exists or not.</summary>
    /// <exception cref="EngineException">The song cannot be read.</exception>
    internal string FileOf(string audioPath) => FileOf(_digests.Of(audioPath));

    private string FileOf(byte[] digest) => Path.Combine(Folder, $"{Convert.ToHexStringLower(digest)}.logmel{FrontEndVersion}");

    // Returns what is wrong with the folder; null if it can be written.
    private static string? TryPrepare(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            using FileStream probe = new(
                Path.Combine(folder, $".{Path.GetRandomFileName()}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return failure.Message;
        }
    }
}
