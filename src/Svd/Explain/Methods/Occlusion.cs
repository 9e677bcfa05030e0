using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// Occlusion (Zeiler and Fergus, 2014). A patch is set to zero at each place of a grid of half its size, cut off at the ends. A bin's importance is how much
/// the logit then loses towards the prediction, averaged over the patches that cover the bin.
/// </summary>
internal sealed class Occlusion(IDetector detector, int patchFrames = 24, int patchBands = 16) : IExplanationMethod
{
    private readonly (int Start, int End)[] _frames = Positions(ExcerptFrames, patchFrames), _bands = Positions(Bands, patchBands);

    public string Name => "occlusion";

    public int Passes => _frames.Length * _bands.Length + 1;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        float[] variants = new float[Passes * ExcerptLength], logits = new float[Passes], losses = new float[ExcerptLength];
        int[] covers = new int[ExcerptLength];
        for (int n = 0; n < batch.Count; n++)
        {
            // The last variant is the excerpt itself.
            for (int i = 0; i < Passes; i++) batch[n].CopyTo(variants.AsSpan(i * ExcerptLength));
            for (int i = 0; i < Passes - 1; i++)
            {
                foreach (Range row in Rows(i)) variants.AsSpan(i * ExcerptLength, ExcerptLength)[row].Clear();
            }

            detector.Logits(variants, logits);
            Array.Clear(losses);
            Array.Clear(covers);
            for (int i = 0; i < Passes - 1; i++)
            {
                float loss = (logits[^1] - logits[i]) * batch.Towards(n);
                foreach (Range row in Rows(i))
                {
                    foreach (ref float sum in losses.AsSpan(row)) sum += loss;
                    foreach (ref int count in covers.AsSpan(row)) count++;
                }
            }

            for (int i = 0; i < ExcerptLength; i++) importance[n * ExcerptLength + i] = losses[i] / covers[i];
        }
    }

    // A patch's bins, frame by frame.
    private IEnumerable<Range> Rows(int patch)
    {
        (int start, int end) = _frames[patch / _bands.Length];
        (int low, int high) = _bands[patch % _bands.Length];
        for (int frame = start; frame < end; frame++) yield return (frame * Bands + low)..(frame * Bands + high);
    }

    // Until a patch reaches the end.
    private static (int Start, int End)[] Positions(int length, int patch)
    {
        int step = Math.Max(1, patch / 2), count = Math.Max(0, length - patch + step - 1) / step + 1;
        return [.. Enumerable.Range(0, count).Select(i => (i * step, Math.Min(length, i * step + patch)))];
    }
}
