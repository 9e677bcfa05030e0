using Engine.Svd.Audio.Formats;

namespace Engine.Svd.Audio;

/// <summary>
/// Makes one channel of several: their mix, or one of them. Two channels are mixed as ffmpeg mixes floats, (left + right) / √2, 3 dB above their average, so
/// samples beyond ±1 are ordinary.
/// </summary>
internal sealed class ChannelMixer
{
    private const double CancellingPower = 0.01; // Of the mix to that of the channels.

    private readonly int channels;
    private readonly float[] weights;
    private readonly bool isStereoMix;
    private double channelPower;
    private double mixPower;

    /// <summary>Decides what is heard.</summary>
    public ChannelMixer(Downmix downmix, Channel channel)
    {
        channels = downmix.Channels;
        isStereoMix = downmix.IsStereo && channel == Channel.Mix;
        weights = downmix.Weights;
        if (channel == Channel.Mix || channels == 1) return;
        weights = new float[channels];
        weights[channel == Channel.Left ? 0 : 1] = 1;
    }

    /// <summary>What to do where left and right cancelled; null where they did not.</summary>
    public string? Hint => isStereoMix && channelPower > 0 && mixPower < CancellingPower * channelPower
        ? "its left and right channels cancel when they are mixed; try the left one with --channel left"
        : null;

    /// <summary>The same where something was left of the sound; null where it was not or nothing cancelled.</summary>
    public string? Warning => mixPower > 0 ? Hint : null;

    /// <summary>Mixes interleaved samples.</summary>
    public void Mix(ReadOnlySpan<float> interleaved, Span<float> mono)
    {
        if (isStereoMix) MixStereo(interleaved, mono);
        else if (channels == 1) interleaved.CopyTo(mono);
        else
        {
            for (int i = 0; i < mono.Length; i++)
            {
                float sum = 0;
                for (int c = 0; c < channels; c++) sum += weights[c] * interleaved[i * channels + c];
                mono[i] = sum;
            }
        }
    }

    private void MixStereo(ReadOnlySpan<float> interleaved, Span<float> mono)
    {
        float half = MathF.Sqrt(0.5f);
        for (int i = 0; i < mono.Length; i++)
        {
            (float left, float right) = (interleaved[2 * i], interleaved[2 * i + 1]);
            float mix = half * (left + right);
            mono[i] = mix;
            channelPower += (double)left * left + (double)right * right;
            mixPower += (double)mix * mix;
        }
    }
}
