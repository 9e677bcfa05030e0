namespace Engine.Kernels;

/// <summary>The order in which a batch of maps lies in memory.</summary>
public enum BatchLayout
{
    /// <summary>N C H W: one sample after the other.</summary>
    First,

    /// <summary>C H W N: a pixel's samples lie side by side, so that vectors run along the batch and few channels waste nothing.</summary>
    Last,

    /// <summary>
    /// N H W C: a pixel's channels lie side by side, so that vectors run along them. Convolutions, pooled or not, pass such maps and their gradients on to each
    /// other, and nothing has to be transposed in between. No other operation on maps takes them.
    /// </summary>
    ChannelsLast,
}

/// <summary>The floats from one sample, channel and pixel to the next. Pixels are numbered row by row.</summary>
internal readonly record struct MapStrides(int Sample, int Channel, int Pixel)
{
    /// <summary>The strides of maps without gaps.</summary>
    public static MapStrides Of(BatchLayout layout, int samples, int channels, int pixels) => layout switch
    {
        BatchLayout.Last => new(1, pixels * samples, samples),
        BatchLayout.ChannelsLast => new(channels * pixels, 1, channels),
        _ => new(channels * pixels, pixels, 1),
    };

    /// <summary>Where an element lies.</summary>
    public int At(int n, int c, int pixel) => n * Sample + c * Channel + pixel * Pixel;
}
