using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// The bins of an excerpt from the most important to the least. Of equally important bins, those in the earlier frame and the lower band come first.
/// </summary>
internal sealed class ImportanceOrder
{
    // The importance is in the upper 32 bits of a key; its digits have 11 bits or fewer.
    private const int DigitBits = 11, Digits = 3, FirstShift = 32;

    private readonly int[] _counts = new int[Digits << DigitBits];
    private ulong[] _keys = new ulong[ExcerptLength];
    private ulong[] _spare = new ulong[ExcerptLength];

    /// <summary>Puts an excerpt's bins in order: a radix sort, which keeps equal ones as they were.</summary>
    /// <param name="importance">115×80 numbers, none of them NaN.</param>
    public void Sort(ReadOnlySpan<float> importance)
    {
        _counts.AsSpan().Clear();
        for (int i = 0; i < ExcerptLength; i++)
        {
            // Read as integers, positive floats keep their order and negative floats have the opposite order. Adding zero makes −0 equal to 0.
            uint bits = BitConverter.SingleToUInt32Bits(importance[i] + 0f);
            uint descending = ~((bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000);
            _keys[i] = ((ulong)descending << FirstShift) | (uint)i;
            for (int digit = 0; digit < Digits; digit++) _counts[Place(_keys[i], digit)]++;
        }

        for (int digit = 0; digit < Digits; digit++)
        {
            Span<int> places = _counts.AsSpan(digit << DigitBits, 1 << DigitBits);
            for (int i = 0, next = 0; i < places.Length; i++) (places[i], next) = (next, next + places[i]);
            foreach (ulong key in _keys) _spare[_counts[Place(key, digit)]++] = key;
            (_keys, _spare) = (_spare, _keys);
        }
    }

    /// <summary>How many bins are as important as the first.</summary>
    public int CountOfMostImportant => _keys.TakeWhile(key => key >> FirstShift == _keys[0] >> FirstShift).Count();

    /// <summary>Overwrites a mask of 115×80 with 1 for the first <paramref name="count"/> bins and 0 for the others.</summary>
    public void Mask(int count, Span<float> mask)
    {
        mask.Clear();
        foreach (ulong key in _keys.AsSpan(0, count)) mask[(int)(uint)key] = 1;
    }

    /// <summary>
    /// Overwrites 115×80 levels: the level of a bin is the first of the masks that keeps it, where mask k is that of the first <paramref name="counts"/>[k]
    /// bins.
    /// </summary>
    /// <param name="counts">In ascending order, the last of them all bins.</param>
    /// <param name="levels">The result.</param>
    public void Levels(ReadOnlySpan<int> counts, Span<byte> levels)
    {
        int rank = 0;
        for (int level = 0; level < counts.Length; level++)
        {
            for (; rank < counts[level]; rank++) levels[(int)(uint)_keys[rank]] = (byte)level;
        }
    }

    private static int Place(ulong key, int digit) =>
        (digit << DigitBits) | ((int)(key >> (FirstShift + digit * DigitBits)) & ((1 << DigitBits) - 1));
}
