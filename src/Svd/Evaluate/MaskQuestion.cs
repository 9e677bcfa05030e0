using Engine.Svd.Explain;

namespace Engine.Svd.Evaluate;

/// <summary>Which detector judges a mask, and what replaces the bins that it does not see.</summary>
/// <param name="Judge">0 for the detector that is explained, 1 for a second one.</param>
/// <param name="Fill">The replacement.</param>
public readonly record struct MaskQuestion(int Judge, MaskFill Fill)
{
    /// <summary>The judge's name in files.</summary>
    public string JudgeName => Judge == 0 ? "itself" : "another";

    /// <summary>The question as tables show it.</summary>
    public override string ToString() => $"judged by {(Judge == 0 ? "the detector itself" : "another detector")}, filled with {Fill.Name()}";
}
