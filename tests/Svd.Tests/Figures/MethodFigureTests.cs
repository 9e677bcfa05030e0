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
        .. new[] { MaskSize.Threshold(0.6), MaskSize.Share(0.2) }.SelectMany(size => new[] { "inversion", "random" }.Select(
            (method, i) => new MethodRow(
                method, default, size, 20, new Estimate(10, 5, 15), new Estimate(40 * i, 0, 60), new Estimate(3, 2, 4), 3, new Estimate(70, 60, 80), 100 * i,
                null, null, null, null, null, null))),
    ];

    [Fact]
    public void ThePictureHasTheSizeItSays()
    {
        using SKBitmap figure = SKBitmap.Decode(MethodFigure.RenderPng(_rows, "Heading", "Subheading"));
        Assert.Equal((MethodFigure.Width, MethodFigure.HeightOf(_rows)), (figure.Width, figure.Height));

        // Both sizes' colours are seen, those of the ends of an ordered scale.
        HashSet<SKColor> colours = [.. figure.Pixels];
        Assert.Contains(new ScottPlot.Colormaps.Viridis().GetColor(0).ToSKColor(), colours);
        Assert.Contains(new ScottPlot.Colormaps.Viridis().GetColor(0.8).ToSKColor(), colours);
        Assert.DoesNotContain(new ScottPlot.Colormaps.Viridis().GetColor(0.4).ToSKColor(), colours);
    }

    [Fact]
    public void TheSvgHasTheTextAsText()
    {
        using MemoryStream svg = new(MethodFigure.RenderSvg(_rows, "Heading", "Subheading"));
        string text = XDocument.Load(svg).Root!.Value;
        foreach (string word in (string[])["Heading", "inversion", "random", "(D) Time"]) Assert.Contains(word, text, StringComparison.Ordinal);
    }

    [Fact]
    public void TheSvgScalesAndBringsItsFont()
    {
        using MemoryStream svg = new(MethodFigure.RenderSvg(_rows, "Heading", "Subheading"));
        XElement root = XDocument.Load(svg).Root!;
        Assert.Equal($"0 0 {MethodFigure.Width} {MethodFigure.HeightOf(_rows)}", root.Attribute("viewBox")?.Value);
        Assert.Contains("font-family: Roboto; src: url(data:font/ttf;base64,", root.Element(root.Name.Namespace + "style")!.Value, StringComparison.Ordinal);
        string[] families = [.. root.Descendants().Attributes("font-family").Select(attribute => attribute.Value).Distinct()];
        Assert.Equal(["Roboto, Helvetica, Arial, sans-serif"], families);
    }
}
