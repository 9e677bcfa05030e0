using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>The options of every command that computes: on what. A command takes them all together.</summary>
internal sealed class DeviceOptions
{
    private const string Auto = "auto";
    private const string Cpu = "cpu";
    private const string Cuda = "cuda";
    private const string OpenCl = "opencl";
    private const string Reference = "reference";

    private readonly Option<string> _device = new("--device")
    {
        Description = "Where kernels run: the processor's vector units, an NVIDIA GPU, an OpenCL device, the best of these (a GPU if one can be used), or the "
            + "slow definitions.",
        DefaultValueFactory = _ => Cpu,
    };

    private readonly Option<int> _index = new("--device-index")
    {
        Description = "Which CUDA or OpenCL device, as svd devices numbers them.", HelpName = "N", DefaultValueFactory = _ => 0,
    };

    private readonly Option<int?> _threads = Options.Threads();
    private readonly Option<bool> _withoutGenericAddressSpace = WithoutGenericAddressSpace();

    /// <summary>Makes them for one command.</summary>
    public DeviceOptions()
    {
        _device.AcceptOnlyFromAmong(Cpu, Cuda, OpenCl, Auto, Reference);
        Options.Require(_index, index => index >= 0, "a number from 0");
    }

    /// <summary>Lets OpenCL devices be used that do not announce the generic address space; each call makes a new one.</summary>
    public static Option<bool> WithoutGenericAddressSpace() => new("--opencl-without-generic-address-space")
    {
        Description = "Use OpenCL devices too that do not announce the generic address space: the kernels do without it, but not all such drivers were tried.",
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_device);
        command.Options.Add(_index);
        command.Options.Add(_threads);
        command.Options.Add(_withoutGenericAddressSpace);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_index) is { Implicit: false } && result.GetValue(_device) is not (Cuda or OpenCl))
            {
                result.AddError($"{_index.Name} needs {_device.Name} {Cuda} or {OpenCl}");
            }
        });
    }

    /// <summary>Whether a command line asks for the processor's vector units, as one does that names no device.</summary>
    public bool IsCpu(CommandResult result) => result.GetResult(_device) is not { Implicit: false } || result.GetValue(_device) == Cpu;

    /// <summary>Whether a command line asks for the definitions.</summary>
    public bool IsReference(CommandResult result) => result.GetValue(_device) == Reference;

    /// <summary>How many of the processor's threads a command line asks for: all, unless it says so.</summary>
    public int ThreadsOf(ParseResult parsed) => parsed.GetValue(_threads) ?? Environment.ProcessorCount;

    /// <summary>What a command line asks for.</summary>
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
    /// The GPUs that <c>auto</c> tries, the first that can be opened being taken: CUDA before OpenCL, whose GPUs may be the same ones; no processors that
    /// OpenCL drives, since the engine's own kernels for them are faster.
    /// </summary>
    internal static IEnumerable<GpuDevice> Candidates(IEnumerable<GpuDevice> all) =>
        all.Where(gpu => gpu is { IsGpu: true, Refusal: null }).OrderBy(gpu => gpu.Interface).ThenBy(gpu => gpu.Index);

    // The processor where no GPU can be opened. Says which.
    private static IBackend CreateBest(int? threads, bool withoutGenericAddressSpace)
    {
        IBackend? best = null;
        foreach (GpuDevice gpu in Candidates(Backends.ListGpus(withoutGenericAddressSpace)))
        {
            try
            {
                best = Backends.CreateGpu(gpu.Interface, gpu.Index, withoutGenericAddressSpace);
                break;
            }
            catch (EngineException failure)
            {
                Console.Error.WriteLine($"svd: {DeviceAdvice.MessageOf(failure)}");
            }
        }

        best ??= Backends.CreateCpu(threads);
        Console.Error.WriteLine($"svd: running on {best.Name}");
        return best;
    }
}

/// <summary>Lets the device options stand in a command's list of options.</summary>
internal static class DeviceOptionsExtensions
{
    public static void Add(this Command command, DeviceOptions options) => options.AddTo(command);
}
