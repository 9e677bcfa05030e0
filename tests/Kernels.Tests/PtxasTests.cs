using System.Reflection;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Xunit.Abstractions;

namespace Engine.Kernels.Tests;

/// <summary>
/// What every kernel takes of a card, as NVIDIA's assembler says, held to <c>kernel_budget.csv</c>: the most registers of a thread on any architecture, and the
/// shared memory of a group. A kernel that spills, or takes more than the file allows, fails.
/// </summary>
public sealed class PtxasTests(ITestOutputHelper output)
{
    private static readonly CudaArchitecture[] Architectures =
    [
        CudaArchitecture.SM_60, CudaArchitecture.SM_70, CudaArchitecture.SM_75, CudaArchitecture.SM_80, CudaArchitecture.SM_86, CudaArchitecture.SM_89,
        CudaArchitecture.SM_90,
    ];

    [PtxasFact]
    public void EveryKernelKeepsToItsBudget()
    {
        Dictionary<string, KernelCost> most = [];
        Dictionary<string, List<int>> registers = GpuKernels.All.ToDictionary(kernel => kernel.Name, _ => new List<int>());
        foreach (CudaArchitecture architecture in Architectures)
        {
            IEnumerable<string> codes = GpuKernels.Ptx(architecture, GpuKernels.All.Select(kernel => kernel.Method));
            foreach (((string name, _), string ptx) in GpuKernels.All.Zip(codes))
            {
                KernelCost cost = Ptxas.Assemble(ptx, NameOf(architecture)), before = most.GetValueOrDefault(name);
                registers[name].Add(cost.Registers);
                most[name] = new(Math.Max(cost.Registers, before.Registers), Math.Max(cost.Shared, before.Shared), Math.Max(cost.Spilled, before.Spilled));
            }
        }

        Print(most, registers);
        Assert.Equal([], most.Where(kernel => kernel.Value.Spilled > 0).Select(kernel => $"{kernel.Key} spills {kernel.Value.Spilled} bytes"));
        Dictionary<string, (int Registers, int Shared)> budget = ReadBudget();
        Assert.Equal(budget.Keys.Order(StringComparer.Ordinal), most.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([], most.Where(kernel => kernel.Value.Registers > budget[kernel.Key].Registers || kernel.Value.Shared > budget[kernel.Key].Shared)
            .Select(kernel => $"{kernel.Key} takes {kernel.Value.Registers} registers and {kernel.Value.Shared} bytes of shared memory"));
    }

    /// <summary>An array of a thread's own that is indexed by what only the thread knows has to lie in memory.</summary>
    [PtxasFact]
    public void SpillsAreFound()
    {
        string ptx = GpuKernels.Ptx(CudaArchitecture.SM_80, [((Action<ArrayView<float>>)Spilling).Method]).Single();
        Assert.True(Ptxas.Assemble(ptx, "sm_80").Spilled >= 64 * sizeof(float));
    }

    /// <summary>ILGPU makes no newer PTX than for compute capability 8.0; drivers compile it for newer cards.</summary>
    [Fact]
    public void ThePtxIsForTheArchitectureOrTheNewestThatThereIs()
    {
        MethodInfo kernel = GpuKernels.All[0].Method;
        foreach (CudaArchitecture architecture in Architectures)
        {
            CudaArchitecture target = architecture > CudaArchitecture.SM_80 ? CudaArchitecture.SM_80 : architecture;
            Assert.Contains($".target {NameOf(target)}\n", GpuKernels.Ptx(architecture, [kernel]).Single().ReplaceLineEndings("\n"), StringComparison.Ordinal);
        }
    }

    private void Print(Dictionary<string, KernelCost> most, Dictionary<string, List<int>> registers)
    {
        output.WriteLine($"{"registers",-60} {string.Join(' ', Architectures.Select(NameOf))} shared spilled");
        foreach ((string name, KernelCost cost) in most)
        {
            output.WriteLine($"{name,-60} {string.Join(' ', registers[name].Select(count => $"{count,5}"))} {cost.Shared,6} {cost.Spilled,7}");
        }

        foreach ((string name, KernelCost cost) in most) output.WriteLine($"{name},{cost.Registers},{cost.Shared}");
    }

    private static Dictionary<string, (int Registers, int Shared)> ReadBudget() =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "kernel_budget.csv")).Skip(1).Select(line => line.Split(','))
            .ToDictionary(cells => cells[0], cells => (int.Parse(cells[1]), int.Parse(cells[2])));

    private static string NameOf(CudaArchitecture architecture) => $"sm_{architecture.Major}{architecture.Minor}";

    private static void Spilling(ArrayView<float> y)
    {
        ArrayView<float> own = LocalMemory.Allocate<float>(64);
        for (int i = 0; i < 64; i++) own[i] = y[i];
        y[0] = own[Group.IdxX % 64];
    }
}
