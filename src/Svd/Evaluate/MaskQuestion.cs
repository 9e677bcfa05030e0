using Engine.Svd.Explain;

namespace Engine.Svd.Evaluate;

/// <summary>Which detector judges a mask, and what replaces the bins that it is not shown.</summary>
/// <param name="Judge">0 for the detector that is explained, 1 for a second one.</param>
/// <param name="Fill">The replacement.</param>
public readonly record struct MaskQuestion(int Judge, MaskFill Fill)
{
    /// <summary>What files call the judge.</summary>
    public string JudgeName => Judge == 0 ? "itself" : "another";

    /// <summary>For tables.</summary>
    public override string ToString() => $"judged by {(Judge == 0 ? "the detector itself" : "another detector")}, filled with {Fill.Name()}";
}
