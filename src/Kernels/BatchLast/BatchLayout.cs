namespace Engine.Kernels;

/// <summary>The order in which a batch of maps lies in memory.</summary>
public enum BatchLayout
{
    /// <summary>N C H W: one sample after the other.</summary>
    First,

    /// <summary>
    /// C H W N: a pixel's samples lie side by side, so that vectors run along the batch and few channels waste nothing. If the batch is a multiple of 16, this
    /// holds for each block of 16 samples, and the blocks follow each other: threads can have blocks of their own, and what a tile reads lies close together.
    /// Any other batch is one block. See <see cref="BatchBlocks"/>.
    /// </summary>
    Last,

    /// <summary>
    /// N H W C: a pixel's channels lie side by side, so that vectors run along them. Convolutions, pooled or not, pass such maps and their gradients on to each
    /// other, and nothing has to be transposed in between. No other operation on maps takes them.
    /// </summary>
    ChannelsLast,
}

/// <summary>The blocks of a batch: samples that lie side by side in each pixel.</summary>
public static class BatchBlocks
{
    /// <summary>The samples of a block if the batch is last and a multiple of this: a vector of the widest, or whole vectors of a narrower one.</summary>
    public const int Samples = 16;

    /// <summary>The samples of a block: one unless the batch is last.</summary>
    public static int SamplesOf(BatchLayout layout, int samples) => layout != BatchLayout.Last ? 1 : samples % Samples == 0 ? Samples : samples;
}

/// <summary>
/// The samples of a block, and the floats from one block, channel and pixel to the next. Pixels are numbered row by row. The samples of a block lie side by
/// side.
/// </summary>
internal readonly record struct MapStrides(int Samples, int Block, int Channel, int Pixel)
{
    /// <summary>The strides of maps without gaps.</summary>
    public static MapStrides Of(BatchLayout layout, int samples, int channels, int pixels)
    {
        int together = BatchBlocks.SamplesOf(layout, samples), block = channels * pixels * together;
        return layout == BatchLayout.ChannelsLast ? new(1, block, 1, channels) : new(together, block, pixels * together, together);
    }

    /// <summary>Where an element lies.</summary>
    public int At(int n, int c, int pixel) => n / Samples * Block + n % Samples + c * Channel + pixel * Pixel;
}
