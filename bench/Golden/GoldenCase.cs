using System.Text.Json;
using Engine.Kernels;

namespace Engine.Bench.Golden;

/// <summary>One call of an operation, as a file of reference arrays has it: see tests/golden/README.md.</summary>
/// <param name="Place">The file and the case in it, for messages.</param>
/// <param name="Op">The operation.</param>
/// <param name="Settings">Its sizes and settings.</param>
/// <param name="Inputs">Its inputs by name, and the arrays that all cases of the file share.</param>
/// <param name="Outputs">What it must give.</param>
internal sealed record GoldenCase(
    string Place, string Op, JsonElement Settings, IReadOnlyDictionary<string, float[]> Inputs, IReadOnlyList<GoldenOutput> Outputs)
{
    /// <summary>What a table calls it: the operation, and the weights that it starts from if it is a network's.</summary>
    public string Title => Settings.TryGetProperty("weights", out JsonElement weights) ? $"{Op}, {weights}" : Op;

    /// <summary>An input.</summary>
    /// <exception cref="EngineException">There is none of this name.</exception>
    public float[] Input(string name) => Inputs.TryGetValue(name, out float[]? values) ? values : throw Complaint($"has no input {name}");

    /// <summary>A setting.</summary>
    /// <exception cref="EngineException">There is none of this name, or it is of another kind.</exception>
    public T Setting<T>(string name)
    {
        if (!Settings.TryGetProperty(name, out JsonElement value)) throw Complaint($"has no setting {name}");
        try
        {
            return value.Deserialize<T>() ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw Complaint($"has {MessageText.Quote(value.GetRawText())} for the setting {name}");
        }
    }

    /// <summary>The settings as text by name; those in an inner object have its name and a dot before theirs.</summary>
    public Dictionary<string, string> FlatSettings()
    {
        Dictionary<string, string> flat = new(StringComparer.OrdinalIgnoreCase);
        void Add(string prefix, JsonElement settings)
        {
            foreach (JsonProperty setting in settings.EnumerateObject())
            {
                if (setting.Value.ValueKind == JsonValueKind.Object) Add($"{prefix}{setting.Name}.", setting.Value);
                else flat[prefix + setting.Name] = setting.Value.ToString();
            }
        }

        Add("", Settings);
        return flat;
    }

    /// <summary>Compares the outputs, by name, and returns the worst error.</summary>
    /// <exception cref="EngineException">One that the case has was not computed, or has another length.</exception>
    public GoldenError Compare(IReadOnlyDictionary<string, float[]> actual)
    {
        GoldenError worst = default;
        foreach (GoldenOutput output in Outputs)
        {
            if (!actual.TryGetValue(output.Name, out float[]? values))
            {
                throw Complaint($"has an output {MessageText.Quote(output.Name)}, which {Op} does not give; it gives {string.Join(", ", actual.Keys)}");
            }

            if (values.Length != output.Length) throw Complaint($"has {output.Length} values of {output.Name}; with its settings there are {values.Length}");
            worst = GoldenError.Worse(worst, output.ErrorOf(values));
        }

        return worst;
    }

    /// <summary>What is wrong with this case, to be thrown.</summary>
    public EngineException Complaint(string problem) => new($"{Place} {problem}");
}
