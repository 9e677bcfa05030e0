using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;

namespace Engine.Svd.Data;

/// <summary>
/// Log-mel spectrograms that are computed once and kept: a file a song, float32 frames×80, not normalised, named by the SHA-256 of the audio file's
/// bytes and the version of the front end. So a song that is moved or renamed keeps its spectrogram, and one that changes gets another.
/// </summary>
/// <remarks>
/// A file is written whole or not at all, so processes may share a folder. One that is damaged or holds something else is computed again. A song about which
/// there is a warning is not kept, so that the warning comes back each time. Whatever decodes is not a part of the name: versions of ffmpeg differ by about
/// 1e-3 in the logarithm.
/// </remarks>
public sealed class SpectrogramCache
{
    /// <summary>Goes up whenever decoding or the front end gives other numbers, so that older files are no longer found.</summary>
    public const int FrontEndVersion = 2;

    private readonly AudioDigests _digests;
    private readonly List<string> _warnings = [];

    private SpectrogramCache(string folder)
    {
        Folder = folder;
        _digests = new AudioDigests(folder);
    }

    /// <summary>Where the files are.</summary>
    public string Folder { get; }

    /// <summary>What is doubtful about the songs read so far and their labels, a line each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>
    /// Opens the cache in a folder, made if it is not there. Without one: <c>.cache</c> in the data folder, or where that is read-only a folder among the
    /// user's local application data.
    /// </summary>
    /// <exception cref="EngineException">The folder, or none of the two, can be written.</exception>
    public static SpectrogramCache Open(string dataFolder, string? cacheFolder = null)
    {
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Open(dataFolder, cacheFolder, Path.Combine(local.Length > 0 ? local : Path.GetTempPath(), "svd", "cache"));
    }

    /// <summary>Opens the cache with another folder for read-only data folders than the user's.</summary>
    internal static SpectrogramCache Open(string dataFolder, string? cacheFolder, string localFolder)
    {
        if (cacheFolder is not null)
        {
            return TryPrepare(cacheFolder) is { } problem
                ? throw new EngineException($"the cache folder {cacheFolder} cannot be written: {problem}")
                : new SpectrogramCache(cacheFolder);
        }

        string beside = Path.Combine(dataFolder, ".cache");

        // The attribute holds for an administrator too, who could write but is not meant to.
        bool meantToBeRead = !OperatingSystem.IsWindows() && new DirectoryInfo(dataFolder).Attributes.HasFlag(FileAttributes.ReadOnly);
        if (!meantToBeRead && TryPrepare(beside) is null) return new SpectrogramCache(beside);
        return TryPrepare(localFolder) is { } reason
            ? throw new EngineException($"neither {beside} nor {localFolder} can be written ({reason}); name a folder with --cache.")
            : new SpectrogramCache(localFolder);
    }

    /// <summary>A song's log-mel spectrogram, frames×80 in C order, not normalised: from the cache, or computed and put there.</summary>
    /// <param name="extractor">Computes it.</param>
    /// <param name="audioPath">The song.</param>
    /// <param name="progress">Told how many seconds of how many, if known, are computed.</param>
    /// <exception cref="EngineException">The song cannot be decoded, is silent or shorter than an excerpt, or the cache cannot be written.</exception>
    public float[] LogMel(LogMelExtractor extractor, string audioPath, Action<double, double?>? progress = null)
    {
        byte[] digest = _digests.Of(audioPath);
        string file = FileOf(digest);
        if (SpectrogramFile.TryRead(file, digest) is { } cached) return cached;

        using AudioStream audio = AudioStream.Open(audioPath);
        LogMelReader reader = new(audio, extractor);
        float[] logMel = reader.ReadToEnd(audioPath, seconds => progress?.Invoke(seconds, audio.DurationSeconds));
        foreach (string warning in audio.Warnings) Warn(warning);
        if (audio.MissingSeconds > 0) Warn(MessageText.Line($"{audioPath}: from the damage on, its labels may be off by up to {audio.MissingSeconds:F2} s."));
        if (audio.Warnings.Count == 0) SpectrogramFile.Write(file, digest, logMel);
        return logMel;
    }

    /// <summary>Adds to <see cref="Warnings"/>, unless it is there already.</summary>
    internal void Warn(string warning)
    {
        if (!_warnings.Contains(warning)) _warnings.Add(warning);
    }

    /// <summary>The cache file of a song, there or not.</summary>
    /// <exception cref="EngineException">The song cannot be read.</exception>
    internal string FileOf(string audioPath) => FileOf(_digests.Of(audioPath));

    private string FileOf(byte[] digest) => Path.Combine(Folder, $"{Convert.ToHexStringLower(digest)}.logmel{FrontEndVersion}");

    // What is wrong with the folder; null if it can be written.
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
