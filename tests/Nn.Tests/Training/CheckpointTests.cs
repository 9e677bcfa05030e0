using Engine.Kernels;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Nn.Tests;

public sealed class CheckpointTests : IDisposable
{
    private readonly IBackend _backend = Backends.CreateCpu(1);
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _backend.Dispose();
    }

    private string File => _folder.PathOf("checkpoint.npz");

    [Fact]
    public void EverythingComesBackToTheBit()
    {
        float[] values = [1, -0.0f, float.Epsilon, float.MaxValue, -float.Epsilon, float.MinValue];
        double[] numbers = [Math.PI, 1L << 53, double.NaN, double.Epsilon, -0.0];
        ulong[] words = [0, 1, uint.MaxValue, 1ul << 32, 1ul << 53, (1ul << 53) + 1, long.MaxValue, 1ul << 63, ulong.MaxValue - 1, ulong.MaxValue];
        using Tensor tensor = Tensor.From(_backend, new Shape(2, 3), values), back = Tensor.From(_backend, new Shape(2, 3), new float[6]);
        Checkpoint written = new();
        written.Put("values", tensor);
        written.Put("numbers", numbers);
        written.Put("epoch", 17);
        written.Put("words", words);
        written.PutText("text", "cpu (256-bit)\u00fc");
        written.Write(File);
        Checkpoint read = Checkpoint.Read(File);
        read.Take("values", back);
        Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), back.ToArray().Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(numbers.Select(BitConverter.DoubleToInt64Bits), read.Numbers("numbers").Select(BitConverter.DoubleToInt64Bits));
        Assert.Equal(17, read.Number("epoch"));
        Assert.Equal(17, read.Count("epoch", 0, 17));
        Assert.Equal("cpu (256-bit)\u00fc", read.Text("text"));
        Assert.Equal(words, read.Words("words"));
    }

    [Fact]
    public void ARandomSourceContinues()
    {
        RandomSource random = new(5);
        Checkpoint checkpoint = new();
        checkpoint.Put("random", random.State);
        checkpoint.Write(File);
        RandomSource restored = RandomSource.FromState(Checkpoint.Read(File).Words("random"));
        for (int i = 0; i < 10; i++) Assert.Equal(random.NextUInt64(), restored.NextUInt64());
    }

    [Fact]
    public void WhatDoesNotFitIsSaid()
    {
        Checkpoint checkpoint = new();
        using Tensor three = Tensor.From(_backend, new Shape(3), [1f, 2f, 3f]), four = Tensor.Allocate(_backend, new Shape(4));
        checkpoint.Put("three", three);
        checkpoint.Put("fraction", 1, 0.5);
        checkpoint.Put("negative", 1, -1);
        checkpoint.Put("large", 1, 1L << 32);
        checkpoint.Put("odd", 1, 2, 3);
        Failure.Says(() => checkpoint.Take("three", four), "'three'");
        Failure.Says(() => checkpoint.Take("four", four), "'four'");
        Failure.Says(() => checkpoint.Number("three"), "'three'");
        Failure.Says(() => checkpoint.Numbers("four"), "'four'");
        Failure.Says(() => checkpoint.Words("four"), "'four'");
        checkpoint.Put("half", 0.5);
        checkpoint.Put("nan", double.NaN);
        using Tensor broken = Tensor.From(_backend, new Shape(3), [1f, float.NaN, 3f]);
        checkpoint.Put("broken", broken);
        Failure.Says(() => checkpoint.Take("broken", three), "'broken'", "NaN");
        foreach (string name in (string[])["half", "nan"]) Failure.Says(() => checkpoint.Count(name, 0, 9), $"'{name}'", "whole number from 0 to 9");
        Failure.Says(() => checkpoint.Text("half"), "'half'");
        foreach (string name in (string[])["fraction", "negative", "large", "odd"]) Failure.Says(() => checkpoint.Words(name), $"'{name}'");
    }

    [Fact]
    public void OtherFilesAreRefused()
    {
        Failure.Says(() => Checkpoint.Read(File), File, "does not exist");
        NpzFile.Write(File, [("param0", new NpyArray([1], new float[1]))]);
        Failure.Says(() => Checkpoint.Read(File), File, "not a checkpoint");
        NpzFile.Write(File, [("checkpoint_version", new NpyArray([1], new double[] { 2 }))]);
        Failure.Says(() => Checkpoint.Read(File), File, "version 2");
        NpzFile.Write(File, [("checkpoint_version", new NpyArray([2], new double[] { 1, 1 }))]);
        Failure.Says(() => Checkpoint.Read(File), "checkpoint_version");
    }

    [Fact]
    public void ADamagedFileIsRefused()
    {
        RandomSource random = new(1);
        Checkpoint checkpoint = new();
        checkpoint.Put("numbers", [.. Enumerable.Range(0, 200).Select(_ => random.NextDouble())]);
        checkpoint.Write(File);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length < whole.Length; length += 97) Failure.Says(() => Checkpoint.Read(_folder.Put("cut.npz", whole[..length])), "cut.npz");
        byte[] flipped = [.. whole];
        flipped[whole.Length / 2] ^= 0x10;
        Failure.Says(() => Checkpoint.Read(_folder.Put("flipped.npz", flipped)), "flipped.npz");
    }

    [Fact]
    public void AFailureWhileWritingLeavesTheOldFile()
    {
        Checkpoint old = new();
        old.Put("epoch", 1);
        old.Write(File);
        byte[] before = System.IO.File.ReadAllBytes(File);

        // The second name is refused when the first array is written already.
        Checkpoint next = new();
        next.Put("epoch", 2);
        next.Put("../outside", 3);
        Assert.Throws<ArgumentException>(() => next.Write(File));
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
        Assert.Equal([File], Directory.GetFileSystemEntries(_folder.Folder));
        Assert.Equal(1, Checkpoint.Read(File).Number("epoch"));
    }
}
