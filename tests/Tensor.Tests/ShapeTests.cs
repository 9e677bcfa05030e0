namespace Engine.Tensors.Tests;

public class ShapeTests
{
    [Fact]
    public void SizesAreKept()
    {
        Shape shape = new(2, 3, 5, 7);
        Assert.Equal((4, 210), (shape.Rank, shape.Length));
        Assert.Equal([2, 3, 5, 7], Enumerable.Range(0, shape.Rank).Select(axis => shape[axis]));
        Assert.Throws<ArgumentOutOfRangeException>(() => shape[4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => shape[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Shape(3)[1]);
    }

    [Fact]
    public void EqualMeansTheSameAxes()
    {
        Assert.Equal(new Shape(2, 3), new Shape(2, 3));
        Assert.NotEqual(new Shape(2, 3), new Shape(3, 2));
        Assert.NotEqual(new Shape(2, 3), new Shape(2, 3, 1));
        Assert.True(new Shape(2, 3).Is(2, 3));
        Assert.False(new Shape(2, 3).Is(2));
        Assert.False(new Shape(2, 3).Is(2, 3, 1));
        Assert.False(new Shape(2, 3).Is(2, 4));
    }

    [Theory]
    [InlineData("5", 5)]
    [InlineData("5×1", 5, 1)]
    [InlineData("2×3×4", 2, 3, 4)]
    [InlineData("32×1×115×80", 32, 1, 115, 80)]
    public void TextIsWhatPeopleWrite(string expected, params int[] sizes) => Assert.Equal(expected, new Shape(sizes).ToString());

    [Theory]
    [InlineData]
    [InlineData(0)]
    [InlineData(3, -1)]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1 << 16, 1 << 15)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue)]
    public void WhatNoTensorHasIsRefused(params int[] sizes) => Assert.Throws<ArgumentException>(() => new Shape(sizes));

    [Fact]
    public void TheLargestIsTaken() => Assert.Equal(int.MaxValue, new Shape(int.MaxValue, 1).Length);
}
