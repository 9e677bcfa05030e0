using System.Globalization;
using System.Text;
using Engine.Kernels;

namespace Engine.Bench;

/// <summary>A line of <c>shapes.csv</c>: an operation that a piece of work runs, how often, for which layer and in which sizes.</summary>
/// <param name="Work">The piece of work, one of the report's.</param>
/// <param name="Calls">How often the work runs the operation.</param>
/// <param name="Layer">The layer, or layers, that it belongs to.</param>
/// <param name="Op">The operation, as <see cref="OpTable"/> names it.</param>
/// <param name="Settings">Its sizes and settings, <c>name=value</c> each.</param>
internal sealed record LayerRow(string Work, int Calls, string Layer, string Op, string Settings)
{
    /// <summary>All lines of the file beside the program.</summary>
    public static IReadOnlyList<LayerRow> ReadAll() =>
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "shapes.csv")).Skip(1).Select(Parse)];

    /// <summary>The operation in these sizes, perhaps with some settings changed.</summary>
    public OpSpec Describe(params ReadOnlySpan<(string Name, int Value)> changed)
    {
        Dictionary<string, string> values = Values();
        foreach ((string name, int value) in changed) values[name] = value.ToString(CultureInfo.InvariantCulture);
        return OpTable.All[Op](new OpSettings(values));
    }

    /// <summary>The sizes and settings by name.</summary>
    public Dictionary<string, string> Values() => Settings.Split(' ').Select(setting => setting.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

    private static LayerRow Parse(string line)
    {
        List<string> fields = [];
        StringBuilder field = new();
        bool quoted = false;
        foreach (char c in line)
        {
            if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        return new LayerRow(fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture), fields[2], fields[3], field.ToString());
    }
}
