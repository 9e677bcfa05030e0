using Engine.Kernels;
using Engine.Nn;
using Engine.Nn.Onnx;
using Engine.Tensors;

namespace Engine.Svd.Model;

/// <summary>An inversion network G: what a layer of SVDNet makes of an excerpt to the expected normalised log-mel excerpt (the paper, section II.A).</summary>
public sealed class InversionNetwork : IDisposable
{
    private readonly Sequential _layers;

    // The same network, but faster.
    private readonly Sequential _folded;
    private readonly InferencePlan _plan = new();

    private InversionNetwork(InversionArchitecture architecture, Sequential layers, Sequential folded) =>
        (Architecture, _layers, _folded) = (architecture, layers, folded);

    /// <summary>Its layer and its steps.</summary>
    public InversionArchitecture Architecture { get; }

    /// <summary>How many numbers the parameters hold, including running means and deviations.</summary>
    public int ParameterCount => _layers.ParameterCount;

    /// <summary>Reads the weights, finds the network from their shapes, and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or holds no inversion network.</exception>
    public static InversionNetwork Load(IBackend backend, string path) => Load(backend, WeightFile.Read(path));

    /// <summary>Finds the network from the shapes of the weights, and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file holds no inversion network.</exception>
    public static InversionNetwork Load(IBackend backend, WeightFile file)
    {
        if (InversionArchitecture.In(file) is not { } architecture)
        {
            if (SvdNet.IsIn(file)) throw new EngineException($"{file.Path} does not hold an inversion network: it holds SVDNet");

            // The one with the same number of arrays is the best guess for the message.
            architecture = InversionArchitecture.All.MinBy(one => Math.Abs(one.Build().Parameters.Count - file.Shapes.Count))!;
        }

        Sequential layers = architecture.Build();
        file.LoadInto(layers, $"{architecture}", backend);
        return new InversionNetwork(architecture, layers, architecture.Fold(layers, backend));
    }

    /// <summary>The inverted representation x* = G(z) of N excerpts: <see cref="SvdNetLayer.ShapeOf"/> N to N×1×115×80. The caller owns the result.</summary>
    /// <param name="features">What the layer makes of the excerpts.</param>
    public Tensor Forward(Tensor features)
    {
        using InferencePlan.Run run = _plan.Begin();
        return _folded.Forward(features);
    }

    /// <summary>The network as an ONNX model: <c>features</c>, shaped as what its layer makes of N excerpts, to <c>inverted</c> N×1×115×80.</summary>
    public OnnxGraph Export()
    {
        SvdNetLayer layer = Architecture.Layer;
        OnnxGraph graph = new(
            $"inversion-{layer}-{Architecture.Name}",
            $"An inversion network after Mishra, Sturm and Dixon (2018): the log-mel excerpt that is expected from the output of SVDNet's {layer}.");
        OnnxValue features = graph.Input(
            "features", $"What SVDNet's {layer} makes of an excerpt: batch, {(layer.HasMaps ? "channels, rows, columns" : "features")}.", layer.ShapeOf(1),
            0, "N");
        graph.Output(
            "inverted", "Normalised log-mel excerpts: batch, 1, frames (70 a second), mel bands.", graph.Add(_layers, features));
        return graph;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _layers.Dispose();
        _folded.Dispose();
    }
}
