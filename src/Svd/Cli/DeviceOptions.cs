using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>The options that say where a command computes. A command takes all of them together.</summary>
internal sealed class DeviceOptions
{
    private const string Auto = "auto";
    private const string Cpu = "cpu";
    private const string Cuda = "cuda";
    private const string OpenCl = "opencl";
    private const string Reference = "reference";

    private readonly Option<string> _device = new("--device")
    {
        Description = "Where kernels run. cpu: the processor's vector units; cuda: an NVIDIA GPU; opencl: an OpenCL device; auto: a GPU if one can be used, "
            + "else the processor; reference: slow plain loops.",
        DefaultValueFactory = _ => Cpu,
    };

    private readonly Option<int> _index = new("--device-index")
    {
        Description = "The number of the CUDA or OpenCL device, as svd devices lists it.", HelpName = "N", DefaultValueFactory = _ => 0,
    };

    private readonly Option<int?> _threads = Options.Threads();
    private readonly Option<bool> _withoutGenericAddressSpace = WithoutGenericAddressSpace();

    /// <summary>Creates the options for one command.</summary>
    public DeviceOptions()
    {
        _device.AcceptOnlyFromAmong(Cpu, Cuda, OpenCl, Auto, Reference);
        Options.Require(_index, index => index >= 0, "a number of at least 0");
    }

    /// <summary>The option that allows OpenCL devices without the generic address space. Each call makes a new one.</summary>
    public static Option<bool> WithoutGenericAddressSpace() => new("--opencl-without-generic-address-space")
    {
        Description = "Also use OpenCL devices that do not announce the generic address space. The kernels do not need it, but not all such drivers were "
            + "tested.",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_device);
        command.Options.Add(_index);
        command.Options.Add(_threads);
        command.Options.Add(_withoutGenericAddressSpace);
        command.Validators.Add(result =>
        {
            // The parser itself complains about an option that is given twice; such an option has no value.
            if (result.GetResult(_index) is { Implicit: false } && result.GetResult(_device) is not { Tokens: [{ Value: Cuda or OpenCl }] or [_, _, ..] })
            {
                result.AddError($"{_index.Name} needs {_device.Name} {Cuda} or {OpenCl}");
            }
        });
    }

    /// <summary>Whether a command line asks for the processor's vector units, which is the default.</summary>
    public bool IsCpu(CommandResult result) => result.GetResult(_device) is not { Implicit: false, Tokens: [{ Value: not Cpu }] };

    /// <summary>Whether a command line asks for the reference backend.</summary>
    public bool IsReference(CommandResult result) => result.GetResult(_device) is { Tokens: [{ Value: Reference }] };

    /// <summary>How many threads a command line asks for. Default: all.</summary>
    public int ThreadsOf(ParseResult parsed) => parsed.GetValue(_threads) ?? Environment.ProcessorCount;

    /// <summary>Creates the backend that a command line asks for.</summary>
    public Func<IBackend> Of(ParseResult parsed)
    {
        (string device, int index) = (parsed.GetRequiredValue(_device), parsed.GetValue(_index));
        (int? threads, bool without) = (parsed.GetValue(_threads), parsed.GetValue(_withoutGenericAddressSpace));
        return device switch
        {
            Cuda => () => Backends.CreateGpu(GpuInterface.Cuda, index),
            OpenCl => () => Backends.CreateGpu(GpuInterface.OpenCl, index, without),
            Auto => () => CreateBest(threads, without),
            Reference => Backends.CreateReference,
            _ => () => Backends.CreateCpu(threads),
        };
    }

    /// <summary>
    /// The same for work in independent parts: on the processor several backends, among which the threads are divided, so that none waits for another.
    /// </summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="most">At most so many backends.</param>
    public Func<IReadOnlyList<IBackend>> SeveralOf(ParseResult parsed, int most)
    {
        if (!IsCpu(parsed.CommandResult))
        {
            Func<IBackend> create = Of(parsed);
            return () => [create()];
        }

        int threads = Math.Min(ThreadsOf(parsed), Backends.MaxThreads), count = Math.Min(threads, most);
        return () => [.. Enumerable.Range(0, count).Select(i => Backends.CreateCpu(threads * (i + 1) / count - threads * i / count))];
    }

    /// <summary>
    /// The GPUs that <c>auto</c> tries in this order until one can be opened: CUDA before OpenCL, which may list the same GPUs. OpenCL devices that are
    /// processors are left out, since the engine's own kernels are faster there.
    /// </summary>
    internal static IEnumerable<GpuDevice> Candidates(IEnumerable<GpuDevice> all) =>
        all.Where(gpu => gpu is { IsGpu: true, Refusal: null }).OrderBy(gpu => gpu.Interface).ThenBy(gpu => gpu.Index);

    // Falls back to the processor if no GPU can be opened, and prints which device it took.
    private static IBackend CreateBest(int? threads, bool withoutGenericAddressSpace)
    {
        IBackend? best = null;
        IReadOnlyList<GpuDevice> all = Backends.ListGpus(withoutGenericAddressSpace);
        foreach (GpuDevice gpu in all.Where(gpu => gpu.IsGpu && gpu.Refusal is not null))
        {
            Console.Error.WriteLine($"svd: not on {gpu.Name}: {gpu.Refusal}");
        }

        foreach (GpuDevice gpu in Candidates(all))
        {
            try
            {
                best = Backends.CreateGpu(gpu.Interface, gpu.Index, withoutGenericAddressSpace);
                Try(best);
                break;
            }
            catch (EngineException failure)
            {
                best?.Dispose();
                best = null;
                Console.Error.WriteLine($"svd: {DeviceAdvice.MessageOf(failure)}");
            }
        }

        best ??= Backends.CreateCpu(threads);
        Console.Error.WriteLine($"svd: running on {best.Name}");
        return best;
    }

    // A driver may open a device and then refuse to compile or to start anything.
    private static void Try(IBackend backend)
    {
        using DeviceBuffer number = backend.Allocate(1);
        backend.Run(new FillOp(1, number.All));
        backend.Download(number.All, new float[1]);
    }
}

/// <summary>Lets a collection initialiser add options that belong together to a command.</summary>
internal static class CommandExtensions
{
    public static void Add(this Command command, DeviceOptions options) => options.AddTo(command);

    public static void Add(this Command command, CacheOptions options) => options.AddTo(command);
}
