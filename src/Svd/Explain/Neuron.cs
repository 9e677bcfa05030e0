using System.Globalization;
using Engine.Tensors;

namespace Engine.Svd.Explain;

/// <summary>
/// A neuron of a layer. Of a convolutional layer it is one place of a channel, or the whole channel: then its activation is the mean over the channel's map.
/// </summary>
/// <param name="Channel">The channel, or the number of the neuron in a dense layer.</param>
/// <param name="Place">The row (time) and the column (frequency) in the channel's map; null for the whole channel.</param>
public readonly record struct Neuron(int Channel, (int Row, int Column)? Place)
{
    /// <summary>The neuron in CHANNEL or CHANNEL:ROW:COLUMN; null if the text is neither.</summary>
    public static Neuron? Parse(string text)
    {
        int?[] numbers = [.. text.Split(':').Select(part =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : (int?)null)];
        return numbers switch
        {
            [{ } channel] => new Neuron(channel, null),
            [{ } channel, { } row, { } column] => new Neuron(channel, (row, column)),
            _ => null,
        };
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() => Place is var (row, column) ? $"{Channel}:{row}:{column}" : $"{Channel}";

    /// <summary>Whether a layer with outputs of this shape, N×C or N×C×H×W, has the neuron.</summary>
    public bool IsIn(in Shape layer)
    {
        (int rows, int columns) = MapOf(layer);
        return Channel < layer[1] && (Place is not var (row, column) || (layer.Rank > 2 && row < rows && column < columns));
    }

    /// <summary>What the outputs of the layer are multiplied by, so that their sum is the neuron's activation: as many numbers as a sample has.</summary>
    public float[] WeightsIn(in Shape layer)
    {
        (int rows, int columns) = MapOf(layer);
        float[] weights = new float[layer[1] * rows * columns];
        Span<float> map = weights.AsSpan(Channel * rows * columns, rows * columns);
        if (Place is var (row, column)) map[row * columns + column] = 1;
        else map.Fill(1f / map.Length);
        return weights;
    }

    private static (int Rows, int Columns) MapOf(in Shape layer) => layer.Rank > 2 ? (layer[2], layer[3]) : (1, 1);
}
