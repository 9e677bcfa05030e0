using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>The arrays of <c>explanation.npz</c>. Their names are a file format, and other programs read it.</summary>
public static class ExplanationArrays
{
    /// <summary>The normalised log-mel excerpt, 115×80.</summary>
    public const string Input = "input";

    /// <summary>The inversion, by the network or by optimisation, 115×80.</summary>
    public const string Inverted = "inverted";

    /// <summary>The importance by another method, 115×80.</summary>
    public const string Importance = "importance";

    /// <summary>The mask, 115×80 zeros and ones.</summary>
    public const string Mask = "mask";

    /// <summary>The explanation, mask ⊙ input, 115×80.</summary>
    public const string Explanation = "explanation";

    /// <summary>The detector's features, 64.</summary>
    public const string Features = "features";

    /// <summary>P(singing) of the excerpt, a number.</summary>
    public const string Probability = "probability";

    /// <summary>P(singing) of the explanation alone, a number.</summary>
    public const string ProbabilityMasked = "probability_masked";

    /// <summary>Excerpts with at least this probability count as singing; a number.</summary>
    public const string ClassThreshold = "class_threshold";

    /// <summary>Where the excerpt starts in the song, in seconds.</summary>
    public const string StartSeconds = "start_seconds";

    /// <summary>The smallest objective until each step of the optimisation.</summary>
    public const string Objective = "objective";

    /// <summary>The suffix of an array of the mask network whose name the inversion's array has.</summary>
    public const string ByImportance = "_by_importance";

    /// <summary>The arrays of one explanation, or of the explanations of one excerpt by the inversion and by the mask network, in this order.</summary>
    /// <param name="explanations">Each with its method.</param>
    /// <param name="classThreshold">An excerpt with a probability of at least this counts as singing.</param>
    /// <param name="startSeconds">Where the excerpt starts in the song.</param>
    /// <param name="objective">The course of the optimisation, if it was one.</param>
    public static IReadOnlyList<(string Name, NpyArray Array)> Of(
        IReadOnlyList<(string Method, Explanation Explanation)> explanations, double classThreshold, double startSeconds, float[] objective)
    {
        (string method, Explanation first) = explanations[0];
        return
        [
            (Input, Excerpt(first.Input)), (ExplanationMethods.Inversions.Contains(method) ? Inverted : Importance, Excerpt(first.Importance)),
            (Mask, Excerpt(first.Mask)), (Explanation, Excerpt(first.MaskedInput)), (Features, new NpyArray([SvdNet.FeatureCount], first.Features)),
            (Probability, Number(first.Probability)), (ProbabilityMasked, Number(first.ProbabilityMasked)),
            (ClassThreshold, new NpyArray([], [classThreshold])), (StartSeconds, new NpyArray([], [startSeconds])),
            .. objective.Length > 0 ? [(Objective, new NpyArray([objective.Length], objective))] : ((string, NpyArray)[])[],
            .. explanations.Skip(1).SelectMany(second => ((string, NpyArray)[])
            [
                (Importance, Excerpt(second.Explanation.Importance)), (Mask + ByImportance, Excerpt(second.Explanation.Mask)),
                (Explanation + ByImportance, Excerpt(second.Explanation.MaskedInput)),
                (ProbabilityMasked + ByImportance, Number(second.Explanation.ProbabilityMasked)),
            ]),
        ];
    }

    /// <summary>The arrays of explanations of one excerpt by the inversions of several layers: the names end in the layer's.</summary>
    /// <inheritdoc cref="Of"/>
    public static IReadOnlyList<(string Name, NpyArray Array)> OfLayers(
        IReadOnlyList<(string Layer, Explanation Explanation)> explanations, double classThreshold, double startSeconds)
    {
        Explanation first = explanations[0].Explanation;
        return
        [
            (Input, Excerpt(first.Input)), (Features, new NpyArray([SvdNet.FeatureCount], first.Features)), (Probability, Number(first.Probability)),
            (ClassThreshold, new NpyArray([], [classThreshold])), (StartSeconds, new NpyArray([], [startSeconds])),
            .. explanations.SelectMany(one => ((string, NpyArray)[])
            [
                ($"{Inverted}_{one.Layer}", Excerpt(one.Explanation.Importance)), ($"{Mask}_{one.Layer}", Excerpt(one.Explanation.Mask)),
                ($"{Explanation}_{one.Layer}", Excerpt(one.Explanation.MaskedInput)),
                ($"{ProbabilityMasked}_{one.Layer}", Number(one.Explanation.ProbabilityMasked)),
            ]),
        ];
    }

    private static NpyArray Excerpt(float[] values) => new([ExcerptFrames, Bands], values);

    private static NpyArray Number(float value) => new([], [value]);
}
