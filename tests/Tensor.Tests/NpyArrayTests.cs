namespace Engine.Tensors.Tests;

public sealed class NpyArrayTests
{
    [Fact]
    public void IsImmutable()
    {
        int[] shape = [2];
        float[] values = [1, 2];
        NpyArray array = new(shape, values);
        shape[0] = 9;
        values[0] = 9;
        array.ToSingle()[1] = 9;

        Assert.Equal([2], array.Shape);
        Assert.Equal([1f, 2f], array.ToSingle());
    }

    [Fact]
    public void ConvertsBetweenTheTypes()
    {
        NpyArray singles = new([1, 2], [0.1f, float.NaN]);
        NpyArray doubles = new([2], [0.1, 1e300]);

        Assert.Equal((false, true), (singles.IsDouble, doubles.IsDouble));
        Assert.Equal([(double)0.1f, double.NaN], singles.ToDouble());
        Assert.Equal([0.1, 1e300], doubles.ToDouble());
        Assert.Equal([0.1f, float.PositiveInfinity], doubles.ToSingle());
    }

    [Theory]
    [InlineData(3, new[] { 2 })]
    [InlineData(0, new int[0])]
    [InlineData(1, new[] { -1, -1 })]
    [InlineData(1, new[] { 0 })]
    [InlineData(0, new[] { 65536, 65536, 65536, 65536 })]
    public void RefusesAShapeThatDoesNotFit(int length, int[] shape)
    {
        Assert.Throws<ArgumentException>(() => new NpyArray(shape, new float[length]));
        Assert.Throws<ArgumentException>(() => new NpyArray(shape, new double[length]));
    }

    [Fact]
    public void RefusesMoreAxesThanNumPyHas() =>
        Assert.Throws<ArgumentException>(() => new NpyArray([.. Enumerable.Repeat(1, NpyArray.MaxRank + 1)], new float[1]));
}
