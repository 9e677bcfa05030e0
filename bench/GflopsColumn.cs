using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench;

/// <summary>Says how much arithmetic a benchmark does.</summary>
internal interface ICountsFlops
{
    /// <summary>Floating-point operations of one call, a multiply-add counted as two.</summary>
    double Flops { get; }
}

/// <summary>GFLOP/s at the median, and what part that is of the peak measured in this process, for benchmarks that count their arithmetic.</summary>
internal sealed class GflopsColumn : IColumn
{
    private static readonly Lazy<double> Peak = new(() => MachinePeak.MeasureGflops(Environment.ProcessorCount, VectorSupport.Widest));

    public string Id => nameof(GflopsColumn);

    public string ColumnName => "GFLOP/s (of peak)";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => false;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => $"median, and the part of the {Peak.Value:F0} GFLOP/s that {Environment.ProcessorCount} threads reach on registers alone";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics) return "-";
        object benchmark = Activator.CreateInstance(benchmarkCase.Descriptor.Type)!;
        foreach (var parameter in benchmarkCase.Parameters.Items)
        {
            benchmarkCase.Descriptor.Type.GetProperty(parameter.Name)?.SetValue(benchmark, parameter.Value);
        }

        if (benchmark is not ICountsFlops counts) return "-";
        double gflops = counts.Flops / statistics.Median;
        return $"{gflops:F0} ({gflops / Peak.Value:P0})";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
