using System.Runtime.Intrinsics;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;

namespace Engine.Svd.Cli;

/// <summary>
/// Lets another processor read and load what an explanation needs later, while its options are understood and its song is read: it is there sooner.
/// </summary>
internal static class WarmUp
{
    private static Task<WeightFile>? _classifier;

    /// <summary>Starts it and returns at once.</summary>
    /// <param name="withClassifier">Whether the bundled detector will be used.</param>
    /// <param name="withNetwork">Whether the network will run on the processor.</param>
    public static void Start(bool withClassifier, bool withNetwork)
    {
        if (withClassifier) _classifier = Task.Run(ReadClassifier);
        (_classifier ?? Task.CompletedTask).ContinueWith(_ => Load(withNetwork), TaskScheduler.Default);
    }

    /// <summary>Reads a weight file, or waits until it has been read.</summary>
    /// <exception cref="EngineException">The file is missing, damaged or not a weight file.</exception>
    public static WeightFile Read(string path) =>
        _classifier is { } reading && path == BundledFiles.Classifier ? reading.GetAwaiter().GetResult() : WeightFile.Read(path);

    private static WeightFile ReadClassifier()
    {
        WeightFile file = WeightFile.Read(BundledFiles.Classifier);
        _ = file.Arrays;
        return file;
    }

    private static void Load(bool withNetwork)
    {
        try
        {
            // In a published program the kernels for the widest vectors are compiled ahead.
            if (withNetwork && !Vector512.IsHardwareAccelerated) Compute();
            ExplanationFigure.WarmUp();
        }
#pragma warning disable CA1031 // Whatever fails here fails again, and is said, where it is needed.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private static void Compute()
    {
        using IBackend backend = Backends.CreateCpu(threads: 1);
        LogMelExtractor.WarmUp(backend);
        SvdNet.WarmUp(backend);
    }
}
