using Engine.Nn;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>Bins in random order.</summary>
internal sealed class RandomBins(ulong seed) : IExplanationMethod
{
    public string Name => ExplanationMethods.Random;

    public int Passes => 0;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        for (int n = 0; n < batch.Count; n++)
        {
            // Float32 holds every rank exactly, so there are no ties.
            Span<float> ranks = importance.Slice(n * ExcerptLength, ExcerptLength);
            for (int i = 0; i < ranks.Length; i++) ranks[i] = i;
            RandomStream.Of(seed, Name, batch.First + n).Shuffle(ranks);
        }
    }
}

/// <summary>
/// A random blob. It starts at a random bin and grows by one random neighbour (left, right, up, down) at a time, so it is one piece at every size (Eden's
/// growth model, 1961).
/// </summary>
internal sealed class RandomBlob(ulong seed) : IExplanationMethod
{
    public string Name => "blob";

    public int Passes => 0;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        for (int n = 0; n < batch.Count; n++)
        {
            Grow(RandomStream.Of(seed, Name, batch.First + n), importance.Slice(n * ExcerptLength, ExcerptLength));
        }
    }

    private static void Grow(RandomSource random, Span<float> importance)
    {
        bool[] reached = new bool[ExcerptLength];
        List<int> edge = [];
        Reach(random.NextInt(ExcerptLength));
        for (int left = ExcerptLength; left > 0; left--)
        {
            int pick = random.NextInt(edge.Count), bin = edge[pick];
            edge[pick] = edge[^1];
            edge.RemoveAt(edge.Count - 1);
            importance[bin] = left;
            if (bin >= Bands) Reach(bin - Bands);
            if (bin < ExcerptLength - Bands) Reach(bin + Bands);
            if (bin % Bands > 0) Reach(bin - 1);
            if (bin % Bands < Bands - 1) Reach(bin + 1);
        }

        void Reach(int bin)
        {
            if (reached[bin]) return;
            reached[bin] = true;
            edge.Add(bin);
        }
    }
}
