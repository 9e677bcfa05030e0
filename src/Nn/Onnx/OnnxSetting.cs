namespace Engine.Nn.Onnx;

/// <summary>A named setting of an ONNX operator, there called attribute: a number or a list of integers.</summary>
public sealed class OnnxSetting
{
    // AttributeProto.AttributeType
    private const int FloatType = 1, IntsType = 7;

    private readonly string _name;
    private readonly float _number;
    private readonly int[]? _integers;

    /// <summary>A number.</summary>
    public OnnxSetting(string name, float number) => (_name, _number) = (name, number);

    /// <summary>A list of integers.</summary>
    public OnnxSetting(string name, params int[] integers) => (_name, _integers) = (name, integers);

    /// <summary>Writes the AttributeProto.</summary>
    internal void Write(ProtobufWriter message)
    {
        message.Text(1, _name); // name
        if (_integers is null) message.Number(2, _number); // f
        foreach (int integer in _integers ?? []) message.Integer(8, integer); // ints
        message.Integer(20, _integers is null ? FloatType : IntsType); // type
    }
}
