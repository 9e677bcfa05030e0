using Engine.Svd.Cli;

namespace Engine.Svd.Tests.Cli;

public class SongTimeTests
{
    [Theory]
    [InlineData("61.5", 61.5)]
    [InlineData("0", 0)]
    [InlineData("1e1", 10)]
    [InlineData("1:01.5", 61.5)]
    [InlineData("01:01", 61)]
    [InlineData("75:00", 4500)]
    [InlineData("1:02:03.25", 3723.25)]
    public void IsRead(string text, double seconds) => Assert.Equal(seconds, SongTime.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1:60")]
    [InlineData("1:-1")]
    [InlineData("1.5:00")]
    [InlineData("1:2:3:4")]
    [InlineData("1:")]
    [InlineData("61,5")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    public void IsRefused(string text) => Assert.Null(SongTime.Parse(text));
}
