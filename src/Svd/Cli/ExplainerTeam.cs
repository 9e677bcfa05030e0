using Engine.Kernels;
using Engine.Svd.Explain;

namespace Engine.Svd.Cli;

/// <summary>The networks and an explainer on each of several backends, which explain a song together. It owns all of them.</summary>
internal sealed class ExplainerTeam : IDisposable
{
    private readonly IReadOnlyList<IBackend> _backends;
    private readonly Models[] _models;

    /// <summary>Takes over the backends and reads the networks, with the notes and exceptions of <see cref="Cli.Models.Load"/>.</summary>
    public ExplainerTeam(IReadOnlyList<IBackend> backends, ModelPaths paths, bool force, MaskShares shares, int every)
    {
        (_backends, Shares) = (backends, shares);
        Models first = Models.Load(backends[0], paths, force);
        _models = [first, .. backends.Skip(1).AsParallel().AsOrdered().Select(first.On)];
        Explainers = [.. _models.Select((own, i) => new StretchExplainer(backends[i], own.Detector, own.Inversion!, own.Mask!, shares, every))];
        FrontEnd = backends.Count == 1 ? backends[0] : Backends.CreateCpu(threads: 1);
    }

    /// <summary>The networks; they are the same on all backends.</summary>
    public Models Models => _models[0];

    /// <summary>An explainer on each backend.</summary>
    public IReadOnlyList<StretchExplainer> Explainers { get; }

    /// <summary>Where the song is read while they work.</summary>
    public IBackend FrontEnd { get; }

    /// <summary>The sizes of the masks.</summary>
    public MaskShares Shares { get; }

    /// <summary>Where it all runs.</summary>
    public string Name => _backends.Count == 1 ? _backends[0].Name : $"{_backends.Count} × {_backends[0].Name}";

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (StretchExplainer explainer in Explainers) explainer.Dispose();
        foreach (Models models in _models) models.Dispose();
        foreach (IBackend backend in _backends.Append(FrontEnd).Distinct()) backend.Dispose();
    }
}
