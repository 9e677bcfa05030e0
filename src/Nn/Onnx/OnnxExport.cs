using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn.Onnx;

/// <summary>
/// Your own module implements this if it is to be exported. Networks that are not exported do not need it.
/// </summary>
public interface IOnnxModule
{
    /// <summary>Adds the map to an ONNX graph. Names of nodes should start with the module's name. Returns the result.</summary>
    OnnxValue Export(OnnxGraph graph, OnnxValue x);
}

/// <summary>Writes modules down as nodes of an ONNX graph: the one place that knows what each layer is called there.</summary>
public static class OnnxExport
{
    /// <summary>A module as an ONNX model from <c>input</c> to <c>output</c>, for batches of any size.</summary>
    /// <param name="module">What is exported; its parameters must have values.</param>
    /// <param name="input">The shape of the input; the first axis, the batch, may have any size in the model.</param>
    /// <param name="name">What the model is called.</param>
    /// <exception cref="EngineException">The module holds another that has no ONNX form.</exception>
    public static OnnxGraph ToOnnx(this Module module, Shape input, string name = "model")
    {
        OnnxGraph graph = new(name, "");
        graph.Output("output", "", graph.Add(module, graph.Input("input", "", input, 0, "N")));
        return graph;
    }

    /// <summary>Adds a module; its nodes have its name, or names that start with it. Returns the result.</summary>
    /// <exception cref="EngineException">The module, or a part of it, has no ONNX form.</exception>
    public static OnnxValue Add(this OnnxGraph graph, Module module, OnnxValue x) => module switch
    {
        IOnnxModule own => own.Export(graph, x),
        Sequential or ConvMaxPool2d or ConvConvMaxPool2d => module.Parts.Aggregate(x, (value, part) => graph.Add(part, value)),
        Conv2d conv => Add(graph, conv, x),
        ConvTranspose2d conv => Add(graph, conv, x),
        Dense dense => graph.Activate(
            $"{dense.Name}.activation",
            graph.Add("Gemm", dense.Name, x, new Shape(x.Shape[0], dense.Weight.Shape[1]), Constants(graph, dense)), dense.Activation),
        BatchNorm norm => Add(graph, norm, x),
        MaxPool2d pool => Add(graph, pool, x),
        Activate activate => graph.Activate(activate.Name, x, activate.Activation),
        Crop2d crop => Crop(graph, crop.Name, x, (crop.Rows, crop.Columns)),
        Pad2d pad => graph.Add(
            "Pad", pad.Name, x, new Shape(x.Shape[0], x.Shape[1], pad.Rows, pad.Columns),
            [graph.Constant($"{pad.Name}.margins",
                0, 0, pad.Top, pad.Left, 0, 0, pad.Rows - x.Shape[2] - pad.Top, pad.Columns - x.Shape[3] - pad.Left)]),
        Reshape reshape => Reshape(graph, reshape, x, reshape.ShapeOf(x.Shape)),
        Flatten => Reshape(graph, module, x, Flatten.ShapeOf(x.Shape)),

        // Dropout does nothing outside training, and an exported model keeps one layout.
        Dropout or ToLayout => x,
        _ => throw new EngineException(
            $"{module.Name} cannot be exported: {module.GetType().Name} has no ONNX form; let the class implement {nameof(IOnnxModule)}"),
    };

    private static OnnxValue Add(OnnxGraph graph, Conv2d conv, OnnxValue x)
    {
        Conv2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], conv.Weight.Shape[0], conv.Weight.Shape[2], conv.Weight.Shape[3],
            conv.Stride, conv.Stride, conv.Padding, conv.Padding, conv.Dilation.H, conv.Dilation.W);
        List<OnnxSetting> settings =
        [
            new("kernel_shape", shape.R, shape.S), new("pads", conv.Padding, conv.Padding, conv.Padding, conv.Padding),
            new("dilations", conv.Dilation.H, conv.Dilation.W),
        ];
        if (conv.Stride != 1) settings.Add(new OnnxSetting("strides", conv.Stride, conv.Stride));
        OnnxValue y = graph.Add("Conv", conv.Name, x, new Shape(shape.N, shape.K, shape.P, shape.Q), Constants(graph, conv), [.. settings]);
        return graph.Activate($"{conv.Name}.activation", Crop(graph, $"{conv.Name}.crop", y, conv.Kept), conv.Activation);
    }

    private static OnnxValue Add(OnnxGraph graph, ConvTranspose2d conv, OnnxValue x)
    {
        ConvTranspose2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], conv.Weight.Shape[1], conv.Weight.Shape[2], conv.Weight.Shape[3],
            conv.Stride, conv.Stride, conv.Padding, conv.Padding);
        OnnxValue y = graph.Add(
            "ConvTranspose", conv.Name, x, new Shape(shape.N, shape.K, shape.P, shape.Q), Constants(graph, conv),
            new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("strides", conv.Stride, conv.Stride),
            new OnnxSetting("pads", conv.Padding, conv.Padding, conv.Padding, conv.Padding));
        return graph.Activate($"{conv.Name}.activation", Crop(graph, $"{conv.Name}.crop", y, conv.Kept), conv.Activation);
    }

    private static OnnxValue Crop(OnnxGraph graph, string name, OnnxValue x, (int Rows, int Columns)? kept) => kept is not var (rows, columns) ? x
        : graph.Add(
            "Slice", name, x, new Shape(x.Shape[0], x.Shape[1], rows, columns),
            [graph.Constant($"{name}.starts", 0, 0), graph.Constant($"{name}.ends", rows, columns), graph.Constant($"{name}.axes", 2, 3)]);

    private static OnnxValue Add(OnnxGraph graph, BatchNorm norm, OnnxValue x)
    {
        // ONNX takes the variance, 1/i² − ε. Near i = 1/√ε the two terms cancel, but only the sum of variance and ε counts, and it keeps all of float32's
        // digits. Rounding can bring i beyond that point; then ε is made smaller, so that no variance is negative. The results are as exact as with Mul and
        // Add, and the statistics keep their names.
        float[] inverseStd = norm.InverseStd.Value.ToArray();
        double[] sums = Array.ConvertAll(inverseStd, i => 1 / ((double)i * i));
        for (int c = 0; c < sums.Length; c++)
        {
            if (inverseStd[c] <= 0 || !float.IsNormal((float)sums[c]))
            {
                throw new EngineException($"ONNX cannot express {norm.InverseStd.Name}, which holds {inverseStd[c]:R}: it wants the variance instead");
            }
        }

        float epsilon = (float)Math.Min(BatchNorm.Epsilon, sums.Min());
        float[] variance = Array.ConvertAll(sums, sum => (float)Math.Max(0, sum - epsilon));
        OnnxValue y = graph.Add(
            "BatchNormalization", norm.Name, x, x.Shape,
            [graph.Constant(norm.Gamma), graph.Constant(norm.Beta), graph.Constant(norm.Mean),
                graph.Constant($"{norm.Name}.variance", norm.Mean.Shape, variance)],
            new OnnxSetting("epsilon", epsilon));
        return graph.Activate($"{norm.Name}.activation", y, norm.Activation);
    }

    private static OnnxValue Add(OnnxGraph graph, MaxPool2d pool, OnnxValue x)
    {
        MaxPool2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], pool.Window.H, pool.Window.W, pool.Stride.H, pool.Stride.W, pool.Dilation.H, pool.Dilation.W);
        return graph.Add(
            "MaxPool", pool.Name, x, new Shape(shape.N, shape.C, shape.P, shape.Q), [],
            new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("strides", pool.Stride.H, pool.Stride.W),
            new OnnxSetting("dilations", pool.Dilation.H, pool.Dilation.W));
    }

    private static OnnxValue Reshape(OnnxGraph graph, Module module, OnnxValue x, Shape shape) => x.DynamicAxis == 0
        ? graph.Reshape(module.Name, x, shape, dynamicAxis: 0)
        : throw new EngineException($"{module.Name} cannot be exported: only the batch's size may change, and axis {x.DynamicAxis} may");

    private static string[] Constants(OnnxGraph graph, Module layer) => [.. layer.Parameters.Select(graph.Constant)];
}
