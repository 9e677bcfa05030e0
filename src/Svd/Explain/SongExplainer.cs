using Engine.Kernels;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>Sees the probabilities of singing of the frames from <paramref name="firstFrame"/> on.</summary>
public delegate void ProbabilityObserver(long firstFrame, ReadOnlySpan<float> probabilities);

/// <summary>
/// Explains a whole song: an excerpt every few frames, by the mask network and the inversion. What <see cref="Explainer"/> computes for each excerpt anew
/// is here computed once for each frame, where the excerpts share it; memory does not grow with the song. Several explainers work on neighbouring stretches at
/// the same time, and the results come in order.
/// </summary>
public sealed class SongExplainer
{
    /// <summary>Of so many explained excerpts, the detector is asked about the masks of one: it takes longer than all the rest.</summary>
    public const int AskedOfExplained = 3;

    private readonly IReadOnlyList<StretchExplainer> _explainers;
    private readonly SongStretches _stretches;
    private readonly int _every;
    private Task[] _warmUps = [];

    /// <summary>Takes equal explainers, which stay their owner's. A single one works on the caller's thread, and several on threads of their own.</summary>
    /// <param name="explainers">At least one, each on a backend of its own.</param>
    /// <param name="statistics">What the frames are normalised with.</param>
    public SongExplainer(IReadOnlyList<StretchExplainer> explainers, BandStatistics statistics)
    {
        (_explainers, _every) = (explainers, explainers[0].Every);
        _stretches = new SongStretches(statistics);
    }

    /// <summary>The methods, in the order of <see cref="SongExcerpt.Methods"/>.</summary>
    public static IReadOnlyList<string> Methods { get; } = [ExplanationMethods.Mask, ExplanationMethods.Inversion];

    /// <summary>
    /// Lets several explainers get ready while a long song is being decoded: they cannot start before its level is known. Returns at once, and does nothing
    /// the second time.
    /// </summary>
    public void WarmUp()
    {
        if (_warmUps.Length == 0 && _explainers.Count > 1) _warmUps = [.. _explainers.Select(explainer => Task.Run(explainer.WarmUp))];
    }

    /// <summary>
    /// Explains a song of normalised log-mel frames. Excerpts start at frame 0 and then every few frames; one more ends with the song. Returns the number
    /// of frames.
    /// </summary>
    /// <exception cref="EngineException">The audio cannot be decoded, or a network's output is not finite.</exception>
    public long Explain(FrameReader reader, ProbabilityObserver seesProbabilities, Action<SongExcerpt> seesExcerpt)
    {
        long read = 0, lastStart = -1;
        float[] last = new float[ExcerptLength];
        int next = 0;
        Queue<(long? FirstFrame, Task<ExplainedStretch> Work)> underWay = new();
        try
        {
            long frames = _stretches.ForEach(
                destination =>
                {
                    int count = reader(destination);
                    read += count;
                    return count;
                },
                (firstFrame, count, rows) =>
                {
                    // Row 0 is this frame of the song; rows before the song and after it are silence.
                    long first = firstFrame - ContextFrames, end = Math.Min(first + count, read - ExcerptFrames + 1);
                    List<int> starts = [];
                    for (long start = (Math.Max(first, 0) + _every - 1) / _every * _every; start < end; start += _every) starts.Add((int)(start - first));
                    Start(firstFrame, rows, first, starts);
                    if (end <= first || end != read - ExcerptFrames + 1) return;
                    lastStart = end - 1;
                    rows.Slice((int)(lastStart - first) * Bands, ExcerptLength).CopyTo(last);
                });
            if (lastStart >= 0 && lastStart % _every != 0) Start(null, last, lastStart, [0]);
            while (underWay.Count > 0) Show();
            return frames;
        }
        finally
        {
            // The explainers' owner may take the networks away now.
            Task.WhenAll(underWay.Select(stretch => (Task)stretch.Work).Concat(_warmUps)).ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        }

        // The first frame is that of the probabilities; null for the last excerpt, whose probability is known.
        void Start(long? firstFrame, ReadOnlySpan<float> rows, long first, List<int> starts)
        {
            if (underWay.Count == _explainers.Count) Show();
            StretchExplainer explainer = _explainers[next];
            if (_warmUps.Length > 0) _warmUps[next].GetAwaiter().GetResult();
            next = (next + 1) % _explainers.Count;
            explainer.Take(rows);
            underWay.Enqueue((firstFrame, _explainers.Count == 1
                ? Task.FromResult(explainer.Explain(first, starts)) : Task.Run(() => explainer.Explain(first, starts))));
        }

        void Show()
        {
            (long? firstFrame, Task<ExplainedStretch> work) = underWay.Dequeue();
            ExplainedStretch stretch = work.GetAwaiter().GetResult();
            if (firstFrame is { } frame) seesProbabilities(frame, stretch.Probabilities);
            foreach (SongExcerpt excerpt in stretch.Excerpts) seesExcerpt(excerpt);
        }
    }
}
