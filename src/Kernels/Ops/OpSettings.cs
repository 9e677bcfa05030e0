using System.Globalization;

namespace Engine.Kernels;

/// <summary>
/// Sizes and settings by name, as files state them: <c>n</c>, <c>strideH</c>, <c>activation</c> and so on, the parameters' names of the shapes'
/// constructors.
/// </summary>
/// <param name="values">The settings; upper and lower case make no difference in names.</param>
/// <param name="prefix">What the names start with in <paramref name="values"/>.</param>
public readonly struct OpSettings(IReadOnlyDictionary<string, string> values, string prefix = "")
{
    /// <summary>The length of a pointwise operation's arrays.</summary>
    public int Length => Size("length");

    /// <summary>Whether there is a bias.</summary>
    public bool Bias => Flag("bias");

    /// <summary>Whether the filters stay packed from call to call.</summary>
    public bool Packed => Flag("packed");

    /// <summary>The activation; none if it is not stated.</summary>
    public Activation Activation => Text("activation") is not { } kind ? default
        : new Activation(
            Parse(kind, "activation", (string text, out ActivationKind value) => Enum.TryParse(text, ignoreCase: true, out value)), Number("slope", 0));

    /// <summary>Where the samples lie; first if it is not stated.</summary>
    public BatchLayout Layout => Text("layout") is not { } layout ? BatchLayout.First
        : Parse(layout, "layout", (string text, out BatchLayout value) => Enum.TryParse(text, ignoreCase: true, out value));

    /// <summary>The settings of a part, whose names start with the part's name and a dot.</summary>
    public OpSettings Of(string part) => new(values, $"{prefix}{part}.");

    /// <summary>A whole number.</summary>
    /// <exception cref="EngineException">It is missing, or not a whole number.</exception>
    public int Size(string name, int? absent = null) =>
        Text(name) is { } text ? Parse(text, name, (string t, out int v) => int.TryParse(t, CultureInfo.InvariantCulture, out v))
        : absent ?? throw Missing(name);

    /// <summary>A whole number, or null if it is missing.</summary>
    /// <exception cref="EngineException">It is not a whole number.</exception>
    public int? SizeIfGiven(string name) => Text(name) is null ? null : Size(name);

    /// <summary>A number from 0 to 2⁶⁴ − 1.</summary>
    /// <exception cref="EngineException">It is missing, or not such a number.</exception>
    public ulong Seed(string name) =>
        Text(name) is { } text ? Parse(text, name, (string t, out ulong v) => ulong.TryParse(t, CultureInfo.InvariantCulture, out v)) : throw Missing(name);

    /// <summary>A number.</summary>
    /// <exception cref="EngineException">It is missing, or not a number.</exception>
    public float Number(string name, float? absent = null) =>
        Text(name) is { } text ? Parse(text, name, (string t, out float v) => float.TryParse(t, CultureInfo.InvariantCulture, out v))
        : absent ?? throw Missing(name);

    /// <summary>True or false; false if it is missing.</summary>
    /// <exception cref="EngineException">It is neither.</exception>
    public bool Flag(string name) => Text(name) is { } text && Parse<bool>(text, name, bool.TryParse);

    private string? Text(string name) => values.TryGetValue(prefix + name, out string? text) ? text : null;

    private T Parse<T>(string text, string name, Parser<T> parse) =>
        parse(text, out T value) ? value : throw new EngineException($"the setting {prefix}{name} is {text}, not {Kind<T>()}");

    private EngineException Missing(string name) => new($"the setting {prefix}{name} is missing");

    private static string Kind<T>() =>
        typeof(T).IsEnum ? $"one of {string.Join(", ", Enum.GetNames(typeof(T)))}" : typeof(T) == typeof(bool) ? "true or false"
        : typeof(T) == typeof(float) ? "a number" : "a whole number in range";

    private delegate bool Parser<T>(string text, out T value);
}
