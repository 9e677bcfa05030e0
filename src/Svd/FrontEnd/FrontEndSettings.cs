using Engine.Svd.Audio;

namespace Engine.Svd.FrontEnd;

/// <summary>The numbers of SVDNet's front end (Schlüter and Grill, ISMIR 2015, and the code published with it).</summary>
public static class FrontEndSettings
{
    /// <summary>Samples per second; one channel.</summary>
    public const int SampleRate = AudioStream.SampleRate;

    /// <summary>Samples in a frame.</summary>
    public const int FrameLength = 1024;

    /// <summary>Samples from one frame's start to the next's.</summary>
    public const int Hop = SampleRate / FramesPerSecond;

    /// <summary>Frames per second.</summary>
    public const int FramesPerSecond = 70;

    /// <summary>Frequencies in a frame's spectrum, from 0 Hz to half the sample rate.</summary>
    public const int SpectrumBins = FrameLength / 2 + 1;

    /// <summary>Frequencies that the filterbank uses: those of the 513 below 8 kHz.</summary>
    public const int Bins = SpectrumBins * 2 * AudioStream.HighestHz / SampleRate;

    /// <summary>Mel bands.</summary>
    public const int Bands = 80;

    /// <summary>The lowest corner of the filterbank in Hz.</summary>
    public const double LowestHz = 27.5;

    /// <summary>The highest corner of the filterbank in Hz.</summary>
    public const double HighestHz = AudioStream.HighestHz;

    /// <summary>Magnitudes below this are raised to it before the logarithm.</summary>
    public const float MagnitudeFloor = 1e-7f;

    /// <summary>Frames in an excerpt: 1.64 s.</summary>
    public const int ExcerptFrames = 115;

    /// <summary>Numbers in an excerpt.</summary>
    public const int ExcerptLength = ExcerptFrames * Bands;

    /// <summary>Frames in an excerpt before the frame whose label it has.</summary>
    public const int ContextFrames = ExcerptFrames / 2;

    /// <summary>Samples that an excerpt needs.</summary>
    public const int ExcerptSamples = (ExcerptFrames - 1) * Hop + FrameLength;

    /// <summary>How many whole frames a number of samples holds.</summary>
    public static long FrameCount(long samples) => samples < FrameLength ? 0 : (samples - FrameLength) / Hop + 1;
}
