using BenchmarkDotNet.Running;
using Engine.Bench;

BenchmarkSwitcher.FromAssembly(typeof(SvdNetForward).Assembly).Run(args.Length == 0 ? ["--filter", "*"] : args, new BenchConfig());
