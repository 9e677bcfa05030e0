using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// The bins of an excerpt from the most important to the least. Of equally important bins, those in the earlier frame and the lower band come first.
/// </summary>
internal sealed class ImportanceOrder
{
    private readonly ulong[] _keys = new ulong[ExcerptLength];

    /// <summary>Puts an excerpt's bins in order.</summary>
    /// <param name="importance">115×80 numbers, none of them NaN.</param>
    public void Sort(ReadOnlySpan<float> importance)
    {
        for (int i = 0; i < ExcerptLength; i++)
        {
            // Read as integers, positive floats keep their order and negative floats have the opposite order. Adding zero makes −0 equal to 0.
            uint bits = BitConverter.SingleToUInt32Bits(importance[i] + 0f);
            uint ascending = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
            _keys[i] = ((ulong)~ascending << 32) | (uint)i;
        }

        MemoryExtensions.Sort(_keys.AsSpan());
    }

    /// <summary>How many bins are as important as the first.</summary>
    public int CountOfMostImportant => _keys.TakeWhile(key => key >> 32 == _keys[0] >> 32).Count();

    /// <summary>Overwrites a mask of 115×80 with 1 for the first <paramref name="count"/> bins and 0 for the others.</summary>
    public void Mask(int count, Span<float> mask)
    {
        mask.Clear();
        foreach (ulong key in _keys.AsSpan(0, count)) mask[(int)(uint)key] = 1;
    }
}
