using System.Globalization;
using System.Text;
using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;

namespace Engine.Svd.Evaluate;

/// <summary>The table of <c>svd reconstruct</c>, <c>layers.csv</c>: its columns are a file format.</summary>
internal static class ReconstructionTable
{
    private const string Header = "network,layer,architecture,numbers,error,error_low,error_high,mean_squared_error";

    /// <summary>The table as CSV.</summary>
    public static string ToCsv(IReadOnlyList<ReconstructionRow> rows)
    {
        StringBuilder text = new($"{Header}\n");
        foreach (ReconstructionRow row in rows)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{row.Network.Replace(',', '_')},{row.Layer},{row.Architecture},{row.Numbers},{row.Error.Mean:G9},{row.Error.Low:G9},{row.Error.High:G9},")
                .Append(CultureInfo.InvariantCulture, $"{row.MeanSquaredError:G9}\n");
        }

        return text.ToString();
    }

    /// <summary>The errors by layer in a table of these columns, or of other ones if <c>layer</c> and <c>error</c> are among them.</summary>
    /// <exception cref="EngineException">The file cannot be read or is no such table.</exception>
    public static IReadOnlyList<(string Layer, double Error)> Read(string path)
    {
        using StreamReader reader = new(InputFile.Open(path));
        string[] columns = (reader.ReadLine() ?? "").Split(',');
        (int layer, int error) = (Array.IndexOf(columns, "layer"), Array.IndexOf(columns, "error"));
        if (layer < 0 || error < 0) throw new EngineException($"{path} is no table of reconstruction errors: it needs the columns layer and error");
        List<(string, double)> rows = [];
        for (int line = 2; reader.ReadLine() is { } text; line++)
        {
            string[] cells = text.Split(',');
            if (cells.Length != columns.Length || SvdNetLayer.Of(cells[layer]) is null
                || !double.TryParse(cells[error], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || value is not (>= 0 and < 1e9))
            {
                throw new EngineException($"{path}, line {line}: a layer of SVDNet and an error are needed, not {MessageText.Line(text)}");
            }

            rows.Add((cells[layer], value));
        }

        return rows;
    }
}
