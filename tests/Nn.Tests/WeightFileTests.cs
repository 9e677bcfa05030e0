using Engine.Kernels;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Nn.Tests;

public sealed class WeightFileTests : IDisposable
{
    private readonly IBackend _backend = Backends.CreateCpu(1);
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _backend.Dispose();
    }

    private string File => _folder.PathOf("weights.npz");

    [Fact]
    public void WhatIsWrittenIsReadInFileLayout()
    {
        using Sequential network = Create(), other = Create();
        float[][] arrays = [.. network.Parameters.Select((parameter, i) => Counting(parameter.Shape.Length, 1000 * i))];
        for (int i = 0; i < arrays.Length; i++) network.Parameters[i].Load(_backend, arrays[i]);

        // In memory kernels are flipped: the first of 3×3 numbers is the file's ninth.
        Assert.Equal(8, network.Parameters[0].Value.ToArray()[0]);
        Assert.Equal(1000, network.Parameters[1].Value.ToArray()[0]);
        network.Save(File);
        WeightFile file = WeightFile.Read(File);
        Assert.Equal(arrays, file.Arrays.Select(array => array.ToSingle()));
        Assert.Equal([3, 2, 3, 3], file.Arrays[0].Shape.ToArray());
        Assert.True(file.Fits(other));
        file.LoadInto(other, "a network", _backend);
        Assert.Equal(network.Parameters.Select(p => p.Value.ToArray()), other.Parameters.Select(p => p.Value.ToArray()));
    }

    [Fact]
    public void AModuleIsSavedAndLoadedInOneCall()
    {
        using Sequential network = Create(), other = Create();
        Initializers.Initialize(network, _backend, WeightInitializer.HeNormal, new RandomSource(2));
        network.Save(File);
        other.Load(File, _backend);
        Assert.Equal(network.Parameters.Select(p => p.Value.ToArray()), other.Parameters.Select(p => p.Value.ToArray()));
        using Dense dense = new(2, 3) { Name = "dense" };
        Failure.Says(() => dense.Load(File, _backend), File, "3×2×3×3", "2×3", "dense.weight");
        Failure.Says<InvalidOperationException>(() => dense.Save(File), "dense.weight", "no values");
    }

    [Fact]
    public void TrainedParametersAreWrittenToo()
    {
        using Sequential network = Create(), other = Create();
        Initializers.Initialize(network, _backend, WeightInitializer.HeNormal, new RandomSource(2));
        using TrainableParameters parameters = new(network, _backend);
        network.Save(File);
        WeightFile.Read(File).LoadInto(other, "a network", _backend);
        Assert.Equal(network.Parameters.Select(p => p.Value.ToArray()), other.Parameters.Select(p => p.Value.ToArray()));
    }

    [Fact]
    public void LoadingIntoTrainedParametersReachesTheFlatArray()
    {
        using Sequential network = Create();
        Initializers.Initialize(network, _backend, WeightInitializer.HeNormal, new RandomSource(2));
        network.Save(File);
        using TrainableParameters parameters = new(network, _backend);
        float[] before = parameters.Values.ToArray();
        _backend.Upload(new float[before.Length], parameters.Values.View);
        WeightFile.Read(File).LoadInto(network, "a network", _backend);
        Assert.Equal(before, parameters.Values.ToArray());
        Assert.All(network.Parameters.Where(p => p.IsTrained), p => Assert.True(p.Value.RequiresGradient));
    }

    [Fact]
    public void OtherNetworksFilesAreRefused()
    {
        using Sequential network = Create();
        Initializers.Initialize(network, _backend, WeightInitializer.HeNormal, new RandomSource(2));
        network.Save(File);
        using Dense dense = new(2, 3) { Name = "dense" };
        WeightFile file = WeightFile.Read(File);
        Assert.False(file.Fits(dense));
        Failure.Says(() => file.LoadInto(dense, "a layer", _backend), File, "a layer", "3×2×3×3", "2×3", "dense.weight");
    }

    [Fact]
    public void ADigestIsThatOfTheWeightsNotOfTheFile()
    {
        using Sequential network = Create();
        Initializers.Initialize(network, _backend, WeightInitializer.HeNormal, new RandomSource(2));
        network.Save(File);
        string digest = WeightFile.Read(File).Digest;
        Assert.Matches("^[0-9a-f]{32}$", digest);
        network.Save(File, "{\"a\":1}");
        WeightFile file = WeightFile.Read(File);
        Assert.Equal((digest, "{\"a\":1}"), (file.Digest, file.Comment));
        network.Parameters[0].Load(_backend, new float[network.Parameters[0].Shape.Length]);
        network.Save(File);
        Assert.NotEqual(digest, WeightFile.Read(File).Digest);
    }

    [Fact]
    public void ShapesAreJudgedBeforeValuesAreRead()
    {
        const int length = 12 << 20;
        NpzFile.Write(File, [("param0", new NpyArray([length], new float[length]))]);
        using Sequential network = Create();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Failure.Says(() => WeightFile.Read(File).LoadInto(network, "a network", _backend), $"param0 is {length}, not 3×2×3×3");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        NpzFile.Write(File, [("param0", new NpyArray([length], new float[length])), ("param1", new NpyArray([length], new float[length]))]);
        Failure.Says(() => WeightFile.Read(File), File, "holds more than");
    }

    private static Sequential Create() => new(
        new Conv2d(2, 3, 3) { Name = "conv" }, new BatchNorm(3) { Name = "norm" },
        new ConvTranspose2d(3, 2, 4, stride: 2, padding: 1, bias: false) { Name = "up" }, new Dense(4, 5) { Name = "dense" });

    private static float[] Counting(int length, int start) => [.. Enumerable.Range(start, length).Select(i => (float)i)];
}
