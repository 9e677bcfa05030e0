using Engine.Kernels;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;

namespace Engine.Svd.Cli;

/// <summary>
/// Lets the other processors load and compile what an explanation needs later, while its files are read: it is there a fifth of a second sooner.
/// </summary>
internal static class WarmUp
{
    /// <summary>Starts it and returns at once.</summary>
    /// <param name="withNetwork">Whether the network will run on the processor.</param>
    public static void Start(bool withNetwork) => Task.Run(() =>
    {
        try
        {
            if (withNetwork) Compute();
            ExplanationFigure.WarmUp();
        }
#pragma warning disable CA1031 // Whatever fails here fails again, and is said, where it is needed.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    });

    private static void Compute()
    {
        using IBackend backend = Backends.CreateCpu(threads: 1);
        LogMelExtractor.WarmUp(backend);
        SvdNet.WarmUp(backend);
    }
}
