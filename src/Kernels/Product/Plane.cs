namespace Engine.Kernels;

/// <summary>Copies of image planes that resolve padding and strides, so that the products behind them see only offsets.</summary>
internal static unsafe class Plane
{
    /// <summary>
    /// plane[i, j] = image[rowStart + i · rowStride, columnStart + j · columnStride], or 0 outside the image; plane is rows × columns.
    /// </summary>
    public static void Gather(
        float* image, int height, int width,
        int rowStart, int rowStride, int rows, int columnStart, int columnStride, int columns, float* plane)
    {
        // The columns that lie inside the image: from `first` to `end` − 1.
        int first = Math.Clamp(CeilingDivide(-columnStart, columnStride), 0, columns);
        int end = Math.Clamp(CeilingDivide(width - columnStart, columnStride), first, columns);
        for (int i = 0; i < rows; i++, plane += columns)
        {
            int h = rowStart + i * rowStride;
            Span<float> line = new(plane, columns);
            if (h < 0 || h >= height)
            {
                line.Clear();
                continue;
            }

            line[..first].Clear();
            line[end..].Clear();
            float* source = image + (long)h * width + columnStart;
            if (columnStride == 1) new ReadOnlySpan<float>(source + first, end - first).CopyTo(line[first..]);
            else for (int j = first; j < end; j++) line[j] = source[(long)j * columnStride];
        }
    }

    // Avoids a + b − 1, which would overflow with a large stride.
    private static int CeilingDivide(int a, int b) => a > 0 ? (a - 1) / b + 1 : -(-a / b);
}
