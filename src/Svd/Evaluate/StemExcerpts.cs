using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>The excerpts of a song with known stems in which the voice sounds and the detector hears it, and which bins the voice dominates.</summary>
/// <param name="Compared">The song's normalised log-mel and the first frames of N excerpts; there may be none.</param>
/// <param name="VoiceBins">The voice-dominated bins of each excerpt: N times 115×80.</param>
/// <param name="Sounding">The number of excerpts, one every 0.5 s, in which the voice sounds.</param>
/// <param name="Sung">The number of those that the detector calls sung; the N are drawn from them.</param>
/// <param name="MusicSung">The number of the N in which the detector also hears singing in the accompaniment alone.</param>
/// <param name="Warnings">Warnings about the song, one line each.</param>
public sealed record StemExcerpts(
    ComparedSong Compared, IReadOnlyList<bool[]> VoiceBins, int Sounding, int Sung, int MusicSung, IReadOnlyList<string> Warnings)
{
    private const int Interval = FramesPerSecond / 2;

    /// <summary>Reads a song, predicts it and its accompaniment in one pass each, and draws excerpts.</summary>
    /// <param name="song">The song.</param>
    /// <param name="extractor">Computes the spectrograms.</param>
    /// <param name="normalizer">Normalises the spectrograms.</param>
    /// <param name="predictor">Predicts the probabilities.</param>
    /// <param name="classThreshold">Excerpts with at least this probability count as sung.</param>
    /// <param name="most">The largest number of excerpts.</param>
    /// <param name="random">Draws the excerpts.</param>
    /// <returns>The excerpts. If a stem is silent, there are none, and a warning, because the voice is then everywhere or nowhere.</returns>
    /// <exception cref="EngineException">A stem cannot be read or is too short, or the two are not equally long.</exception>
    public static StemExcerpts Read(
        StemSong song, LogMelExtractor extractor, BandNormalizer normalizer, SongPredictor predictor, double classThreshold, int most, RandomSource random)
    {
        List<string> warnings = [];
        if (SilentStem(song, warnings) is { } silent)
        {
            return new StemExcerpts(new ComparedSong([], []), [], 0, 0, 0, [MessageText.Line($"{silent} is silent; {song.Name} is left out.")]);
        }

        float[] mix = LogMel(song.OpenMix(), $"{song.VoicePath} + {song.MusicPath}", normalizer);
        float[] voice = LogMel(song.OpenVoice(), song.VoicePath), music = LogMel(song.OpenMusic(), song.MusicPath);
        float[] probabilities = predictor.Predict(mix);

        List<(int Start, bool[] VoiceBins)> sung = [];
        int sounding = 0;
        for (int start = 0; (start + ExcerptFrames) * Bands <= mix.Length; start += Interval)
        {
            bool[] bins = Localisation.VoiceBins(voice.AsSpan(start * Bands, ExcerptLength), music.AsSpan(start * Bands, ExcerptLength));
            if (!Localisation.Sounds(bins)) continue;
            sounding++;
            if (probabilities[start + ContextFrames] >= classThreshold) sung.Add((start, bins));
        }

        (int Start, bool[] VoiceBins)[] drawn = [.. sung];
        random.Shuffle(drawn.AsSpan());
        drawn = [.. drawn.Take(most).OrderBy(excerpt => excerpt.Start)];
        float[] musicProbabilities = predictor.Predict(LogMel(song.OpenMusic(), song.MusicPath, normalizer));
        return new StemExcerpts(
            new ComparedSong(mix, [.. drawn.Select(excerpt => excerpt.Start)]), [.. drawn.Select(excerpt => excerpt.VoiceBins)], sounding, sung.Count,
            drawn.Count(excerpt => musicProbabilities[excerpt.Start + ContextFrames] >= classThreshold), warnings);

        float[] LogMel(AudioStream audio, string path, BandNormalizer? normalizing = null)
        {
            using (audio) return new LogMelReader(audio, extractor, normalizing).ReadToEnd(path);
        }
    }

    // The first silent stem, or null. Stems are read to their ends, since damage is only known then.
    private static string? SilentStem(StemSong song, List<string> warnings)
    {
        float[] block = new float[SampleRate];
        (string, Func<AudioStream>)[] stems = [(song.VoicePath, song.OpenVoice), (song.MusicPath, song.OpenMusic)];
        foreach ((string path, Func<AudioStream> open) in stems)
        {
            using AudioStream stem = open();
            while (stem.Read(block) > 0)
            {
            }

            warnings.AddRange(stem.Warnings);
            if (stem.Peak == 0) return path;
        }

        return null;
    }
}
