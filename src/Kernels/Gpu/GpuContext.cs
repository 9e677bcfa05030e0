using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Engine.Kernels;

/// <summary>
/// An open device: its memory, its kernels, and how they are started. A kernel is a static method with one argument, a struct of views and numbers. It is
/// compiled when it is first started, and the result is kept. Everything runs on one stream, in order.
/// </summary>
public sealed class GpuContext : IDisposable
{
    /// <summary>The number of threads of every group. It is small enough for any device, and the kernels' tiles are made for it.</summary>
    public const int GroupSize = 128;

    /// <summary>The most bytes of shared memory that a group may use.</summary>
    public const int SharedMemoryNeeded = 32 * 1024;

    private readonly Context _context;
    private readonly Dictionary<Delegate, Delegate> _kernels = [];
    private readonly Dictionary<int, GpuBuffer> _tables = [];

    /// <summary>Takes over both.</summary>
    /// <param name="context">What the device belongs to.</param>
    /// <param name="accelerator">The device.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="memoryBytes">How much memory may be allocated.</param>
    internal GpuContext(Context context, Accelerator accelerator, string name, long memoryBytes)
    {
        (_context, Accelerator, Name) = (context, accelerator, name);
        Memory = new GpuMemory(this, accelerator, memoryBytes);
    }

    /// <summary>ILGPU's side of it.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The device, for people.</summary>
    public string Name { get; }

    /// <summary>The pool that all buffers come from.</summary>
    internal GpuMemory Memory { get; }

    /// <summary>Copies from the host so far.</summary>
    public long Uploads { get; private set; }

    /// <summary>Copies to the host so far.</summary>
    public long Downloads { get; private set; }

    /// <summary>Is shown what would be started, which then is not: for counting what a network asks of a device. Null starts kernels.</summary>
    internal Action<Delegate, Index3D, ValueType>? InsteadOfLaunch { get; set; }

    /// <summary>The kernels that were started so far.</summary>
    internal IEnumerable<Delegate> Kernels => _kernels.Keys;

    /// <summary>The floats of a view.</summary>
    /// <exception cref="ArgumentException">The buffer is another backend's.</exception>
    public ArrayView<float> At(View view) =>
        view.Buffer is GpuBuffer buffer && buffer.Memory == Memory ? buffer.Floats.SubView(view.Offset, view.Length)
        : throw new ArgumentException("an operand belongs to another backend");

    /// <summary>The floats of a view, or null for none.</summary>
    public ArrayView<float>? AtOrNull(View? view) => view is { } given ? At(given) : null;

    /// <summary>Starts a kernel on groups of <see cref="GroupSize"/> threads.</summary>
    /// <exception cref="EngineException">The driver cannot compile the kernel, or the device fails.</exception>
    public void Launch<TArguments>(Action<TArguments> kernel, Index3D groups, in TArguments arguments)
        where TArguments : struct
    {
        if (InsteadOfLaunch is { } show)
        {
            show(kernel, groups, arguments);
            return;
        }

        if (!_kernels.TryGetValue(kernel, out Delegate? launcher)) _kernels[kernel] = launcher = Compile(kernel);
        try
        {
            Accelerator.Bind();
            ((Action<AcceleratorStream, KernelConfig, TArguments>)launcher)(
                Accelerator.DefaultStream, new KernelConfig(groups, new Index3D(GroupSize, 1, 1)), arguments);
        }
        catch (AcceleratorException failure)
        {
            throw Failed(failure, $"{NameOf(kernel)} was started");
        }
    }

    /// <summary>Copies from the host; returns when the source may be reused.</summary>
    public unsafe void Upload(ReadOnlySpan<float> source, ArrayView<float> destination)
    {
        if (source.IsEmpty) return;
        Uploads++;
        try
        {
            Accelerator.Bind();
            fixed (float* start = source) destination.CopyFromCPU(Accelerator.DefaultStream, ref *start, source.Length);
        }
        catch (AcceleratorException failure)
        {
            throw Failed(failure, "numbers were copied to it");
        }
    }

    /// <summary>Copies to the host, after everything that was started before it is done.</summary>
    public unsafe void Download(ArrayView<float> source, Span<float> destination)
    {
        if (destination.IsEmpty) return;
        Downloads++;
        try
        {
            Accelerator.Bind();
            fixed (float* start = destination) source.CopyToCPU(Accelerator.DefaultStream, ref *start, destination.Length);
        }
        catch (AcceleratorException failure)
        {
            throw Failed(failure, "numbers were copied from it");
        }
    }

    /// <summary>Copies within the device.</summary>
    public void Copy(ArrayView<float> source, ArrayView<float> destination)
    {
        if (source.Length == 0) return;
        try
        {
            Accelerator.Bind();
            source.CopyTo(Accelerator.DefaultStream, destination);
        }
        catch (AcceleratorException failure)
        {
            throw Failed(failure, "numbers were copied within it");
        }
    }

    /// <summary>Waits until everything that was started is done.</summary>
    public void Synchronize()
    {
        try
        {
            Accelerator.Bind();
            Accelerator.DefaultStream.Synchronize();
        }
        catch (AcceleratorException failure)
        {
            throw Failed(failure, "its work was waited for");
        }
    }

    /// <summary>A table of constants on the device. It is made when this number is first asked for.</summary>
    public ArrayView<float> Table(int key, Func<int, float[]> make)
    {
        if (!_tables.TryGetValue(key, out GpuBuffer? table))
        {
            float[] values = make(key);
            table = Memory.Rent(values.Length);
            Upload(values, table.Floats);
            _tables[key] = table;
        }

        return table.Floats;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            foreach (GpuBuffer table in _tables.Values) table.Dispose();
            Memory.Dispose();
            Accelerator.Dispose();
            _context.Dispose();
        }
        catch (AcceleratorException)
        {
            // A lost device cannot be closed. Why it was lost was reported before.
        }
    }

    private Action<AcceleratorStream, KernelConfig, TArguments> Compile<TArguments>(Action<TArguments> kernel)
        where TArguments : struct
    {
        using CompilerLog log = new();
        try
        {
            return Accelerator.LoadKernel(kernel);
        }
        catch (Exception failure) when (failure is AcceleratorException or InternalCompilerException or NotSupportedException)
        {
            string reason = log.Text.Length == 0 ? ReasonOf(failure) : $"{ReasonOf(failure)}: {log.Text}";
            throw new EngineException($"{Name}: the kernel {NameOf(kernel)} cannot be compiled ({reason}); use another device or a newer driver", failure)
            {
                DeviceProblem = DeviceProblem.CannotCompile,
            };
        }
    }

    /// <summary>What a driver says went wrong. OpenCL drivers give only a code.</summary>
    internal static string ReasonOf(Exception failure) => failure.GetBaseException() switch
    {
        CLException cl => $"OpenCL error {cl.Error}",
        CudaException cuda => $"{cuda.Error}: {cuda.Message}",
        Exception other => other.Message,
    };

    private EngineException Failed(AcceleratorException failure, string when) =>
        new($"{Name} failed ({ReasonOf(failure)}) when {when}", failure) { DeviceProblem = DeviceProblem.Failed };

    private static string NameOf(Delegate kernel)
    {
        string name = $"{kernel.Method.DeclaringType?.Name}.{kernel.Method.Name}";
        return kernel.Method.IsGenericMethod ? $"{name} of {string.Join(", ", kernel.Method.GetGenericArguments().Select(type => type.Name))}" : name;
    }
}
