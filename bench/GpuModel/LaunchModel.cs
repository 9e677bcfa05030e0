using System.Reflection;
using Engine.Kernels;
using ILGPU;

namespace Engine.Bench.GpuModel;

/// <summary>What a launch is, and how long the model says that it takes.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Groups">Its groups.</param>
/// <param name="MultiplyAdds">Multiply-adds that a product asks for, without what its tiles do beyond its edges.</param>
/// <param name="Seconds">The modelled time.</param>
internal sealed record Launch(string Kernel, long Groups, long MultiplyAdds, double Seconds);

/// <summary>
/// The model. A launch takes no less than the time between two launches, and no less than its memory traffic. A product is bound by the instructions that its
/// schedulers start: the groups are dealt to the multiprocessors evenly, and each of these holds as many at a time as registers and shared memory allow. For
/// each chunk of its depth a group starts the instructions that fill shared memory and those that multiply, and then waits for memory once; what the other
/// groups of the multiprocessor start meanwhile hides that wait. Two more waits open and close a group. Masks of the largest numbers are bound by instructions
/// and waits as well. Everything else is memory traffic: each thread reads or writes a float of each of its arrays.
/// </summary>
internal sealed class LaunchModel(GpuDescription device, KernelCode large, KernelCode small)
{
    private const int Warps = GpuContext.GroupSize / 32;

    /// <summary>Models a launch from the arguments of its kernel.</summary>
    public Launch Of(Delegate kernel, Index3D groups, ValueType arguments)
    {
        long count = (long)groups.X * groups.Y * groups.Z;
        string name = kernel.Method.IsGenericMethod ? kernel.Method.GetGenericArguments()[0].FullName!.Split('.')[^1] : kernel.Method.DeclaringType!.Name;
        if (arguments is GpuProductArguments product) return Of(product, count);
        if (arguments is TopKMask.GpuArguments masks) return Of(masks, count);
        double bytes = (double)count * GpuContext.GroupSize * sizeof(float) * ViewsIn(arguments, depth: 0) * ElementsOf(arguments, count);
        return new(name, count, 0, Math.Max(device.LaunchSeconds, bytes / device.BytesPerSecond));
    }

    private Launch Of(GpuProductArguments arguments, long groups)
    {
        (GpuProduct product, GpuTiling tiling) = (arguments.Product, arguments.Tiling);
        KernelCode code = tiling.ThreadBits == GpuTiling.LargeBits ? large : small;
        int rows = 1 << (tiling.ThreadBits + tiling.LineBits);
        int columns = 1 << (tiling.ThreadBits + GpuTiling.GroupBits - tiling.LineBits), chunk = 1 << tiling.ChunkBits;
        double chunks = Math.Ceiling((double)Math.Min(product.Depth, tiling.PieceDepth) / chunk);
        double fill = (double)(rows + columns) * chunk / GpuContext.GroupSize * code.PerElement;
        double multiply = (double)chunk * (1 << 2 * tiling.ThreadBits) * code.PerMultiplyAdd;
        double started = (fill + multiply) * Warps / device.Schedulers;
        double perMultiprocessor = Math.Ceiling((double)groups / device.Multiprocessors), atATime = Math.Min(code.GroupsAtATime(device), perMultiprocessor);
        double Cycles(double together) => chunks * Math.Max(together * started, started + device.LatencyCycles) + 2 * device.LatencyCycles;
        double full = Math.Floor(perMultiprocessor / atATime), rest = perMultiprocessor - full * atATime;
        double cycles = full * Cycles(atATime) + (rest > 0 ? Cycles(rest) : 0);
        long results = (long)product.Rows * product.Columns * product.Phases.Count;
        double bytes = sizeof(float) * ((double)results * tiling.Pieces + product.Left.Data.Length + product.Right.Data.Length);
        double seconds = Math.Max(cycles / device.ClockHertz, bytes / device.BytesPerSecond) + device.LaunchSeconds;
        return new(tiling.ThreadBits == GpuTiling.LargeBits ? "product, large tiles" : "product, small tiles", groups, results * product.Depth, seconds);
    }

    // For each bit of an order a group counts over its row, adds up its threads' counts, and waits once. The instructions of both loops were counted in the
    // code that ptxas 11.8 makes for sm_90.
    private Launch Of(TopKMask.GpuArguments arguments, long groups)
    {
        const double perElement = 18, perCount = 6;
        double elements = Math.Ceiling((double)arguments.Columns / GpuContext.GroupSize);
        double step = (perElement * elements + perCount * GpuContext.GroupSize) * Warps / device.Schedulers + device.LatencyCycles;
        double cycles = (32 + arguments.IndexBits) * step * Math.Ceiling((double)groups / device.Multiprocessors);
        return new("masks of the largest", groups, 0, cycles / device.ClockHertz + device.LaunchSeconds);
    }

    // Elements that a thread goes through: a reduction's threads take as many as make up its pieces.
    private static double ElementsOf(ValueType arguments, long groups)
    {
        FieldInfo? piece = arguments.GetType().GetField("PieceLength");
        return piece is null ? 1 : Math.Max(1, (int)piece.GetValue(arguments)! / (double)GpuContext.GroupSize);
    }

    // Arrays that a struct of arguments names, itself or in a struct in it.
    private static int ViewsIn(object arguments, int depth)
    {
        int views = 0;
        foreach (FieldInfo field in arguments.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            if (field.FieldType == typeof(ArrayView<float>)) views++;
            else if (depth < 3 && field.FieldType is { IsValueType: true, IsPrimitive: false, IsEnum: false })
                views += ViewsIn(field.GetValue(arguments)!, depth + 1);
        }

        return views;
    }
}
