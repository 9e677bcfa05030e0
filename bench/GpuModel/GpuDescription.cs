using System.Text.Json;
using Engine.Kernels;

namespace Engine.Bench.GpuModel;

/// <summary>What the model knows of a device.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Architecture">Which code it runs, as NVIDIA's assembler calls it.</param>
/// <param name="Multiprocessors">Its multiprocessors.</param>
/// <param name="ClockHertz">Their clock under load.</param>
/// <param name="Schedulers">Instructions of 32 threads that a multiprocessor starts in a cycle.</param>
/// <param name="Registers">Registers of a multiprocessor.</param>
/// <param name="SharedBytes">Shared memory of a multiprocessor.</param>
/// <param name="Threads">The most threads of a multiprocessor.</param>
/// <param name="BytesPerSecond">What its memory reaches, not what its data sheet says.</param>
/// <param name="LatencyCycles">From a load of global memory to its number, with the barrier that follows.</param>
/// <param name="LaunchSeconds">From one kernel to the next in the same stream.</param>
internal sealed record GpuDescription(
    string Name, string Architecture, int Multiprocessors, double ClockHertz, int Schedulers, int Registers, int SharedBytes, int Threads,
    double BytesPerSecond, double LatencyCycles, double LaunchSeconds)
{
    /// <summary>Reads a description, a JSON object with these names.</summary>
    /// <exception cref="EngineException">It is not one.</exception>
    public static GpuDescription Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<GpuDescription>(File.ReadAllText(path)) ?? throw new EngineException($"{path} describes no device");
        }
        catch (JsonException failure)
        {
            throw new EngineException($"{path} describes no device: {failure.Message}", failure);
        }
    }
}
