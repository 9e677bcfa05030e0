using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Engine.Nn.Onnx;

/// <summary>
/// Writes a message of the protocol buffers wire format: fields one after the other, each a tag (number · 8 + wire type) and a value.
/// See https://protobuf.dev/programming-guides/encoding.
/// </summary>
internal sealed class ProtobufWriter
{
    private const int VarintType = 0, LengthDelimitedType = 2, Fixed32Type = 5;

    private readonly ArrayBufferWriter<byte> _content = new();

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Content => _content.WrittenSpan;

    /// <summary>An integer (int32, int64, enumeration) of seven bits a byte, the lowest first; negative ones take ten bytes.</summary>
    public void Integer(int field, long value)
    {
        Tag(field, VarintType);
        Varint((ulong)value);
    }

    /// <summary>A number (float) in four bytes.</summary>
    public void Number(int field, float value)
    {
        Tag(field, Fixed32Type);
        BinaryPrimitives.WriteSingleLittleEndian(Take(sizeof(float)), value);
    }

    /// <summary>Text, in UTF-8.</summary>
    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Bytes with their number before them.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value) => value.CopyTo(Reserve(field, value.Length));

    /// <summary>Bytes that are the little-endian elements of an array.</summary>
    public void Elements(int field, ReadOnlySpan<float> values)
    {
        Span<byte> bytes = Reserve(field, checked(values.Length * sizeof(float)));
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes[(i * sizeof(float))..], values[i]);
    }

    /// <inheritdoc cref="Elements(int, ReadOnlySpan{float})"/>
    public void Elements(int field, ReadOnlySpan<long> values)
    {
        Span<byte> bytes = Reserve(field, checked(values.Length * sizeof(long)));
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes[(i * sizeof(long))..], values[i]);
    }

    /// <summary>A message in the message. Its length comes first, so it is written aside.</summary>
    public void Message(int field, Action<ProtobufWriter> write)
    {
        ProtobufWriter inner = new();
        write(inner);
        Bytes(field, inner.Content);
    }

    private Span<byte> Reserve(int field, int length)
    {
        Tag(field, LengthDelimitedType);
        Varint((ulong)length);
        return Take(length);
    }

    private void Tag(int field, int wireType) => Varint(((ulong)field << 3) | (uint)wireType);

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) Take(1)[0] = (byte)(value | 0x80);
        Take(1)[0] = (byte)value;
    }

    private Span<byte> Take(int length)
    {
        Span<byte> taken = _content.GetSpan(length)[..length];
        _content.Advance(length);
        return taken;
    }
}
