using System.Globalization;
using System.Text.Json;
using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Bench.Golden;

/// <summary>Reads files of reference arrays: see tests/golden/README.md.</summary>
internal static class GoldenFile
{
    private const string Case = "case";

    /// <summary>The cases of all files in a folder, by the names of the files.</summary>
    /// <exception cref="EngineException">The folder is missing or holds no such file, or a file is damaged or malformed.</exception>
    public static IReadOnlyList<GoldenCase> ReadAll(string folder)
    {
        if (!Directory.Exists(folder)) throw new EngineException($"{folder} is not a folder; it should hold .npz files of reference arrays");
        string[] files = [.. Directory.EnumerateFiles(folder, "*.npz").Order(StringComparer.Ordinal)];
        if (files.Length == 0) throw new EngineException($"{folder} holds no .npz file of reference arrays");
        return [.. files.SelectMany(Read)];
    }

    /// <summary>The cases of one file, in order.</summary>
    /// <exception cref="EngineException">The file is damaged or malformed.</exception>
    public static IReadOnlyList<GoldenCase> Read(string path)
    {
        using NpzFile file = NpzFile.Open(path);
        Dictionary<string, float[]> shared = file.Names.Where(name => !name.Contains('/')).ToDictionary(name => name, name => file.Read(name).ToSingle());
        string[] cases =
            [.. file.Names.Select(name => name.Split('/')[0]).Where(name => !shared.ContainsKey(name)).Distinct().OrderBy(NumberOf).ThenBy(name => name)];
        return cases.Length > 0 ? [.. cases.Select(name => Read(file, path, name, shared))]
            : throw new EngineException($"{path} holds no cases: no array is called case0/description");
    }

    private static int NumberOf(string name)
    {
        ReadOnlySpan<char> digits = name.StartsWith(Case, StringComparison.Ordinal) ? name.AsSpan(Case.Length) : [];
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private static GoldenCase Read(NpzFile file, string path, string name, Dictionary<string, float[]> shared)
    {
        string place = $"{path}: {MessageText.Quote(name)}";
        if (!file.Contains($"{name}/description")) throw new EngineException($"{place} has no description");
        Description description = Parse(file.ReadBytes($"{name}/description"), place);
        Dictionary<string, float[]> inputs = new(shared);
        List<GoldenOutput> outputs = [];
        foreach (string array in file.Names.Where(array => array.StartsWith($"{name}/", StringComparison.Ordinal)))
        {
            switch (array.Split('/')[1..])
            {
                case ["in", string operand]: inputs[operand] = file.Read(array).ToSingle(); break;
                case ["out", string operand]: outputs.Add(Whole(operand, file.Read(array).ToDouble(), description, place)); break;
                case ["sample", string operand]: outputs.Add(Sampled(file, name, operand, description, place)); break;
                case ["sum", string operand] when file.Contains($"{name}/sample/{operand}"): break;
                case ["description"]: break;
                default: throw new EngineException($"{path} holds an array {MessageText.Quote(array)}, which belongs to no case's inputs or outputs");
            }
        }

        return outputs.Count > 0 ? new GoldenCase(place, description.Op, description.Settings, inputs, outputs)
            : throw new EngineException($"{place} has no outputs to compare with");
    }

    private static Description Parse(byte[] json, string place)
    {
        try
        {
            Description description = JsonSerializer.Deserialize<Description>(json, JsonSerializerOptions.Web) ?? throw new JsonException("it is empty");
            return description is { Op: not null, Tolerance: not null, Settings.ValueKind: JsonValueKind.Object } ? description
                : throw new JsonException("op, settings or tolerance is missing");
        }
        catch (JsonException e)
        {
            throw new EngineException($"{place} has a malformed description: {e.Message}", e);
        }
    }

    private static GoldenOutput Whole(string name, double[] values, Description description, string place)
    {
        RequireFinite(name, values, place);
        return new(name, values.Length, values.Length == 0 ? 0 : values.Max(Math.Abs), ToleranceOf(name, description, place), null, values, []);
    }

    private static GoldenOutput Sampled(NpzFile file, string name, string output, Description description, string place)
    {
        if (!file.Contains($"{name}/sum/{output}")) throw new EngineException($"{place} has a sample of {output} but not its sums");
        NpyArray sample = file.Read($"{name}/sample/{output}");
        double[] numbers = sample.ToDouble(), sums = file.Read($"{name}/sum/{output}").ToDouble();
        int count = numbers.Length / 2;
        double largest = 0;
        if (sample.Shape is not [2, _] || description.Size?.TryGetValue(output, out int size) != true
            || description.Largest?.TryGetValue(output, out largest) != true)
        {
            throw new EngineException($"{place} has a sample of {output} that is not 2×n, or no size or largest value of it");
        }

        RequireFinite(output, [.. numbers, .. sums, largest], place);
        double[] places = numbers[..count];
        if (places.Any(at => at < 0 || at >= size || at != Math.Floor(at)) || sums.Length == 0 || size % sums.Length != 0)
        {
            throw new EngineException($"{place} has a sample of {output} with places that it lacks, or sums of blocks that do not divide its {size} values");
        }

        return new(output, size, largest, ToleranceOf(output, description, place), Array.ConvertAll(places, at => (int)at), numbers[count..], sums);
    }

    private static double ToleranceOf(string name, Description description, string place) =>
        description.Tolerance.TryGetValue(name, out double tolerance) && tolerance >= 0 ? tolerance
            : throw new EngineException($"{place} states no tolerance of {MessageText.Quote(name)}, or a negative one");

    private static void RequireFinite(string name, double[] values, string place)
    {
        if (!values.All(double.IsFinite)) throw new EngineException($"{place} has NaN or infinite values of {MessageText.Quote(name)}");
    }

    private sealed record Description(
        string Op, JsonElement Settings, Dictionary<string, double> Tolerance, Dictionary<string, int>? Size, Dictionary<string, double>? Largest);
}
