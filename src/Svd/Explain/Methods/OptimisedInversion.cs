using Engine.Nn;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// The inversion without a network (the paper's Eq. 1; Mahendran and Vedaldi, CVPR 2015): the excerpt x* whose features are nearest to those of the excerpt,
/// by <see cref="PreimageSearch"/> with the loss ‖Φ(x*) − Φ(x)‖² / ‖Φ(x)‖² from noise.
/// </summary>
internal sealed class OptimisedInversion(ExcerptDetector detector, ulong seed, PreimageSettings? settings = null) : IExplanationMethod
{
    private readonly PreimageSettings _settings = settings ?? new PreimageSettings();

    public string Name => ExplanationMethods.Optimise;

    public int Passes => 3 * _settings.Steps;

    /// <summary>The course of the objective in the last explanation, N×steps.</summary>
    public float[] Objective { get; private set; } = [];

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        float[] features;
        using (DetectorAnswer answer = detector.Ask(batch.Excerpts)) features = answer.FeatureValues;
        float[] starts = new float[batch.Excerpts.Length];
        for (int n = 0; n < batch.Count; n++)
        {
            RandomSource random = RandomStream.Of(seed, Name, batch.First + n);
            foreach (ref float value in starts.AsSpan(n * ExcerptLength, ExcerptLength))
            {
                value = (float)(PreimageSettings.StartDeviation * random.NextGaussian());
            }
        }

        using PreimageSearch search = new(detector.Backend, _settings);
        Preimages found = search.Search(
            starts, (first, count) => new FeatureLoss(detector, features.AsSpan(first * SvdNet.FeatureCount, count * SvdNet.FeatureCount)));
        found.Excerpts.CopyTo(importance);
        Objective = found.Objective;
    }

    private sealed class FeatureLoss : IPreimageLoss
    {
        private readonly ExcerptDetector _detector;
        private readonly Tensor _wanted;
        private readonly Tensor _inverseNorms;

        public FeatureLoss(ExcerptDetector detector, ReadOnlySpan<float> features)
        {
            const float smallest = 1e-6f;
            int count = features.Length / SvdNet.FeatureCount;
            float[] inverseNorms = new float[count];
            for (int n = 0; n < count; n++)
            {
                inverseNorms[n] = 1 / Math.Max(TensorPrimitives.Norm(features.Slice(n * SvdNet.FeatureCount, SvdNet.FeatureCount)), smallest);
            }

            _detector = detector;
            _wanted = Tensor.From(detector.Backend, new Shape(count, SvdNet.FeatureCount), features);
            _inverseNorms = Tensor.From(detector.Backend, new Shape(count, 1), inverseNorms);
        }

        public Tensor Of(Tensor excerpts)
        {
            Tensor error = _detector.Network.Features(excerpts).Subtract(_wanted).Multiply(_inverseNorms);
            return error.Multiply(error).Sum(1);
        }

        public void Dispose()
        {
            _wanted.Dispose();
            _inverseNorms.Dispose();
        }
    }
}
