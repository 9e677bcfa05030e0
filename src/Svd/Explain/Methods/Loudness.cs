using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>The largest bins of the normalised input.</summary>
internal sealed class LoudestBins : IExplanationMethod
{
    public string Name => "loudest";

    public int Passes => 0;

    public void Explain(ExplanationBatch batch, Span<float> importance) => batch.Excerpts.CopyTo(importance);
}

/// <summary>The largest bins of the log-mel spectrogram before normalisation.</summary>
internal sealed class LoudestRawBins(BandStatistics statistics) : IExplanationMethod
{
    public string Name => "loudest-raw";

    public int Passes => 0;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        for (int i = 0; i < importance.Length; i++)
        {
            importance[i] = (float)(batch.Excerpts[i] * statistics.Std[i % Bands] + statistics.Mean[i % Bands]);
        }
    }
}
