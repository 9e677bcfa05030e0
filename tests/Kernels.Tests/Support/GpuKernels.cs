using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Engine.Kernels.Tests;

/// <summary>Every GPU kernel of the library, and the PTX that ILGPU makes of it for an architecture, which needs no device.</summary>
internal static class GpuKernels
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    /// <summary>All kernels by name: those of the products and the transform, and one for each struct that says what threads do.</summary>
    public static IReadOnlyList<(string Name, MethodInfo Method)> All { get; } = [.. Find().OrderBy(kernel => kernel.Name, StringComparer.Ordinal)];

    /// <summary>The structs that a kernel is made for.</summary>
    public static IEnumerable<Type> Bodies =>
        typeof(GpuContext).Assembly.GetTypes().Where(type => type.IsValueType && Makers.Any(maker => maker.Body.IsAssignableFrom(type)));

    private static (Type Body, Type Maker, string Kernel)[] Makers =>
    [
        (typeof(IGpuBody), typeof(ForEach), "Kernel"), (typeof(IGpuTerms), typeof(GpuReduction), "SumPieces"),
        (typeof(IGpuTotals), typeof(GpuReduction), "AddPieces"),
    ];

    /// <summary>The PTX of kernels for one architecture.</summary>
    public static IEnumerable<string> Ptx(CudaArchitecture architecture, IEnumerable<MethodInfo> kernels)
    {
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        CudaCapabilityContext capabilities = (CudaCapabilityContext)Activator.CreateInstance(typeof(CudaCapabilityContext), Any, null, [architecture], null)!;
        using PTXBackend compiler = new(context, capabilities, architecture, CudaInstructionSet.ISA_78, null);
        foreach (MethodInfo kernel in kernels)
        {
            yield return ((PTXCompiledKernel)compiler.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default)).PTXAssembly;
        }
    }

    private static IEnumerable<(string Name, MethodInfo Method)> Find()
    {
        Assembly library = typeof(GpuContext).Assembly;
        foreach (Type type in library.GetTypes())
        {
            foreach (MethodInfo method in type.GetMethods(Any | BindingFlags.DeclaredOnly))
            {
                if (method is { IsStatic: true, IsGenericMethod: false, ReturnType: { } result } && result == typeof(void)
                    && method.GetParameters() is [{ ParameterType: { IsValueType: true, IsByRef: false } argument }]
                    && argument.Name.EndsWith("Arguments", StringComparison.Ordinal))
                {
                    yield return ($"{type.Name}.{method.Name}", method);
                }
            }

            if (!type.IsValueType) continue;
            foreach ((_, Type maker, string kernel) in Makers.Where(maker => maker.Body.IsAssignableFrom(type)))
            {
                string owner = type.DeclaringType is { } outer ? $"{outer.Name}.{type.Name}" : type.Name;
                yield return ($"{maker.Name}.{kernel} of {owner}", maker.GetMethod(kernel, Any)!.MakeGenericMethod(type));
            }
        }
    }
}
