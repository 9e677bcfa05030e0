using Engine.Svd.Audio;
using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using Engine.Svd.Tests.Audio;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>What a mask keeps of a sound.</summary>
public sealed class ExcerptSoundTests : IDisposable
{
    // Two float32 transforms of samples up to 1.
    private const double SoundTolerance = 1e-6;

    // Sums of float64 weights.
    private const double GainTolerance = 1e-12;

    private const int SongFrames = 300;
    private const int LastStart = SongFrames - ExcerptFrames;
    private const double LowHz = 440;
    private const double HighHz = 3000;

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    // At the song's ends silence takes the place of what is not there; the last excerpt may end a few samples before the song does.
    [Fact]
    public void AMaskOfOnesGivesTheInput()
    {
        Random random = new(1);
        float[] song = [.. Enumerable.Range(0, (SongFrames - 1) * Hop + FrameLength + 7).Select(_ => 2 * random.NextSingle() - 1)];
        float[] ones = [.. Enumerable.Repeat(1f, ExcerptLength)];
        foreach (int start in (int[])[0, 2, 77, LastStart])
        {
            ExcerptSound sound = Read(song, start);
            float[] original = sound.Original, masked = sound.Masked(ones);
            Assert.Equal(song.AsSpan(start * Hop, ExcerptSamples), original.AsSpan(ExcerptSound.FadeSamples, ExcerptSamples));
            Golden.AssertAbsolute(Array.ConvertAll(original, sample => (double)sample), masked, SoundTolerance, $"from frame {start}");
        }
    }

    [Fact]
    public void TheSoundIsFadedOutsideTheExcerpt()
    {
        float[] song = [.. Enumerable.Repeat(0.5f, (SongFrames - 1) * Hop + FrameLength)], sound = Read(song, 50).Original;
        Assert.Equal(ExcerptSound.FadeSamples + ExcerptSamples + ExcerptSound.FadeSamples, sound.Length);
        Assert.InRange(sound[0], 0, 1e-5);
        Assert.Equal(sound, sound.Reverse());
        float[] fade = sound[..ExcerptSound.FadeSamples];
        Assert.Equal(fade.Order(), fade);
        Assert.All(sound[ExcerptSound.FadeSamples..^ExcerptSound.FadeSamples], sample => Assert.Equal(0.5f, sample));
    }

    // Of two tones one lies in masked bands: all above 1 kHz, or those within two bands of it, or those within two of the lower tone.
    [Theory]
    [InlineData(HighHz, 1000, 8000)]
    [InlineData(HighHz, 2700, 3300)]
    [InlineData(LowHz, 350, 530)]
    public void AMaskedToneIsGoneAndTheOtherStays(double maskedHz, double fromHz, double toHz)
    {
        const double amplitude = 0.4, decibels = 40, unchanged = 0.01;
        float[] song = new float[(SongFrames - 1) * Hop + FrameLength];
        for (int i = 0; i < song.Length; i++) song[i] = (float)(Tone(LowHz, i) + Tone(HighHz, i));
        float[] mask = [.. Enumerable.Range(0, ExcerptLength).Select(i => Corner(i % Bands) >= fromHz && Corner(i % Bands) <= toHz ? 0f : 1f)];
        ExcerptSound sound = Read(song, 77);
        float[] original = sound.Original, masked = sound.Masked(mask);
        foreach (double hz in (double[])[LowHz, HighHz])
        {
            double change = 20 * Math.Log10(AmplitudeAt(masked, hz) / AmplitudeAt(original, hz));
            Assert.Equal(amplitude, AmplitudeAt(original, hz), 1e-3);
            if (hz == maskedHz) Assert.True(change <= -decibels, $"{hz} Hz is masked and {change:F1} dB");
            else Assert.True(Math.Abs(change) <= unchanged, $"{hz} Hz is not masked and {change:F3} dB");
        }

        static double Tone(double hz, int sample) => amplitude * Math.Sin(2 * Math.PI * hz * sample / SampleRate);

        static double Corner(int band) => MelFilterbank.CornersHz[band + 1];
    }

    // In the excerpt's second half nothing is kept: the tone stops there, within a window's length of the frame in the middle.
    [Fact]
    public void TheMaskFollowsTime()
    {
        float[] song = [.. Enumerable.Range(0, (SongFrames - 1) * Hop + FrameLength).Select(i => MathF.Sin(0.1f * i))];
        float[] mask = [.. Enumerable.Range(0, ExcerptLength).Select(i => i / Bands < ContextFrames ? 1f : 0f)];
        ExcerptSound sound = Read(song, 20);
        float[] original = sound.Original, masked = sound.Masked(mask);
        const int firstMasked = ExcerptSound.FadeSamples + ContextFrames * Hop, lastKeptEnds = firstMasked - Hop + FrameLength;
        Golden.AssertAbsolute(
            Array.ConvertAll(original[..firstMasked], sample => (double)sample), masked.AsSpan(0, firstMasked), SoundTolerance, "first half");
        Assert.All(masked[lastKeptEnds..], sample => Assert.Equal(0, sample, SoundTolerance));
    }

    [Fact]
    public void GainsAreWeightedMeansOfTheBandsMasks()
    {
        double[] gains = new double[SpectrumBins], filters = MelFilterbank.Weights();
        BinMask.Spread([.. Enumerable.Repeat(1f, Bands)], gains);
        Assert.All(gains, gain => Assert.Equal(1, gain, GainTolerance));

        // The frequency between bands 39 and 40.
        const int band = 40;
        int bin = Enumerable.Range(0, Bins).First(k => filters[k * Bands + band] > 0 && filters[k * Bands + band - 1] > 0);
        double below = filters[bin * Bands + band - 1], at = filters[bin * Bands + band];
        BinMask.Spread([.. Enumerable.Range(0, Bands).Select(b => b == band ? 1f : 0f)], gains);
        Assert.Equal(at / (below + at), gains[bin], GainTolerance);
        Assert.All(gains, gain => Assert.InRange(gain, 0, 1 + GainTolerance));
        for (int k = 0; k < Bins; k++) Assert.Equal(filters[k * Bands + band] > 0, gains[k] > 0);
    }

    [Fact]
    public void WhatTheDetectorDoesNotHearHasTheGainOfTheNearestBand()
    {
        double[] gains = new double[SpectrumBins];
        BinMask.Spread([1, .. new float[Bands - 1]], gains);
        Assert.Equal(1, gains[0], GainTolerance);
        Assert.Equal(0, gains[^1]);
        BinMask.Spread([.. new float[Bands - 1], 1], gains);
        Assert.Equal(0, gains[0]);
        Assert.All(gains[Bins..], gain => Assert.Equal(1, gain, GainTolerance));
    }

    [Fact]
    public void FilesAreWav()
    {
        float[] samples = [0, 0.5f, -1, 1.5f];
        byte[] file = WavFile.Encode(samples);
        Assert.Equal(samples, Samples.Of(_temp.Put("encoded.wav", file)));

        // Plain WAV of floats has the same format and samples; an IEEE float file also says how many.
        Assert.Equal(
            Wav.File(
                Wav.Chunk("fmt ", [.. Wav.Format(3, 32)[8..], 0, 0]), Wav.Chunk("fact", [4, 0, 0, 0]), Wav.Chunk("data", Wav.Floats(samples))), file);
    }

    // A bin of the discrete Fourier transform by its definition, under a Hann window, as the amplitude of a tone.
    private static double AmplitudeAt(float[] sound, double hz)
    {
        double re = 0, im = 0, sum = 0;
        for (int i = 0; i < sound.Length; i++)
        {
            double window = 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / (sound.Length - 1));
            (double sin, double cos) = Math.SinCos(2 * Math.PI * hz * i / SampleRate);
            re += window * sound[i] * cos;
            im += window * sound[i] * sin;
            sum += window;
        }

        return 2 * Math.Sqrt(re * re + im * im) / sum;
    }

    private ExcerptSound Read(float[] song, int startFrame)
    {
        using AudioStream audio = AudioStream.Open(_temp.Put("song.wav", Wav.File(3, 32, Wav.Floats(song))));
        return ExcerptSound.Read(audio, startFrame);
    }
}
