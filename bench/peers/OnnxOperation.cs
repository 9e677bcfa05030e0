using Engine.Kernels;
using Engine.Nn.Onnx;
using Engine.Tensors;

namespace Engine.Bench.Peers;

/// <summary>One operation as an ONNX model, from x, w and b to y: x is the model's input, w and b are constants of it.</summary>
internal sealed class OnnxOperation
{
    private readonly string _node;
    private readonly Shape _x;
    private readonly Shape _y;
    private readonly Shape? _w;
    private readonly BatchLayout _layout;
    private readonly Activation _activation;
    private readonly OnnxSetting[] _settings;

    private OnnxOperation(string node, Shape x, Shape y, Shape? w, BatchLayout layout, Activation activation, params OnnxSetting[] settings) =>
        (_node, _x, _y, _w, _layout, _activation, _settings) = (node, x, y, w, layout, activation, settings);

    // The convolution before.
    private OnnxOperation? Before { get; init; }

    // The nodes after the activation.
    private MaxPool2dShape? Pool { get; init; }

    private Shape Input => Before?._x ?? _x;

    /// <summary>The axes of the model's input.</summary>
    public long[] InputShape => [.. Enumerable.Range(0, Input.Rank).Select(axis => (long)Input[axis])];

    /// <summary>The model of an operation in these sizes; null for operations that are not compared.</summary>
    public static OnnxOperation? Of(string op, OpSettings settings) => op switch
    {
        "Conv2d" => Of(Conv2dShape.From(settings), settings.Activation),
        "ConvMaxPool2d" when !settings.Flag("argmax") => Of(ConvMaxPool2dShape.From(settings), settings.Activation),
        "ConvConvMaxPool2d" => Of(ConvConvMaxPool2dShape.From(settings), settings),
        "ConvTranspose2d" => Of(ConvTranspose2dShape.From(settings), settings.Activation),
        "Dense" => Of(DenseShape.From(settings), settings.Activation),
        _ => null,
    };

    /// <summary>The model with the operation's inputs, of which the first is not used.</summary>
    public OnnxGraph Graph(float[][] inputs)
    {
        OnnxGraph graph = new(_node, "One operation.");
        OnnxValue value = graph.Input("x", "Its input.", Input, 0, "N");
        float[][] constants = inputs[1..];
        if (Before is not null)
        {
            // Either both have a bias or neither has.
            value = Before.AddTo(graph, value, "before.", constants[..(constants.Length / 2)]);
            constants = constants[(constants.Length / 2)..];
        }

        graph.Output("y", "Its output.", AddTo(graph, value, "", constants));
        return graph;
    }

    private OnnxValue AddTo(OnnxGraph graph, OnnxValue value, string prefix, float[][] weightsAndBias)
    {
        List<string> constants = [];
        if (_w is { } weights) constants.Add(graph.Constant($"{prefix}w", weights, weightsAndBias[0]));
        if (weightsAndBias.Length > 1) constants.Add(graph.Constant($"{prefix}b", new Shape(weightsAndBias[1].Length), weightsAndBias[1]));
        Shape sums = Pool is { } p ? new Shape(p.N, p.C, p.H, p.W) : _y;
        value = graph.Activate($"{prefix}activation", graph.Add(_node, $"{prefix}kernel", value, sums, [.. constants], _settings), _activation);
        if (Pool is not { } pool) return value;
        return graph.Add(
            "MaxPool", $"{prefix}pool", value, _y, [], new OnnxSetting("kernel_shape", pool.R, pool.S),
            new OnnxSetting("strides", pool.StrideH, pool.StrideW), new OnnxSetting("dilations", pool.DilationH, pool.DilationW));
    }

    /// <summary>The operation's input as the model has it: samples first, then channels.</summary>
    public float[] InputOf(float[] values) => Turned(values, Input);

    /// <summary>The operation's output as the model has it: samples first, then channels.</summary>
    public float[] OutputOf(float[] values) => Turned(values, _y);

    private float[] Turned(float[] values, Shape shape)
    {
        if (_layout == BatchLayout.First) return values;
        (int samples, int channels) = (shape[0], shape[1]);
        int pixels = values.Length / (samples * channels);
        MapStrides at = MapStrides.Of(_layout, samples, channels, pixels);
        float[] turned = new float[values.Length];
        for (int i = 0; i < values.Length; i++) turned[i] = values[at.At(i / (channels * pixels), i / pixels % channels, i % pixels)];
        return turned;
    }

    private static OnnxOperation Of(in Conv2dShape shape, Activation activation) => new(
        "Conv", new Shape(shape.N, shape.C, shape.H, shape.W), new Shape(shape.N, shape.K, shape.P, shape.Q),
        new Shape(shape.K, shape.C, shape.R, shape.S), shape.Layout, activation, SettingsOf(shape));

    private static OnnxOperation Of(in ConvConvMaxPool2dShape shape, OpSettings settings) =>
        Of(shape.Pooled, settings.Activation, Of(shape.First, settings.Of("first").Activation));

    private static OnnxOperation Of(in ConvMaxPool2dShape shape, Activation activation, OnnxOperation? before = null)
    {
        (Conv2dShape conv, MaxPool2dShape pool) = (shape.Conv, shape.Pool);
        return new OnnxOperation(
            "Conv", new Shape(conv.N, conv.C, conv.H, conv.W), new Shape(pool.N, pool.C, pool.P, pool.Q), new Shape(conv.K, conv.C, conv.R, conv.S),
            conv.Layout, activation, SettingsOf(conv))
        {
            Before = before, Pool = pool,
        };
    }

    private static OnnxOperation Of(in ConvTranspose2dShape shape, Activation activation) => new(
        "ConvTranspose", new Shape(shape.N, shape.C, shape.H, shape.W), new Shape(shape.N, shape.K, shape.P, shape.Q),
        new Shape(shape.C, shape.K, shape.R, shape.S), shape.Layout, activation, new OnnxSetting("kernel_shape", shape.R, shape.S),
        new OnnxSetting("strides", shape.StrideH, shape.StrideW), new OnnxSetting("pads", shape.PadH, shape.PadW,
            (shape.H - 1) * shape.StrideH + shape.R - shape.PadH - shape.P, (shape.W - 1) * shape.StrideW + shape.S - shape.PadW - shape.Q));

    private static OnnxOperation Of(in DenseShape shape, Activation activation) => new(
        "Gemm", new Shape(shape.N, shape.In), new Shape(shape.N, shape.Out), new Shape(shape.In, shape.Out), BatchLayout.First, activation);

    private static OnnxSetting[] SettingsOf(in Conv2dShape shape) =>
    [
        new("kernel_shape", shape.R, shape.S), new("strides", shape.StrideH, shape.StrideW),
        new("pads", shape.PadH, shape.PadW,
            EndOf(shape.P, shape.StrideH, shape.R, shape.DilationH, shape.H + shape.PadH),
            EndOf(shape.Q, shape.StrideW, shape.S, shape.DilationW, shape.W + shape.PadW)),
        new("dilations", shape.DilationH, shape.DilationW),
    ];

    // How far the last window reaches beyond the input.
    private static int EndOf(int outputs, int stride, int taps, int dilation, int length) =>
        Math.Max(0, (outputs - 1) * stride + (taps - 1) * dilation + 1 - length);
}
