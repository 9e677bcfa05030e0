using Engine.Svd.Evaluate;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Evaluate;

public class ContiguityTests
{
    [Theory]
    [InlineData(0, 0.0, "....", "....")]
    [InlineData(1, 1.0, "#...", "....")]
    [InlineData(2, 0.5, "#...", ".#..")] // corners do not touch
    [InlineData(1, 1.0, "##..", ".#..")]
    [InlineData(3, 0.5, "##.#", "....", "#...")]
    [InlineData(1, 1.0, "####", "#..#", "####")] // a ring
    [InlineData(2, 8 / 9.0, "###..", "#.#.#", "###..")]
    public void OfADrawing(int components, double largest, params string[] drawing)
    {
        // At each end of the excerpt: a line of the drawing is a frame, its letters are the lowest or the highest bands.
        foreach ((int frame, int band) in new[] { (0, 0), (ExcerptFrames - drawing.Length, Bands - drawing[0].Length) })
        {
            float[] mask = new float[ExcerptLength];
            for (int row = 0; row < drawing.Length; row++)
            for (int column = 0; column < drawing[row].Length; column++)
            {
                mask[(frame + row) * Bands + band + column] = drawing[row][column] == '#' ? 1 : 0;
            }

            Assert.Equal(new Contiguity(components, largest), Contiguity.Of(mask));
        }
    }

    [Fact]
    public void AFramesHighestBandIsNoNeighbourOfTheNextFramesLowest()
    {
        float[] mask = new float[ExcerptLength];
        mask[Bands - 1] = mask[Bands] = 1;
        Assert.Equal(new Contiguity(2, 0.5), Contiguity.Of(mask));
        Array.Fill(mask, 1);
        Assert.Equal(new Contiguity(1, 1), Contiguity.Of(mask));
    }
}
