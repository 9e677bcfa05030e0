using System.Security.Cryptography;
using System.Text;

namespace Engine.Svd.Data;

/// <summary>The names of a song's results. They come from files and must not lead out of the folder that the user gave.</summary>
internal static class ResultName
{
    private const int DigestLength = 8;

    // Characters and names that some file systems forbid.
    private const string Forbidden = "<>:\"|?*\\";
    private static readonly string[] _devices = ["CON", "PRN", "AUX", "NUL", "COM", "LPT"];

    /// <summary>
    /// The song's name itself, including folders, if it is safe. Otherwise a name of its harmless characters, with a digest so that no two songs share it.
    /// </summary>
    public static string Of(string song)
    {
        if (song.Split('/').All(IsSafe)) return song;
        IEnumerable<char> letters = song.Select(letter => letter == '/' || Forbidden.Contains(letter) || char.IsControl(letter) ? '_' : letter);
        string harmless = string.Concat(letters).Trim('_', '.', ' ');
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(song)))[..DigestLength];
        return $"{(harmless.Length > 0 ? harmless : "song")}-{digest}";
    }

    /// <summary>The name of an audio file's results: the file's name without its extension, unless it consists only of that.</summary>
    public static string OfFile(string path) =>
        Of(Path.GetFileNameWithoutExtension(path) is { Length: > 0 } name ? name : Path.GetFileName(path));

    private static bool IsSafe(string part) =>
        part.Length > 0 && part.Trim('.', ' ').Length > 0 && part[^1] is not ('.' or ' ')
        && !part.Any(letter => Forbidden.Contains(letter) || char.IsControl(letter))
        && !_devices.Contains(part.Split('.')[0].TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9').ToUpperInvariant());
}
