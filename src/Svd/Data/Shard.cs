namespace Engine.Svd.Data;

/// <summary>One machine's part of a list of songs: every <paramref name="Count"/>-th song, from the <paramref name="Index"/>-th on.</summary>
/// <param name="Index">Which part, from 0.</param>
/// <param name="Count">How many parts there are.</param>
internal readonly record struct Shard(int Index, int Count)
{
    /// <summary>All songs, on one machine.</summary>
    public static Shard Whole { get; } = new(0, 1);

    /// <summary>Whether this is only a part.</summary>
    public bool IsPart => Count > 1;

    /// <summary>Reads <c>I/N</c>, where I counts from 1; null if it is something else.</summary>
    public static Shard? Parse(string text) =>
        text.Split('/') is [string part, string parts] && IsNumber(part, out int index) && IsNumber(parts, out int count) && index <= count
            ? new Shard(index - 1, count) : null;

    /// <summary>Whether the song with this number, from 0, belongs to this part.</summary>
    public bool Has(int song) => song % Count == Index;

    /// <summary>The songs of this part, in order.</summary>
    public T[] Of<T>(IEnumerable<T> songs)
    {
        Shard shard = this;
        return [.. songs.Where((_, song) => shard.Has(song))];
    }

    /// <summary>The name of a file that each part has one of: NAME.csv, and NAME.2-of-4.csv of a part.</summary>
    public string FileName(string name, string extension) => IsPart ? $"{name}.{Index + 1}-of-{Count}{extension}" : name + extension;

    /// <inheritdoc/>
    public override string ToString() => $"{Index + 1}/{Count}";

    private static bool IsNumber(string text, out int number) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out number) && number > 0;
}
