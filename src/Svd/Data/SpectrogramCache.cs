using System.Security.Cryptography;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>
/// Log-mel spectrograms that are computed once and kept: a file a song, float32 frames×80, not normalised, named by the SHA-256 of the audio file's
/// bytes and the version of the front end. So a song that is moved or renamed keeps its spectrogram, and one that changes gets another.
/// </summary>
/// <remarks>
/// A file is written whole or not at all, so processes may share a folder. One that is damaged or holds something else is computed again. Whatever
/// decodes is not a part of the name: versions of ffmpeg differ by about 1e-3 in the logarithm.
/// </remarks>
public sealed class SpectrogramCache
{
    /// <summary>Goes up whenever the front end computes other numbers, so that older files are no longer found.</summary>
    public const int FrontEndVersion = 1;

    // What the front end can give, with room for the logarithm's last bits: ln 1e-7, and a spectrum far beyond full scale.
    private const float Lowest = -16.2f;
    private const float Highest = 30;

    private SpectrogramCache(string folder) => Folder = folder;

    /// <summary>Where the files are.</summary>
    public string Folder { get; }

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
        string file = FileOf(audioPath);
        if (TryRead(file) is { } cached) return cached;

        using AudioStream audio = AudioStream.Open(audioPath);
        LogMelReader reader = new(audio, extractor);
        float[] logMel = reader.ReadToEnd(audioPath, seconds => progress?.Invoke(seconds, audio.DurationSeconds));
        NpyFile.Write(file, new NpyArray([logMel.Length / Bands, Bands], logMel));
        return logMel;
    }

    /// <summary>The cache file of a song, there or not.</summary>
    /// <exception cref="EngineException">The song cannot be read.</exception>
    internal string FileOf(string audioPath)
    {
        using FileStream audio = InputFile.Open(audioPath);
        try
        {
            return Path.Combine(Folder, $"{Convert.ToHexStringLower(SHA256.HashData(audio))}.logmel{FrontEndVersion}.npy");
        }
        catch (IOException e)
        {
            throw new EngineException($"{audioPath} cannot be read: {e.Message}", e);
        }
    }

    private static float[]? TryRead(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            NpyArray array = NpyFile.Read(file);
            if (array.IsDouble || array.Shape is not [>= ExcerptFrames, Bands]) return null;
            float[] values = array.ToSingle();
            return Array.TrueForAll(values, value => value is >= Lowest and <= Highest) ? values : null;
        }
        catch (EngineException)
        {
            return null;
        }
    }

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
