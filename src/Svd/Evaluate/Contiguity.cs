using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// How much a mask hangs together: its connected components, where a bin has four neighbours, in the next frame, the one before, the band above and below.
/// </summary>
/// <param name="Components">How many.</param>
/// <param name="LargestShare">The kept bins in the largest / all kept bins; 0 of an empty mask.</param>
internal readonly record struct Contiguity(int Components, double LargestShare)
{
    /// <summary>Of a mask of 115×80 zeros and ones.</summary>
    public static Contiguity Of(ReadOnlySpan<float> mask)
    {
        bool[] seen = new bool[ExcerptLength];
        int[] stack = new int[ExcerptLength];
        int components = 0, largest = 0, kept = 0, held = 0;
        for (int start = 0; start < ExcerptLength; start++)
        {
            int size = 0;
            Visit(start, mask);
            for (; held > 0; size++)
            {
                int bin = stack[--held];
                if (bin >= Bands) Visit(bin - Bands, mask);
                if (bin < ExcerptLength - Bands) Visit(bin + Bands, mask);
                if (bin % Bands > 0) Visit(bin - 1, mask);
                if (bin % Bands < Bands - 1) Visit(bin + 1, mask);
            }

            components += size > 0 ? 1 : 0;
            largest = Math.Max(largest, size);
            kept += size;
        }

        return new Contiguity(components, kept > 0 ? (double)largest / kept : 0);

        void Visit(int bin, ReadOnlySpan<float> bins)
        {
            if (seen[bin] || bins[bin] == 0) return;
            seen[bin] = true;
            stack[held++] = bin;
        }
    }
}
