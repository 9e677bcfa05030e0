using BenchmarkDotNet.Running;
using Engine.Bench;
using Engine.Bench.Report;

// BenchmarkDotNet's suites, or the report.
if (args is ["report", ..]) return ReportCommand.Run(args);
BenchmarkSwitcher.FromAssembly(typeof(BenchConfig).Assembly).Run(args.Length == 0 ? ["--filter", "*NetworkSuite*"] : args, new BenchConfig());
return 0;
