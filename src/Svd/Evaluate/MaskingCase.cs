namespace Engine.Svd.Evaluate;

/// <summary>What the detector is asked about: what a mask keeps of the input x, and what stands where it keeps nothing.</summary>
public enum MaskingCase
{
    /// <summary>The paper's case 1: mask ⊙ x, zero in the normalised input for the masked bins.</summary>
    M1,

    /// <summary>The paper's case 2: masked bins are a zero of the input before it was normalised, −mean/std of the band.</summary>
    M2Paper,

    /// <summary>What the published code and numbers call M2: M1 with the mask inverted, so that it keeps what the explanation drops.</summary>
    M2Published,
}

/// <summary>What goes for all cases.</summary>
public static class MaskingCases
{
    /// <summary>Every case, in the order of the enumeration.</summary>
    public static IReadOnlyList<MaskingCase> All { get; } = Enum.GetValues<MaskingCase>();

    /// <summary>Which part of the bins the detector sees, where a mask keeps a part of them.</summary>
    public static float AreaShown(this MaskingCase masking, float relativeArea) =>
        masking == MaskingCase.M2Published ? 1 - relativeArea : relativeArea;

    /// <summary>What files and figures call a case.</summary>
    public static string Name(this MaskingCase masking) => masking switch
    {
        MaskingCase.M1 => "M1",
        MaskingCase.M2Paper => "M2_paper",
        MaskingCase.M2Published => "M2_published",
        _ => throw new ArgumentOutOfRangeException(nameof(masking)),
    };
}
