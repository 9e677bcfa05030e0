namespace Engine.Svd.Data;

/// <summary>A stretch of a song with one label.</summary>
/// <param name="StartSeconds">Where it starts.</param>
/// <param name="EndSeconds">Where it ends.</param>
/// <param name="Singing">Whether somebody sings.</param>
public readonly record struct Segment(double StartSeconds, double EndSeconds, bool Singing)
{
    /// <summary>The word that label files use, <c>sing</c> or <c>nosing</c>.</summary>
    public static string Label(bool singing) => singing ? "sing" : "nosing";
}
