using System.Xml.Linq;
using Engine.Svd.Figures;
using Engine.Svd.Predict;
using SkiaSharp;

namespace Engine.Svd.Tests;

public class ReliabilityFigureTests
{
    private static readonly ReliabilityCurve _curve = ReliabilityCurve.Of([0.1f, 0.1f, 0.9f, 0.9f, 0.9f, 1], [0, 1, 1, 1, 0, 1]);

    [Fact]
    public void ThePictureHasTheSizeItSays()
    {
        using SKBitmap figure = SKBitmap.Decode(ReliabilityFigure.RenderPng(_curve, "Heading", "Subheading"));
        Assert.Equal((ReliabilityFigure.Width, ReliabilityFigure.Height), (figure.Width, figure.Height));
        Assert.Contains(SKColor.Parse("#0072B2"), figure.Pixels);
    }

    [Fact]
    public void TheSvgHasTheTextAsText()
    {
        using MemoryStream svg = new(ReliabilityFigure.RenderSvg(_curve, "Heading", "Subheading"));
        string text = XDocument.Load(svg).Root!.Value;
        foreach (string word in (string[])["Heading", "Subheading", "Reliability", "Probability of singing"])
        {
            Assert.Contains(word, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void WithoutFramesItIsEmptyAxes() => Assert.NotEmpty(ReliabilityFigure.RenderPng(ReliabilityCurve.Of([], []), "Heading", "Subheading"));
}
