using Engine.Nn.Onnx;

namespace Engine.Nn.Tests.Onnx;

/// <summary>Known answers; the first and the messages are the examples of the format's own description.</summary>
public class ProtobufWriterTests
{
    [Theory]
    [InlineData(1, 0, "08 00")]
    [InlineData(1, 1, "08 01")]
    [InlineData(1, 127, "08 7F")]
    [InlineData(1, 128, "08 80 01")]
    [InlineData(1, 150, "08 96 01")]
    [InlineData(1, 16_384, "08 80 80 01")]
    [InlineData(1, long.MaxValue, "08 FF FF FF FF FF FF FF FF 7F")]
    [InlineData(1, -1, "08 FF FF FF FF FF FF FF FF FF 01")]
    [InlineData(1, -2, "08 FE FF FF FF FF FF FF FF FF 01")]
    [InlineData(15, 1, "78 01")]
    [InlineData(16, 1, "80 01 01")]
    [InlineData(20, 7, "A0 01 07")]
    [InlineData(2047, 1, "F8 7F 01")]
    [InlineData(2048, 1, "80 80 01 01")]
    public void Integers(int field, long value, string expected) => Check(expected, writer => writer.Integer(field, value));

    [Theory]
    [InlineData(2, 1f, "15 00 00 80 3F")]
    [InlineData(2, -0f, "15 00 00 00 80")]
    [InlineData(2, 0.01f, "15 0A D7 23 3C")]
    public void Numbers(int field, float value, string expected) => Check(expected, writer => writer.Number(field, value));

    [Theory]
    [InlineData("", "12 00")]
    [InlineData("testing", "12 07 74 65 73 74 69 6E 67")]
    [InlineData("×", "12 02 C3 97")]
    public void Texts(string value, string expected) => Check(expected, writer => writer.Text(2, value));

    [Fact]
    public void LongTextsHaveLongLengths()
    {
        ProtobufWriter writer = new();
        writer.Text(1, new string('a', 300));
        Assert.Equal([0x0A, 0xAC, 0x02, (byte)'a'], writer.Content[..4].ToArray());
        Assert.Equal(303, writer.Content.Length);
    }

    [Fact]
    public void ElementsAreLittleEndian()
    {
        Check("4A 08 00 00 80 3F 00 00 00 C0", writer => writer.Elements(9, [1f, -2f]));
        Check("4A 10 FF FF FF FF FF FF FF FF 73 00 00 00 00 00 00 00", writer => writer.Elements(9, [-1L, 115L]));
        Check("4A 00", writer => writer.Elements(9, Array.Empty<float>()));
    }

    [Fact]
    public void MessagesNest()
    {
        Check("1A 03 08 96 01", writer => writer.Message(3, inner => inner.Integer(1, 150)));
        Check("0A 00", writer => writer.Message(1, _ => { }));
        Check("0A 05 12 03 1A 01 78 10 01", writer =>
        {
            writer.Message(1, middle => middle.Message(2, inner => inner.Text(3, "x")));
            writer.Integer(2, 1);
        });
    }

    private static void Check(string expected, Action<ProtobufWriter> write)
    {
        ProtobufWriter writer = new();
        write(writer);
        Assert.Equal(expected, string.Join(' ', writer.Content.ToArray().Select(b => $"{b:X2}")));
    }
}
