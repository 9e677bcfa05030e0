using System.Globalization;

namespace Engine.Bench;

/// <summary>A line of <c>shapes.csv</c>: one layer of a network and the batch sizes it runs at; sizes that are left out are 1, paddings 0.</summary>
internal sealed class LayerRow
{
    private readonly Dictionary<string, string> _fields;

    private LayerRow(Dictionary<string, string> fields) => _fields = fields;

    /// <summary>The network.</summary>
    public string Network => _fields["network"];

    /// <summary>The layer's name.</summary>
    public string Layer => _fields["layer"];

    /// <summary>The operation.</summary>
    public string Op => _fields["op"];

    /// <summary>The batch sizes of inference.</summary>
    public IEnumerable<int> Batches => _fields["batches"].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);

    /// <summary>The batch size of training, where the layer is trained.</summary>
    public int? TrainBatch => _fields["train_batch"] is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    /// <summary>A size by its column.</summary>
    public int this[string column] =>
        _fields[column] is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : column == "pad" ? 0 : 1;

    /// <summary>All lines of the file beside the program.</summary>
    public static IReadOnlyList<LayerRow> ReadAll()
    {
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "shapes.csv"));
        string[] columns = lines[0].Split(',');
        return [.. lines.Skip(1).Select(line => new LayerRow(columns.Zip(line.Split(',')).ToDictionary(field => field.First, field => field.Second)))];
    }
}
