using Engine.Kernels;
using Engine.Nn.Onnx;
using Engine.Tensors;

namespace Engine.Bench.Peers;

/// <summary>Single kernels as ONNX models: x is the input, weights and bias are constants.</summary>
internal static class OnnxOperation
{
    /// <summary>x, w, b → y.</summary>
    public static OnnxGraph Conv2d(in Conv2dShape shape, Activation activation, float[][] inputs) => Graph(
        new Shape(shape.N, shape.C, shape.H, shape.W), "Conv", new Shape(shape.N, shape.K, shape.P, shape.Q),
        new Shape(shape.K, shape.C, shape.R, shape.S), inputs, activation,
        new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("strides", shape.StrideH, shape.StrideW),
        new OnnxSetting("pads", shape.PadH, shape.PadW, shape.PadH, shape.PadW), new OnnxSetting("dilations", shape.DilationH, shape.DilationW));

    /// <summary>x, w, b → y.</summary>
    public static OnnxGraph ConvTranspose2d(in ConvTranspose2dShape shape, float[][] inputs) => Graph(
        new Shape(shape.N, shape.C, shape.H, shape.W), "ConvTranspose", new Shape(shape.N, shape.K, shape.P, shape.Q),
        new Shape(shape.C, shape.K, shape.R, shape.S), inputs, Activation.None,
        new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("strides", shape.StrideH, shape.StrideW),
        new OnnxSetting("pads", shape.PadH, shape.PadW, shape.PadH, shape.PadW));

    /// <summary>x, w, b → y.</summary>
    public static OnnxGraph Dense(in DenseShape shape, float[][] inputs) => Graph(
        new Shape(shape.N, shape.In), "Gemm", new Shape(shape.N, shape.Out), new Shape(shape.In, shape.Out), inputs, Activation.None);

    /// <summary>x → y.</summary>
    public static OnnxGraph MaxPool2d(in MaxPool2dShape shape) => Graph(
        new Shape(shape.N, shape.C, shape.H, shape.W), "MaxPool", new Shape(shape.N, shape.C, shape.P, shape.Q), null, [], Activation.None,
        new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("strides", shape.StrideH, shape.StrideW),
        new OnnxSetting("dilations", shape.DilationH, shape.DilationW));

    private static OnnxGraph Graph(
        Shape x, string operation, Shape y, Shape? w, float[][] inputs, Activation activation, params ReadOnlySpan<OnnxSetting> settings)
    {
        OnnxGraph graph = new(operation, "One kernel.");
        OnnxValue input = graph.Input("x", "Its input.", x, 0, "N");
        string[] constants = w is { } weights ? [graph.Constant("w", weights, inputs[1]), graph.Constant("b", new Shape(inputs[2].Length), inputs[2])] : [];
        OnnxValue output = graph.Activate("activation", graph.Add(operation, "kernel", input, y, constants, settings), activation);
        graph.Output("y", "Its output.", output);
        return graph;
    }
}
