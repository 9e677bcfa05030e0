using Engine.Svd.Audio;

namespace Engine.Svd.Tests.Audio;

/// <summary>Reads streams to their end.</summary>
internal static class Samples
{
    /// <summary>All samples of a file.</summary>
    public static float[] Of(string path)
    {
        using AudioStream stream = AudioStream.Open(path);
        return Of(stream);
    }

    /// <summary>All samples, read in pieces of <paramref name="piece"/>.</summary>
    public static float[] Of(AudioStream stream, int piece = 10_007)
    {
        List<float> all = [];
        float[] samples = new float[piece];
        for (int count; (count = stream.Read(samples)) > 0;) all.AddRange(samples[..count]);
        return [.. all];
    }
}
