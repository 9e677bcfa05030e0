using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// The connected components of a mask. A bin has four neighbours: in the previous and the next frame, and in the bands above and below.
/// </summary>
/// <param name="Components">The number of components.</param>
/// <param name="LargestShare">The kept bins in the largest component / all kept bins; 0 for an empty mask.</param>
internal readonly record struct Contiguity(int Components, double LargestShare)
{
    /// <summary>Finds the components of a mask of 115×80 zeros and ones.</summary>
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
