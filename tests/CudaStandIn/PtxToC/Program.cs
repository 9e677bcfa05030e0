using Engine.CudaStandIn;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: PtxToC IN.ptx OUT.c");
    return 2;
}

try
{
    File.WriteAllText(args[1], new PtxKernel(File.ReadAllLines(args[0])).ToC());
    return 0;
}
catch (FormatException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
