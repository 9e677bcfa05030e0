using Engine.Bench.Report;
using Engine.Kernels.Simd;

namespace Engine.Bench.Tests;

/// <summary><c>shapes.csv</c> against what the report's pieces of work really run.</summary>
public class ShapesTests
{
    public static TheoryData<string> Works => [.. Contests.All.Select(work => work.Name)];

    [Theory, MemberData(nameof(Works))]
    public void TheRowsOfAWorkAreWhatItRuns(string name)
    {
        List<RecordingBackend> opened = [];
        Machine machine = Machine.OfProcessor(2, VectorSupport.Widest, backend =>
        {
            RecordingBackend recording = new(backend);
            opened.Add(recording);
            return recording;
        });
        using Contests contests = Contests.Open(machine, python: null);
        using Contest contest = Contests.All.Single(work => work.Name == name).Make(contests);

        // The first run makes things and keeps them; that is not part of the work.
        contest.Run();
        foreach (RecordingBackend recording in opened) recording.Operations.Clear();
        contest.Run();

        var runs = opened.SelectMany(recording => recording.Operations).GroupBy(operation => operation)
            .Select(group => (group.Count(), group.Key.Op, group.Key.Settings)).Order();
        var rows = LayerRow.ReadAll().Where(row => row.Work == name).Select(row => (row.Calls, row.Op, row.Settings)).Order();
        Assert.Equal(runs, rows);
    }

    [Fact]
    public void EveryRowIsAnOperation()
    {
        Assert.Empty(KernelCases.All.Select(kernel => kernel.Work).Except(Contests.All.Select(work => work.Name)));
        Assert.All(KernelCases.All, kernel => Assert.True(kernel.Spec.Bytes > 0, $"{kernel}"));

        // An excerpt is known to take 242 million multiply-adds.
        Assert.InRange(KernelCases.FlopsOf("SVDNet forward, 1 excerpt") / 2e6, 242, 243.5);
    }
}
