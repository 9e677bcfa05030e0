namespace Engine.Svd.Explain;

/// <summary>What a detector sees of a masked excerpt.</summary>
/// <param name="Shown">Which bins.</param>
/// <param name="Fill">What replaces the others.</param>
public readonly record struct MaskingCase(MaskSide Shown, MaskFill Fill)
{
    /// <summary>The paper's case 1: mask ⊙ x, so masked bins are zero in the normalised input.</summary>
    public static MaskingCase M1 { get; } = new(MaskSide.Kept, MaskFill.Zero);

    /// <summary>The paper's case 2: masked bins are zero before normalisation.</summary>
    public static MaskingCase M2Paper { get; } = new(MaskSide.Kept, MaskFill.M2);

    /// <summary>The case that the published code and numbers call M2: M1 with the mask inverted, so that it shows what the explanation drops.</summary>
    public static MaskingCase M2Published { get; } = new(MaskSide.Removed, MaskFill.Zero);

    /// <summary>The three cases of the paper's evaluation and their names in files and figures.</summary>
    public static IReadOnlyList<(string Name, MaskingCase Case)> Evaluated { get; } =
        [("M1", M1), ("M2_paper", M2Paper), ("M2_published", M2Published)];

    /// <summary>The share of the bins that the detector sees under a mask that keeps this share.</summary>
    public float AreaShown(float relativeArea) => Shown == MaskSide.Kept ? relativeArea : 1 - relativeArea;
}

/// <summary>One side of a mask.</summary>
public enum MaskSide
{
    /// <summary>The bins that the mask keeps.</summary>
    Kept,

    /// <summary>The bins that the mask removes.</summary>
    Removed,
}
