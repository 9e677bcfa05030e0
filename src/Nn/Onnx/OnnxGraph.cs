using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn.Onnx;

/// <summary>
/// An ONNX model under construction: <see cref="Input"/>, then the modules, see <see cref="OnnxExport"/>, then <see cref="Output"/>. One axis of the input is
/// dynamic, and with it one of every value. The numbers in the comments are the field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
/// </summary>
public sealed class OnnxGraph(string name, string description)
{
    /// <summary>The version of the operators' definitions.</summary>
    public const int OperatorSet = 17;

    /// <summary>The version of the file format that came with the operator set.</summary>
    private const int FormatVersion = 8;

    // TensorProto.DataType
    private const int FloatType = 1, Int64Type = 7;

    private readonly List<Action<ProtobufWriter>> _constants = [];
    private readonly List<Node> _nodes = [];
    private readonly List<Port> _outputs = [];
    private Port? _input;
    private string _symbol = "";

    /// <summary>What the model is called.</summary>
    public string Name { get; } = name;

    /// <summary>Declares the input.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it is.</param>
    /// <param name="smallest">The smallest sizes that it may have.</param>
    /// <param name="dynamicAxis">The axis that may be longer.</param>
    /// <param name="symbol">What the size of that axis is called.</param>
    public OnnxValue Input(string name, string description, Shape smallest, int dynamicAxis, string symbol)
    {
        OnnxValue value = new(name, smallest, dynamicAxis);
        (_input, _symbol) = (new Port(name, description, value), symbol);
        return value;
    }

    /// <summary>Makes a node's result an output, under a name of its own.</summary>
    public void Output(string name, string description, OnnxValue value) => _outputs.Add(new Port(name, description, value));

    /// <summary>Adds a node; it and its result have the same name. Returns the result.</summary>
    /// <param name="operation">The ONNX operator.</param>
    /// <param name="name">The name of the node.</param>
    /// <param name="x">The first input.</param>
    /// <param name="shape">The sizes of the result.</param>
    /// <param name="constants">The names of the other inputs.</param>
    /// <param name="settings">The operator's settings where they are not the default.</param>
    /// <exception cref="EngineException">There is a node of this name.</exception>
    public OnnxValue Add(
        string operation, string name, OnnxValue x, Shape shape, ReadOnlySpan<string> constants = default, params ReadOnlySpan<OnnxSetting> settings)
    {
        if (_nodes.Exists(node => node.Output.Name == name)) throw new EngineException($"two parts of the network are called {name}: give one another Name");
        OnnxValue result = x with { Name = name, Shape = shape };
        _nodes.Add(new Node(operation, [x.Name, .. constants], result, settings.ToArray()));
        return result;
    }

    /// <summary>Adds the node of an activation, if it is one.</summary>
    public OnnxValue Activate(string name, OnnxValue x, Activation activation) => activation.Kind switch
    {
        ActivationKind.None => x,
        ActivationKind.Relu => Add("Relu", name, x, x.Shape),
        ActivationKind.LeakyRelu => Add("LeakyRelu", name, x, x.Shape, [], new OnnxSetting("alpha", activation.Slope)),
        ActivationKind.Elu => Add("Elu", name, x, x.Shape, [], new OnnxSetting("alpha", 1f)),
        ActivationKind.Sigmoid => Add("Sigmoid", name, x, x.Shape),
        _ => throw new EngineException($"{name} cannot be exported: the activation {activation.Kind} has no ONNX form"),
    };

    /// <summary>Adds a node that names the axes anew; the dynamic one may become another.</summary>
    public OnnxValue Reshape(string name, OnnxValue x, Shape shape, int dynamicAxis)
    {
        // −1 stands for the size that follows from the others.
        long[] sizes = new long[shape.Rank];
        for (int axis = 0; axis < sizes.Length; axis++) sizes[axis] = axis == dynamicAxis ? -1 : shape[axis];
        return Add("Reshape", name, x, shape, [Constant($"{name}.shape", sizes)]) with { DynamicAxis = dynamicAxis };
    }

    /// <summary>Adds a parameter's values, as the kernels take them. Returns its name.</summary>
    public string Constant(Parameter parameter) => Constant(parameter.Name, parameter.Shape, parameter.Value.ToArray());

    /// <summary>Adds an array. Returns its name.</summary>
    public string Constant(string name, Shape shape, float[] values) => Constant(name, Sizes(shape), FloatType, tensor => tensor.Elements(9, values));

    /// <inheritdoc cref="Constant(string, Shape, float[])"/>
    public string Constant(string name, params long[] values) => Constant(name, [values.Length], Int64Type, tensor => tensor.Elements(9, values));

    /// <summary>Writes the model.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ProtobufWriter model = new();
        WriteModel(model);
        AtomicFile.Write(path, stream => stream.Write(model.Content));
    }

    // TensorProto; its raw_data is what the caller writes.
    private string Constant(string name, int[] sizes, int type, Action<ProtobufWriter> writeData)
    {
        _constants.Add(tensor =>
        {
            foreach (int size in sizes) tensor.Integer(1, size); // dims
            tensor.Integer(2, type); // data_type
            tensor.Text(8, name); // name
            writeData(tensor); // raw_data
        });
        return name;
    }

    // ModelProto
    private void WriteModel(ProtobufWriter model)
    {
        model.Integer(1, FormatVersion); // ir_version
        model.Text(2, "Engine"); // producer_name
        model.Text(3, typeof(OnnxGraph).Assembly.GetName().Version!.ToString(3)); // producer_version
        model.Text(6, description); // doc_string
        model.Message(7, WriteGraph); // graph
        model.Message(8, set => set.Integer(2, OperatorSet)); // opset_import: OperatorSetIdProto.version; no domain is ONNX's own
    }

    // GraphProto
    private void WriteGraph(ProtobufWriter graph)
    {
        foreach (Node node in _nodes) graph.Message(1, message => WriteNode(message, node)); // node
        graph.Text(2, Name); // name
        foreach (Action<ProtobufWriter> constant in _constants) graph.Message(5, constant); // initializer
        graph.Text(10, description); // doc_string
        graph.Message(11, message => WriteValue(message, _input!)); // input
        foreach (Port output in _outputs) graph.Message(12, message => WriteValue(message, output)); // output
        foreach (OnnxValue value in _nodes.Select(node => node.Output).Where(value => NameOf(value.Name) == value.Name))
        {
            graph.Message(13, message => WriteValue(message, new Port(value.Name, "", value))); // value_info
        }
    }

    // NodeProto
    private void WriteNode(ProtobufWriter message, Node node)
    {
        foreach (string input in node.Inputs) message.Text(1, NameOf(input)); // input
        message.Text(2, NameOf(node.Output.Name)); // output
        message.Text(3, node.Output.Name); // name
        message.Text(4, node.Operation); // op_type
        foreach (OnnxSetting setting in node.Settings) message.Message(5, setting.Write); // attribute
    }

    // ValueInfoProto
    private void WriteValue(ProtobufWriter info, Port port)
    {
        info.Text(1, port.Name); // name
        info.Message(2, type => type.Message(1, tensor => // type: TypeProto.tensor_type
        {
            tensor.Integer(1, FloatType); // elem_type
            tensor.Message(2, shape => // shape: TensorShapeProto
            {
                for (int axis = 0; axis < port.Value.Shape.Rank; axis++) shape.Message(1, DimensionOf(port.Value, axis)); // dim
            });
        }));
        if (port.Description.Length > 0) info.Text(3, port.Description); // doc_string
    }

    // TensorShapeProto.Dimension: a number, or for example N or T-114.
    private Action<ProtobufWriter> DimensionOf(OnnxValue value, int axis)
    {
        int size = value.Shape[axis];
        if (axis != value.DynamicAxis) return dimension => dimension.Integer(1, size); // dim_value
        OnnxValue input = _input!.Value;
        int longer = size - input.Shape[input.DynamicAxis];
        return dimension => dimension.Text(2, longer == 0 ? _symbol : $"{_symbol}{longer:+0;-0}"); // dim_param
    }

    // A value that is an output has the output's name.
    private string NameOf(string value) => _outputs.Find(output => output.Value.Name == value)?.Name ?? value;

    private static int[] Sizes(Shape shape)
    {
        int[] sizes = new int[shape.Rank];
        for (int axis = 0; axis < sizes.Length; axis++) sizes[axis] = shape[axis];
        return sizes;
    }

    private sealed record Node(string Operation, string[] Inputs, OnnxValue Output, OnnxSetting[] Settings);

    /// <summary>A value as seen from outside.</summary>
    private sealed record Port(string Name, string Description, OnnxValue Value);
}
