using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Engine.Bench;

/// <summary>In this process and short: the suites are to be run often, and the smoke benchmark within a minute.</summary>
internal sealed class BenchConfig : ManualConfig
{
    public BenchConfig()
    {
        Add(DefaultConfig.Instance);
        AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(15));
        AddColumn(StatisticColumn.Min, StatisticColumn.Median, new GflopsColumn());
        HideColumns(Column.Error, Column.StdDev, Column.Job, Column.Toolchain);
    }
}
