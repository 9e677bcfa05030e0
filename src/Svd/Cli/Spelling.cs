using System.CommandLine;

namespace Engine.Svd.Cli;

/// <summary>Guesses what a misspelt command or option was meant to be.</summary>
internal static class Spelling
{
    /// <summary>"; did you mean …?" with the nearest names, else those of which one is a part of the other, or nothing if there are none.</summary>
    public static string Suggest(string typed, IEnumerable<Symbol> symbols)
    {
        // A third of the letters may be wrong.
        int most = Math.Max(1, typed.Trim('-').Length / 3);
        string[] names = [.. symbols.Where(symbol => !symbol.Hidden).Select(symbol => symbol.Name)];
        (string Name, int Distance)[] near =
        [
            .. names.Select(name => (Name: name, Distance: DistanceBetween(typed, name))).Where(name => name.Distance <= most).OrderBy(name => name.Distance),
        ];
        IEnumerable<string> nearest = near.TakeWhile(name => name.Distance == near[0].Distance).Select(name => name.Name);
        string[] meant = [.. near.Length > 0 ? nearest : names.Where(name => IsPart(typed, name))];
        return meant.Length == 0 ? "" : $"; did you mean {string.Join(" or ", meant)}?";
    }

    // Such as --threshold of --class-threshold, and --output, which begins with --out.
    private static bool IsPart(string typed, string name)
    {
        const int fewestLetters = 3;
        (string word, string known) = (typed.Trim('-'), name.Trim('-'));
        if (word.Length < fewestLetters || known.Length < fewestLetters) return false;
        return word.StartsWith(known, StringComparison.Ordinal) || known.StartsWith($"{word}-", StringComparison.Ordinal)
            || known.EndsWith($"-{word}", StringComparison.Ordinal);
    }

    /// <summary>
    /// How many letters must be inserted, deleted or replaced, or swapped with their neighbour, to make one word the other (optimal string alignment).
    /// </summary>
    internal static int DistanceBetween(string a, string b)
    {
        int[,] distance = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distance[i, j] = i + j;
                    continue;
                }

                int replaced = distance[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                distance[i, j] = Math.Min(replaced, 1 + Math.Min(distance[i - 1, j], distance[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
            }
        }

        return distance[a.Length, b.Length];
    }
}
