using System.Text.Json;
using Engine.Bench.Ladder;
using Engine.Kernels;
using Engine.Tests;

namespace Engine.Bench.Tests;

public class LadderTests
{
    /// <summary>An odd number of columns, rows and columns that pooling leaves over, and two samples, on two threads.</summary>
    [Fact]
    public void EveryRungMatchesTheDefinition()
    {
        ConvMaxPool2dShape conv = new(new Conv2dShape(2, 16, 13, 19, 32, 3, 3), 3, 3, 3, 3);
        ConvTranspose2dShape transposed = new(32, 32, 8, 7, 16, 4, 4, 2, 2, 1, 1, layout: BatchLayout.Last);
        IReadOnlyList<OperationLadder> ladders = LadderCommand.Open(conv, transposed, 2);
        Assert.Equal([11, 7], ladders.Select(ladder => ladder.Rungs.Count));
        foreach (OperationLadder ladder in ladders)
        {
            using (ladder)
            {
                foreach (Rung rung in ladder.Rungs)
                {
                    Assert.InRange(ladder.Check(rung), 0, 1e-5);
                    Assert.All(rung.Files, file => Assert.True(File.Exists(Path.Combine(ReferenceData.Repository, file)), file));
                }
            }
        }
    }

    [Fact]
    public void ARungThatWritesNothingIsCaught()
    {
        IReadOnlyList<OperationLadder> ladders = LadderCommand.Open(
            new(new Conv2dShape(1, 16, 15, 15, 32, 3, 3), 3, 3, 3, 3), new(16, 1, 2, 2, 1, 4, 4, 2, 2, 1, 1, layout: BatchLayout.Last), 1);
        foreach (OperationLadder ladder in ladders)
        {
            using (ladder) Failure.Says(() => ladder.Check(ladder.Rungs[0] with { Run = () => { } }), ladder.Name, "rung 1", "NaN");
        }
    }

    [Fact]
    public void AFilterPicksRungs()
    {
        using StringWriter written = new();
        Assert.Equal(0, LadderCommand.Run(["ladder", "--filter", "fused", "--threads", "1", "--json"], written));
        using JsonDocument report = JsonDocument.Parse(written.ToString());
        JsonElement rung = Assert.Single(Assert.Single(report.RootElement.GetProperty("tables").EnumerateArray()).GetProperty("rungs").EnumerateArray());
        Assert.Equal("fused pool", rung.GetProperty("name").GetString());
        Assert.All(["gflops", "of_peak", "lines"], name => Assert.True(rung.GetProperty(name).GetDouble() > 0));
    }

    [Theory]
    [InlineData("--whatever")]
    [InlineData("--threads", "0")]
    [InlineData("--filter", "no rung has this name")]
    public void WrongOptionsEndWithTwo(params string[] options) => Assert.Equal(2, LadderCommand.Run(["ladder", .. options]));
}
