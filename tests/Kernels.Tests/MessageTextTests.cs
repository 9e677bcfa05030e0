namespace Engine.Kernels.Tests;

public class MessageTextTests
{
    [Theory]
    [InlineData("a  song é 歌 👩‍🎤.wav", "a  song é 歌 👩‍🎤.wav")]
    [InlineData("\u001b]0;owned\u0007\u001b[31msing", "\\x1B]0;owned\\x07\\x1B[31msing")]
    [InlineData("one\r\ntwo\tthree\0", "one\\x0D\\x0Atwo\\x09three\\x00")]
    [InlineData("\u009b31m\u007f", "\\x9B31m\\x7F")]
    [InlineData("gpj.\u202egnos\u2028", "gpj.\\u202Egnos\\u2028")]
    public void ALineHasNothingThatSteersATerminal(string text, string shown)
    {
        Assert.Equal(shown, MessageText.Line(text));
        Assert.Equal($"'{shown}'", MessageText.Quote(text));
        Assert.Equal(shown, new EngineException(text).Message);
        Assert.Equal(shown, new EngineException(text, new IOException()).Message);
    }

    [Fact]
    public void LinesKeepTheirBreaksAndLength()
    {
        Assert.Equal("a → b\n\\x1B[2J\\u2028\n", MessageText.Lines("a → b\n\u001b[2J\u2028\n"));
        string text = string.Concat(Enumerable.Repeat("plain text {}\n", 1000));
        Assert.Equal(text, MessageText.Lines(text));
        Assert.Equal($"é{text}", MessageText.Lines($"é{text}"));
    }

    [Fact]
    public void HalfASurrogatePairIsShownByItsNumber() => Assert.Equal("a\\uD83Db", MessageText.Line("a\ud83db"));

    [Theory]
    [InlineData('x')]
    [InlineData('\u001b')]
    public void ALongLineLosesItsMiddle(char letter)
    {
        string line = MessageText.Line($"song {new string(letter, 1_000_000)}: mend it");
        Assert.Equal(MessageText.LongestLine, line.Length);
        Assert.StartsWith("song ", line, StringComparison.Ordinal);
        Assert.EndsWith(": mend it", line, StringComparison.Ordinal);
    }

    [Fact]
    public void ALongQuoteIsItsBeginning() =>
        Assert.Equal($"'{new string('x', MessageText.LongestQuote)}…'", MessageText.Quote(new string('x', 1_000_000)));
}
