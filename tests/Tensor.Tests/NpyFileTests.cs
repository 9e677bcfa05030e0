using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using CsCheck;
using Engine.Kernels;
using Engine.Tests;

namespace Engine.Tensors.Tests;

public sealed class NpyFileTests : IDisposable
{
    private readonly TempFolder temp = new();

    /// <summary>Arrays of 0 to 4 axes, some of them empty, of any bits (NaN and infinity among them).</summary>
    public static Gen<NpyArray> Arrays { get; } =
        from shape in Gen.Int[0, 5].Array[0, 4]
        from isDouble in Gen.Bool
        from seed in Gen.Int
        select Make(shape, isDouble, seed);

    public void Dispose() => temp.Dispose();

    [Fact]
    public void WhatIsWrittenIsReadBack() => Arrays.Sample(array => Same(array, FromBytes(ToBytes(array))));

    [Fact]
    public void LargeArraysPassInChunks()
    {
        NpyArray array = Make([3, 50_001], isDouble: false, seed: 1);
        string path = temp.PathOf("a.npy");
        NpyFile.Write(path, array);
        Assert.True(Same(array, NpyFile.Read(path)));
    }

    [Theory]
    [InlineData(new int[0], "()")]
    [InlineData(new[] { 3 }, "(3,)")]
    [InlineData(new[] { 3, 1, 2 }, "(3, 1, 2)")]
    public void TheHeaderIsWhatNumPyWrites(int[] shape, string tuple)
    {
        byte[] bytes = ToBytes(Make(shape, isDouble: false, seed: 1));
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple}, }}".PadRight(64 * 2 - 10 - 1) + "\n";
        Assert.Equal([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header)], bytes[..128]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ReadsEveryVersion(byte version)
    {
        NpyArray array = FromBytes(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", Floats(1, 2, 3, 4, 5, 6), version));
        Assert.Equal([2, 3], array.Shape);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], array.ToSingle());
    }

    [Fact]
    public void ReordersFortranOrder()
    {
        NpyArray matrix = FromBytes(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", Floats(1, 4, 2, 5, 3, 6)));
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], matrix.ToSingle());

        // Value 100 i + 10 j + k at (i, j, k); in Fortran order i runs fastest.
        float[] fortran = [.. from k in Enumerable.Range(0, 4) from j in Enumerable.Range(0, 3) from i in Enumerable.Range(0, 2)
                              select (100f * i) + (10 * j) + k];
        float[] c = [.. from i in Enumerable.Range(0, 2) from j in Enumerable.Range(0, 3) from k in Enumerable.Range(0, 4)
                        select (100f * i) + (10 * j) + k];
        NpyArray cube = FromBytes(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }", Floats(fortran)));
        Assert.Equal(c, cube.ToSingle());
    }

    [Theory]
    [InlineData("{'descr':'<f4','fortran_order':False,'shape':(2,)}")]
    [InlineData("  {\"shape\": ( 2 , ) , \"descr\": \"<f4\", \"fortran_order\": False}  \n\n")]
    [InlineData("{'shape': (2L,), 'fortran_order': True, 'descr': '<f4'}")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }")]
    public void ReadsOtherWritersHeaders(string header) => Assert.Equal([1f, 2f], FromBytes(Npy(header, Floats(1, 2))).ToSingle());

    [Theory]
    [InlineData("", "'{' was expected")]
    [InlineData("{}", "is missing")]
    [InlineData("{'descr': '<f4', 'shape': (2,)}", "is missing")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "'descr' is unknown or repeated")]
    [InlineData("{'descr': '<f4', 'order': 'C', 'shape': (2,)}", "'order' is unknown")]
    [InlineData("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "True or False was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", "',' was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", "',' was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2}", "')' was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': 2}", "'(' was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (x,)}", "a size was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", "'}' was expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "text follows")]
    [InlineData("{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}", "values of type '<f4, '")]
    [InlineData("{'descr: ", "a string does not end")]
    [InlineData("{descr: '<f4'}", "a string was expected")]
    [InlineData("{'descr' '<f4'}", "':' was expected")]
    [InlineData("{'a\nb': 1}", "'a\\x0Ab' is unknown")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", "big-endian", "little-endian float32")]
    [InlineData("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", "values of type '<i8'", "float64")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", "values of type '|u1'")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "structured")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "negative size")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "an axis of '99999999999999999999' values")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (65536, 65536, 65536, 65536)}", "more values", "65536 × 65536")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2000000000,)}", "truncated", "16000000")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "truncated", "asks for")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "more data than its header says")]
    public void SaysWhatIsWrongWithAHeader(string header, params string[] words) =>
        Failure.Says(() => FromBytes(Npy(header, Floats(1, 2))), ["the array", .. words]);

    [Fact]
    public void RefusesMoreAxesThanNumPyHas() => Failure.Says(
        () => FromBytes(Npy($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Join(", ", new int[40])})}}", [])), "40 axes");

    [Fact]
    public void SaysThatTheMagicIsWrong() => Failure.Says(() => FromBytes([.. "PNG, not an array"u8]), "the array", "is not a .npy array");

    [Fact]
    public void SaysThatTheVersionIsUnknown() => Failure.Says(() => FromBytes(Npy("{}", [], version: 4)), "version 4.0");

    [Fact]
    public void SaysThatTheHeaderIsAbsurd()
    {
        byte[] bytes = Npy("{}", [], version: 2);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 0xFFFF_FFF0);
        Failure.Says(() => FromBytes(bytes), "the array", "header of 4294967280 bytes");
    }

    [Fact]
    public void EveryTruncationIsNoticed()
    {
        byte[] bytes = ToBytes(Make([2, 3], isDouble: true, seed: 1));
        for (int length = 0; length < bytes.Length; length++) Failure.Says(() => FromBytes(bytes[..length]), "the array", "is truncated");
    }

    [Fact]
    public void AClaimThatTheStreamDoesNotKeepFailsBeforeItIsAllocated()
    {
        byte[] bytes = Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}", Floats(1, 2));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Failure.Says(() => NpyFile.Read(new MemoryStream(bytes), "the array", bytes.Length - 8 + 4_000_000_000), "is truncated");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void SaysThatTheStreamHoldsMoreThanItsLength()
    {
        byte[] bytes = ToBytes(Make([2], isDouble: false, seed: 1));
        Failure.Says(() => NpyFile.Read(new MemoryStream([.. bytes, 0]), "the array", bytes.Length), "the array", "more data");
    }

    [Fact]
    public void NamesTheFile() => Failure.Says(() => NpyFile.Read(temp.Put("a.npy", [1, 2, 3])), "a.npy", "truncated");

    [Fact]
    public void DamageNeverEscapesAsAnotherException()
    {
        byte[] bytes = Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", Floats(1, 2));
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte).Sample((index, value) =>
        {
            byte[] damaged = (byte[])bytes.Clone();
            damaged[index] = value;
            try
            {
                FromBytes(damaged);
            }
            catch (EngineException)
            {
            }
        });
    }

    /// <summary>A .npy file of this header and data.</summary>
    internal static byte[] Npy(string header, byte[] data, byte version = 1)
    {
        byte[] size = new byte[version == 1 ? 2 : 4];
        BinaryPrimitives.WriteUInt16LittleEndian(size, (ushort)header.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. size, .. Encoding.Latin1.GetBytes(header), .. data];
    }

    internal static byte[] Floats(params float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();

    internal static NpyArray Make(int[] shape, bool isDouble, int seed)
    {
        int count = shape.Aggregate(1, (product, size) => product * size);
        byte[] bits = new byte[count * sizeof(double)];
        new Random(seed).NextBytes(bits);
        return isDouble
            ? new NpyArray(shape, MemoryMarshal.Cast<byte, double>(bits).ToArray())
            : new NpyArray(shape, MemoryMarshal.Cast<byte, float>(bits)[..count].ToArray());
    }

    /// <summary>Whether shape, type and every bit agree.</summary>
    internal static bool Same(NpyArray a, NpyArray b) =>
        a.Shape.SequenceEqual(b.Shape)
        && a.IsDouble == b.IsDouble
        && MemoryMarshal.AsBytes<double>(a.ToDouble()).SequenceEqual(MemoryMarshal.AsBytes<double>(b.ToDouble()))
        && MemoryMarshal.AsBytes<float>(a.ToSingle()).SequenceEqual(MemoryMarshal.AsBytes<float>(b.ToSingle()));

    internal static byte[] ToBytes(NpyArray array)
    {
        using MemoryStream stream = new();
        NpyFile.Write(stream, array);
        return stream.ToArray();
    }

    private static NpyArray FromBytes(byte[] bytes) => NpyFile.Read(new MemoryStream(bytes), "the array", bytes.Length);
}
