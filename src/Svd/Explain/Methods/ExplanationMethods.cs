using Engine.Kernels;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;

namespace Engine.Svd.Explain.Methods;

/// <summary>Everything the methods need.</summary>
/// <param name="Detector">The detector that is explained.</param>
/// <param name="Inversion">The method that uses its inversion network; null if no method needs it.</param>
/// <param name="Optimised">The inversion without a network.</param>
/// <param name="Mask">The method that uses its mask network; null if it is not needed.</param>
/// <param name="Inverted">The inversions of all excerpts of the evaluation, by number.</param>
/// <param name="Statistics">The statistics that normalised the excerpts.</param>
/// <param name="Seed">Seeds everything random.</param>
public sealed record MethodIngredients(
    IDetector Detector, IExplanationMethod? Inversion, IExplanationMethod Optimised, IExplanationMethod? Mask, IReadOnlyList<float[]> Inverted,
    BandStatistics Statistics, ulong Seed);

/// <summary>All methods by name.</summary>
public static class ExplanationMethods
{
    /// <summary>The word for all methods on the command line.</summary>
    public const string All = "all";

    /// <summary>The paper's method, which uses the inversion network.</summary>
    public const string Inversion = "inversion";

    /// <summary>The inversion without a network, the paper's Eq. 1.</summary>
    public const string Optimise = "optimise";

    /// <summary>The method that uses the mask network.</summary>
    public const string Mask = "mask";

    /// <summary>The name of chance: random bins.</summary>
    public const string Random = "random";

    private const string Other = "other", Average = "average";

    private static readonly (string Name, Func<MethodIngredients, IExplanationMethod> Make)[] _methods =
    [
        (Inversion, InversionOf),
        ("inversion-error", from => new InversionError(InversionOf(from))),
        ("inversion-input", from => new InversionTimesInput(InversionOf(from))),
        (Optimise, from => from.Optimised),
        (Mask, from => from.Mask ?? throw new InvalidOperationException("there is no mask network")),
        (Random, from => new RandomBins(from.Seed)),
        ("blob", from => new RandomBlob(from.Seed)),
        (Other, from => new OtherInversion(from.Inverted, from.Seed)),
        (Average, from => new AverageInversion(from.Inverted)),
        ("loudest", _ => new LoudestBins()),
        ("loudest-raw", from => new LoudestRawBins(from.Statistics)),
        ("gradient", from => new AbsoluteGradient(from.Detector)),
        ("gradient-input", from => new GradientTimesInput(from.Detector)),
        ("guided-backprop", from => new RectifiedGradient(from.Detector, RectifierRule.Guided)),
        ("deconvnet", from => new RectifiedGradient(from.Detector, RectifierRule.Deconvolution)),
        ("smoothgrad", from => new SmoothGrad(from.Detector, from.Seed)),
        ("integrated-gradients", from => new IntegratedGradients(from.Detector)),
        ("occlusion", from => new Occlusion(from.Detector)),
        ("soundlime", from => new SoundLime(from.Detector, from.Seed)),
    ];

    /// <summary>The names, in the order of tables and figures.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. _methods.Select(method => method.Name)];

    /// <summary>The names of those that can explain an excerpt without knowing others.</summary>
    public static IReadOnlyList<string> OfOneExcerpt { get; } = [.. Names.Where(name => name is not (Other or Average))];

    /// <summary>The names of those whose importance is an inversion, an excerpt itself.</summary>
    public static IReadOnlyList<string> Inversions { get; } = [Inversion, Optimise, Other, Average];

    /// <summary>Whether a method uses the inversion network.</summary>
    public static bool NeedsInversion(string name) => name.StartsWith(Inversion, StringComparison.Ordinal);

    /// <summary>Reads a list of names, separated by commas, each once; <see cref="All"/> stands for all.</summary>
    /// <exception cref="EngineException">A name is not known.</exception>
    public static IReadOnlyList<string> Parse(string list)
    {
        string[] asked = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string? unknown = asked.FirstOrDefault(name => name != All && !Names.Contains(name));
        if (unknown is not null || asked.Length == 0)
        {
            throw new EngineException($"{unknown ?? "nothing"} is not a method; the methods are {string.Join(", ", Names)}, and {All} for all of them");
        }

        return asked.Contains(All) ? Names : [.. Names.Where(asked.Contains)];
    }

    /// <summary>Makes a method.</summary>
    public static IExplanationMethod Create(string name, MethodIngredients ingredients) =>
        _methods.Single(method => method.Name == name).Make(ingredients);

    private static IExplanationMethod InversionOf(MethodIngredients from) =>
        from.Inversion ?? throw new InvalidOperationException("there is no inversion network");
}
