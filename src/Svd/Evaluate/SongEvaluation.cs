using Engine.Kernels;
using Engine.Svd.Explain;
using Engine.Tensors;

namespace Engine.Svd.Evaluate;

/// <summary>The results for a song's N excerpts at T thresholds in each case. Nothing in it depends on the class threshold.</summary>
/// <param name="Starts">The excerpts' first frames, N.</param>
/// <param name="Thresholds">T, rising.</param>
/// <param name="Probability">P(singing) of each excerpt, N.</param>
/// <param name="MaskedProbability">P(singing) of the masked excerpts: case × threshold × excerpt, 3·T·N in C order.</param>
/// <param name="RelativeArea">Unmasked bins / all bins of the explanations' masks: threshold × excerpt, T·N in C order.</param>
public sealed record SongEvaluation(int[] Starts, double[] Thresholds, float[] Probability, float[] MaskedProbability, float[] RelativeArea)
{
    /// <summary>
    /// Where the probability of an excerpt at a threshold stands in <see cref="MaskedProbability"/>; the case is counted as in
    /// <see cref="MaskingCase.Evaluated"/>.
    /// </summary>
    public int IndexOf(int masking, int threshold, int excerpt) =>
        masking * Thresholds.Length * Starts.Length + IndexOf(threshold, excerpt);

    /// <summary>Where an excerpt's area at a threshold stands in <see cref="RelativeArea"/>.</summary>
    public int IndexOf(int threshold, int excerpt) => threshold * Starts.Length + excerpt;

    /// <summary>Writes an .npz file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">A number that stands for everything the result depends on, except what the file itself holds.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public void Write(string path, double identity)
    {
        int excerpts = Starts.Length, thresholds = Thresholds.Length;
        NpzFile.Write(
            path,
            [
                ("identity", new NpyArray([], [identity])),
                ("start_frames", new NpyArray([excerpts], [.. Starts.Select(frame => (double)frame)])),
                ("thresholds", new NpyArray([thresholds], Thresholds)),
                ("probability", new NpyArray([excerpts], Probability)),
                ("masked_probability", new NpyArray([MaskingCase.Evaluated.Count, thresholds, excerpts], MaskedProbability)),
                ("relative_area", new NpyArray([thresholds, excerpts], RelativeArea)),
            ]);
    }

    /// <summary>Reads a file that <see cref="Write"/> wrote; null if there is none, or if it is damaged or belongs to something else.</summary>
    public static SongEvaluation? TryRead(string path, double identity, int[] starts, double[] thresholds)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using NpzFile file = NpzFile.Open(path);
            if (!file.Read("identity", 1).ToDouble().AsSpan().SequenceEqual([identity])
                || !file.Read("start_frames", starts.Length).ToDouble().SequenceEqual(starts.Select(frame => (double)frame))
                || !file.Read("thresholds", thresholds.Length).ToDouble().AsSpan().SequenceEqual(thresholds))
            {
                return null;
            }

            int answers = thresholds.Length * starts.Length;
            float[] Shares(string name, int length) => file.Read(name, length).ToSingle();
            SongEvaluation song = new(
                starts, thresholds, Shares("probability", starts.Length), Shares("masked_probability", MaskingCase.Evaluated.Count * answers),
                Shares("relative_area", answers));
            return song.Probability.Concat(song.MaskedProbability).Concat(song.RelativeArea).All(share => share is >= 0 and <= 1) ? song : null;
        }
        catch (EngineException)
        {
            return null;
        }
    }
}
