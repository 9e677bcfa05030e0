using System.Reflection;
using Engine.Svd.Audio.Formats;
using NLayer;

namespace Engine.Svd.Tests.Audio;

public sealed class Mp3HuffmanTests
{
    // 1440 bytes: layer III of MPEG 2.5 at 8 kHz, one channel, 160 kbit/s. Its side information has 9 bytes.
    private static readonly byte[] _header = [0xFF, 0xE3, 0xE8, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    // What is written comes back, and NLayer reads the same: its values are to the power of 4/3.
    [Fact]
    public void EveryPairOfEveryTable()
    {
        Assembly nLayer = typeof(MpegFrameDecoder).Assembly;
        Type reservoirType = nLayer.GetType("NLayer.Decoder.BitReservoir", throwOnError: true)!;
        MethodInfo decode = nLayer.GetType("NLayer.Decoder.Huffman", throwOnError: true)!.GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Single(method => method.Name == "Decode" && method.GetParameters().Length == 4);
        for (int table = 0; table < 32; table++)
        {
            List<(int X, int Y)> pairs = PairsOf(table);
            BitWriter written = new(1440 - _header.Length);
            foreach ((int x, int y) in pairs) Mp3Huffman.Write(written, table, x, y);

            BitReader read = new(written.Bytes);
            foreach ((int, int) pair in pairs) Assert.Equal(pair, Mp3Huffman.Read(ref read, table));
            Assert.Equal(written.Position, read.Position);

            byte[] frame = new byte[1440];
            _header.CopyTo(frame, 0);
            written.Bytes.CopyTo(frame.AsSpan(_header.Length));
            Mp3Frame mp3 = new();
            mp3.Set(Mp3Header.Parse(frame)!.Value, frame);
            mp3.ReadBits(8 * 9);
            object reservoir = Activator.CreateInstance(reservoirType)!;
            reservoirType.GetMethod("AddBits")!.Invoke(reservoir, [mp3, 0]);
            foreach ((int x, int y) in pairs)
            {
                object[] arguments = [reservoir, table, 0f, 0f];
                decode.Invoke(null, arguments);
                Assert.Equal((Power(x), Power(y)), ((double)(float)arguments[2], (double)(float)arguments[3]));
            }

            Assert.Equal((long)written.Position, reservoirType.GetProperty("BitsRead")!.GetValue(reservoir));
        }
    }

    private static double Power(int value) => Math.Sign(value) * (double)(float)Math.Pow(Math.Abs(value), 4.0 / 3);

    // All pairs without further bits, with all signs in turn, and the largest values that there are.
    private static List<(int X, int Y)> PairsOf(int table)
    {
        int[] most = [0, 1, 2, 2, 0, 3, 3, 5, 5, 5, 7, 7, 7, 15, 0, 15], furtherBits = [1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13];
        int last = table < 16 ? most[table] : 14, largest = table < 16 ? last : 14 + (1 << furtherBits[table - 16]);
        List<(int X, int Y)> pairs = [(largest, -largest), (-largest, 0), (0, largest), (largest, last)];
        for (int x = 0; x <= last; x++)
        for (int y = 0; y <= last; y++) pairs.Add(((pairs.Count & 1) == 0 ? x : -x, (pairs.Count & 2) == 0 ? y : -y));
        return pairs;
    }
}
