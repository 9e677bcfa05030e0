using System.CommandLine;
using Engine.Kernels;
using Engine.Nn;
using Engine.Nn.Onnx;
using Engine.Svd.Model;

namespace Engine.Svd.Cli;

/// <summary><c>svd export</c>: writes a network as an ONNX model.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<string> weights = new("WEIGHTS") { Description = "A weight file (.npz): SVDNet, or an inversion network." };
        Option<string> output = new("--out") { Description = "The file to write (.onnx).", HelpName = "FILE", Required = true };
        Option<bool> wholeSong = new("--whole-song")
        {
            Description = "Export SVDNet for whole songs: from frames 1×1×T×80 to the probability of each of the T − 114 excerpts.",
        };
        Command command = new(
            "export",
            "Writes a network as an ONNX model. The shapes of the arrays tell which network a weight file holds. SVDNet maps excerpts N×1×115×80 to "
            + "features N×64 and probability N×1. An inversion network maps features, the output of its layer (N×64 for fc8), to inverted N×1×115×80.\n\n"
            + "Example:\n  svd export svdnet.npz --out svdnet.onnx")
        {
            weights, output, wholeSong,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(weights), parsed.GetRequiredValue(output), parsed.GetValue(wholeSong)));
        return command;
    }

    internal static int Run(string weights, string output, bool wholeSong)
    {
        OutputFolder.Require([output], weights);

        // No kernel runs, so any backend can hold the weights.
        using IBackend backend = Backends.CreateReference();
        OnnxGraph graph = Export(backend, weights, wholeSong);
        graph.Save(output);
        Console.WriteLine($"{weights}: {graph.Name} → {output} (ONNX, operator set {OnnxGraph.OperatorSet})");
        return 0;
    }

    private static OnnxGraph Export(IBackend backend, string weights, bool wholeSong)
    {
        WeightFile file = WeightFile.Read(weights);
        if (SvdNet.IsIn(file))
        {
            using SvdNet classifier = SvdNet.Load(backend, file);
            return wholeSong ? classifier.ExportEveryFrame() : classifier.Export();
        }

        if (InversionArchitecture.In(file) is null)
        {
            throw new EngineException($"{weights} holds neither SVDNet nor an inversion network: its {file.Shapes.Count} arrays have other shapes");
        }

        if (wholeSong) throw new EngineException($"{weights} holds an inversion network; only SVDNet can be exported with --whole-song");
        using InversionNetwork inversion = InversionNetwork.Load(backend, file);
        return inversion.Export();
    }
}
