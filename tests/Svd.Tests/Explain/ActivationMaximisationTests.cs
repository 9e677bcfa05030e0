using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

public class ActivationMaximisationTests
{
    private static readonly string Weights = Path.Combine(ReferenceData.Repository, "weights");

    [Theory]
    [InlineData("conv1", "5", "5:3:70")]
    [InlineData("mp3", "31", "0:36:24")]
    [InlineData("fc8", "3", "40")]
    [InlineData("fc9", "0", "0")]
    public void FindsMoreThanTheSongHas(string layer, string first, string second)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, Path.Combine(Weights, "svdnet.npz"));
        using ExcerptDetector detector = new(backend, network);
        float[] song = [.. ExplanationMethodTests.Numbers(1, 5 * ExcerptLength).Select(value => 0.2f * value)]; // Noise excites filters as no music does.
        Neuron[] neurons = [Neuron.Parse(first)!.Value, Neuron.Parse(second)!.Value];
        ActivationMaximisation maximisation = new(detector, layer, ActivationMaximisation.Usual with { Steps = 50 });
        IReadOnlyList<MaximisedNeuron> found = maximisation.Maximise(neurons, song, 1);
        Assert.Equal(neurons, found.Select(one => one.Neuron));
        foreach (MaximisedNeuron one in found)
        {
            Assert.True(one.Activation > one.ActivationInSong, $"{layer} {one.Neuron}: {one.Activation} found, {one.ActivationInSong} in the song");

            // Worked out from the layer's output itself: the place, or the mean over the map.
            Assert.Equal(one.Activation, ByHand(one.Excerpt), 1e-4 * Math.Abs(one.Activation));
            float[] inSong = [.. song.Chunk(ExcerptLength).Select(excerpt => (float)ByHand(excerpt))];
            Assert.Equal(inSong.Max(), one.ActivationInSong, 1e-4f);
            Assert.Equal(inSong.Max(), inSong[one.InSong]);

            double ByHand(float[] excerpt)
            {
                using Tensor x = Tensor.From(backend, new Shape(1, 1, ExcerptFrames, Bands), excerpt);
                if (layer == "fc9")
                {
                    using Tensor logit = network.Logits(x);
                    return logit.ToArray()[0];
                }

                double activation = double.NaN;
                using Tensor features = network.Features(x, (name, output) =>
                {
                    if (name != layer) return;
                    float[] values = output.ToArray();
                    int map = values.Length / output.Shape[1];
                    activation = one.Neuron.Place is var (row, column)
                        ? values[one.Neuron.Channel * map + row * output.Shape[3] + column] : values.Skip(one.Neuron.Channel * map).Take(map).Average();
                });
                return activation;
            }
        }
    }

    [Theory]
    [InlineData("3", 3, null, null)]
    [InlineData("3:10:20", 3, 10, 20)]
    [InlineData("3:10", null, null, null)]
    [InlineData("-3", null, null, null)]
    [InlineData("", null, null, null)]
    [InlineData("1:2:3:4", null, null, null)]
    public void ANeuronIsAChannelOrAPlace(string text, int? channel, int? row, int? column)
    {
        Neuron? neuron = Neuron.Parse(text);
        Assert.Equal(channel, neuron?.Channel);
        Assert.Equal((row, column), (neuron?.Place?.Row, neuron?.Place?.Column));
        if (neuron is { } known) Assert.Equal(text, known.ToString());
    }

    /// <summary>A picture of music sounds so that its own picture is nearly the same.</summary>
    [Fact]
    public void APicturesSoundLooksLikeThePicture()
    {
        BandStatistics statistics = BandStatistics.Read(Path.Combine(Weights, "meanstd.npz"));
        using IBackend backend = Backends.CreateCpu(2);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        float[] picture = Picture([.. Enumerable.Range(0, ExcerptSamples).Select(Vibrato)]);
        float[] sound = PictureSound.Of(picture, statistics, new RandomSource(1));
        Assert.Equal(ExcerptSamples, sound.Length);
        Assert.Equal(0.5, sound.Max(Math.Abs), 1e-6);
        Assert.Equal(sound, PictureSound.Of(picture, statistics, new RandomSource(1)));

        // The loudness is not kept, so it is taken out of both. The loud half of the bins is what is heard.
        float[] again = Picture(sound);
        int[] loud = [.. Enumerable.Range(0, ExcerptLength).OrderByDescending(i => picture[i]).Take(ExcerptLength / 4)];
        double shift = loud.Average(i => again[i] - picture[i]), error = Math.Sqrt(loud.Average(i => Math.Pow(again[i] - picture[i] - shift, 2)));
        Assert.InRange(error, 0, 0.35);

        float[] Picture(float[] samples)
        {
            using Tensor logMel = extractor.Transform(samples);
            using Tensor normalized = normalizer.Normalize(logMel);
            return normalized.ToArray();
        }

        // A voice-like tone: ten partials of 220 Hz with vibrato, swelling once.
        static float Vibrato(int i)
        {
            double t = (double)i / SampleRate, phase = 2 * Math.PI * (220 * t - Math.Cos(2 * Math.PI * 5 * t) * 0.8);
            return (float)(Enumerable.Range(1, 10).Sum(k => Math.Sin(k * phase) / k) * 0.2 * Math.Sin(Math.PI * t / 1.7));
        }
    }
}
