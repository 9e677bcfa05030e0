using System.Xml.Linq;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Figures;
using SkiaSharp;

namespace Engine.Svd.Tests;

public class MethodFigureTests
{
    private static readonly MethodRow[] _rows =
    [
        .. new[] { new MaskSize(0.6, IsThreshold: true), new MaskSize(0.2, IsThreshold: false) }.SelectMany(size => new[] { "inversion", "random" }.Select(
            (method, i) => new MethodRow(
                method, default, size, 20, new Estimate(10, 5, 15), new Estimate(40 * i, 0, 60), new Estimate(3, 2, 4), 3, new Estimate(70, 60, 80), 100 * i,
                null, null))),
    ];

    [Fact]
    public void ThePictureHasTheSizeItSays()
    {
        using SKBitmap figure = SKBitmap.Decode(MethodFigure.RenderPng(_rows, "Heading", "Subheading"));
        Assert.Equal((MethodFigure.Width, MethodFigure.HeightOf(_rows)), (figure.Width, figure.Height));

        // Both sizes' colours are seen.
        HashSet<SKColor> colours = [.. figure.Pixels];
        Assert.Contains(SKColor.Parse("#0072B2"), colours);
        Assert.Contains(SKColor.Parse("#D55E00"), colours);
        Assert.DoesNotContain(SKColor.Parse("#009E73"), colours);
    }

    [Fact]
    public void TheSvgHasTheTextAsText()
    {
        using MemoryStream svg = new(MethodFigure.RenderSvg(_rows, "Heading", "Subheading"));
        string text = XDocument.Load(svg).Root!.Value;
        foreach (string word in (string[])["Heading", "inversion", "random", "(D) Time"]) Assert.Contains(word, text, StringComparison.Ordinal);
    }
}
