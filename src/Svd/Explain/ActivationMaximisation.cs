using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain;

/// <summary>What activates a neuron.</summary>
/// <param name="Neuron">The neuron.</param>
/// <param name="Excerpt">The excerpt that the search found, 115×80, normalised.</param>
/// <param name="Activation">The neuron's activation by it.</param>
/// <param name="InSong">The song's excerpt that activates the neuron most: its number.</param>
/// <param name="ActivationInSong">The activation by that.</param>
public sealed record MaximisedNeuron(Neuron Neuron, float[] Excerpt, float Activation, int InSong, float ActivationInSong);

/// <summary>
/// Activation maximisation (Erhan et al., 2009; Olah et al., 2017): looks for excerpts that activate neurons of a layer as much as possible, from noise, by
/// <see cref="PreimageSearch"/> with the loss −activation / scale. The scale is the neuron's largest activation, by amount, in the excerpts of a song, so that
/// the regularisers weigh the same for all neurons.
/// </summary>
/// <param name="detector">The detector.</param>
/// <param name="layer">One of <see cref="Layers"/>.</param>
/// <param name="settings">The search's numbers.</param>
public sealed class ActivationMaximisation(ExcerptDetector detector, string layer, PreimageSettings? settings = null)
{
    private const string Output = "fc9";
    private const int BatchSize = 32;

    /// <summary>The usual search. It wants smoother excerpts than an inversion, which has many features to meet.</summary>
    public static PreimageSettings Usual { get; } = new(VariationWeight: 2e-5);

    /// <summary>The layers, from the input to the output. Their activations are those after the rectifier; of fc9 it is the logit.</summary>
    public static IReadOnlyList<string> Layers { get; } = ["conv1", "conv2", "mp3", "conv4", "conv5", "mp6", "fc7", "fc8", Output];

    private IBackend Backend => detector.Backend;

    /// <summary>The shape of the layer's output for one excerpt: 1×C or 1×C×H×W.</summary>
    public Shape OutputShape()
    {
        Shape shape = default;
        Observe(new float[ExcerptLength], outputs => shape = outputs.Shape);
        return shape;
    }

    /// <summary>Looks for excerpts that activate neurons, and for those of a song that do.</summary>
    /// <param name="neurons">Neurons of the layer.</param>
    /// <param name="song">At least one excerpt of a song, N×115×80, normalised.</param>
    /// <param name="seed">Seeds the noise that the search starts from.</param>
    /// <param name="progress">Gets how many steps of the search are done, and how many there are.</param>
    /// <exception cref="EngineException">An activation is not finite.</exception>
    public IReadOnlyList<MaximisedNeuron> Maximise(IReadOnlyList<Neuron> neurons, float[] song, ulong seed, Action<int, int>? progress = null)
    {
        Shape shape = OutputShape();
        float[][] weights = [.. neurons.Select(neuron => neuron.WeightsIn(shape))];
        float[][] inSong = ActivationsOf(song, weights);
        int[] best = [.. inSong.Select(activations => TensorPrimitives.IndexOfMax(activations))];
        float[] scales = [.. inSong.Select(activations => Math.Max(Math.Abs(TensorPrimitives.MaxMagnitude(activations)), 1e-6f))];
        float[] starts = new float[neurons.Count * ExcerptLength];
        for (int n = 0; n < neurons.Count; n++)
        {
            RandomSource random = RandomStream.Of(seed, $"{layer} {neurons[n]}", 0);
            foreach (ref float value in starts.AsSpan(n * ExcerptLength, ExcerptLength))
            {
                value = (float)(PreimageSettings.StartDeviation * random.NextGaussian());
            }
        }

        using PreimageSearch search = new(Backend, settings ?? Usual);
        Preimages found = search.Search(
            starts, (first, count) => new NegativeActivation(this, weights.AsSpan(first, count), scales.AsSpan(first, count)), progress);
        float[][] excerpts = [.. found.Excerpts.Chunk(ExcerptLength)];
        return
        [
            .. neurons.Select((neuron, n) => new MaximisedNeuron(
                neuron, excerpts[n], ActivationsOf(excerpts[n], [weights[n]])[0][0], best[n], inSong[n][best[n]])),
        ];
    }

    // The layer's output for excerpts, on a tape if they are on one.
    private Tensor OutputOf(Tensor excerpts)
    {
        if (layer == Output) return detector.Network.Logits(excerpts);
        Tensor? output = null;
        detector.Network.Features(excerpts, (name, values) =>
        {
            if (name == layer) output = values;
        });
        return output!;
    }

    // For each neuron, by the weights of the layer's outputs, its activation by each excerpt.
    private float[][] ActivationsOf(float[] excerpts, float[][] weights)
    {
        int count = excerpts.Length / ExcerptLength, done = 0;
        float[][] activations = [.. weights.Select(_ => new float[count])];
        for (int first = 0; first < count; first += BatchSize)
        {
            Range few = (first * ExcerptLength)..(Math.Min(count, first + BatchSize) * ExcerptLength);
            Observe(excerpts[few], outputs =>
            {
                float[] values = outputs.ToArray();
                int length = values.Length / outputs.Shape[0];
                for (int n = 0; n < outputs.Shape[0]; n++, done++)
                {
                    for (int i = 0; i < weights.Length; i++)
                        activations[i][done] = TensorPrimitives.Dot(weights[i], values.AsSpan(n * length, length));
                }
            });
        }

        foreach (float[] one in activations) NetworkOutput.RequireFinite(one, $"SVDNet's layer {layer}");
        return activations;
    }

    // Shows the layer's outputs for a few excerpts at a time.
    private void Observe(float[] excerpts, Action<Tensor> observe)
    {
        using Tensor input = Tensor.From(Backend, new Shape(excerpts.Length / ExcerptLength, 1, ExcerptFrames, Bands), excerpts);
        if (layer == Output)
        {
            using Tensor logits = detector.Network.Logits(input);
            observe(logits);
            return;
        }

        using Tensor features = detector.Network.Features(input, (name, values) =>
        {
            if (name == layer) observe(values);
        });
    }

    private sealed class NegativeActivation : IPreimageLoss
    {
        private readonly ActivationMaximisation _maximisation;
        private readonly Tensor _weights;
        private readonly Tensor _minusOne;

        public NegativeActivation(ActivationMaximisation maximisation, ReadOnlySpan<float[]> weights, ReadOnlySpan<float> scales)
        {
            int length = weights[0].Length;
            float[] scaled = new float[weights.Length * length];
            for (int n = 0; n < weights.Length; n++) TensorPrimitives.Divide(weights[n], scales[n], scaled.AsSpan(n * length, length));
            _maximisation = maximisation;
            _weights = Tensor.From(maximisation.Backend, new Shape(weights.Length, length), scaled);
            _minusOne = Tensor.From(maximisation.Backend, new Shape(1, 1), [-1]);
        }

        public Tensor Of(Tensor excerpts)
        {
            // Below zero the leaky rectifier hardly lets a gradient through, and the regularisers would keep a silent neuron silent. The inverse of the
            // rectifier makes up for it.
            Tensor activation = _maximisation.OutputOf(excerpts).Reshape(_weights.Shape).Multiply(_weights).Sum(1);
            return activation.Activate(Activation.LeakyRelu(1 / SvdNet.Slope)).Multiply(_minusOne);
        }

        public void Dispose()
        {
            _weights.Dispose();
            _minusOne.Dispose();
        }
    }
}
