using BenchmarkDotNet.Running;
using Engine.Bench;
using Engine.Bench.Golden;
using Engine.Bench.GpuModel;
using Engine.Bench.Ladder;
using Engine.Bench.Report;

// One of our own commands, or else BenchmarkDotNet's suites.
if (args is ["report", ..]) return ReportCommand.Run(args);
if (args is ["check", ..]) return CheckCommand.Run(args);
if (args is ["ladder", ..]) return LadderCommand.Run(args);
if (args is ["gpu-model", ..]) return GpuModelCommand.Run(args);
BenchmarkSwitcher.FromAssembly(typeof(BenchConfig).Assembly).Run(args.Length == 0 ? ["--filter", "*NetworkSuite*"] : args, new BenchConfig());
return 0;
