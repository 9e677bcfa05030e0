using System.Text.RegularExpressions;
using Engine.Kernels;

namespace Engine.Svd.Train;

/// <summary>What decides the bits of a backend's results: the device and the width of its vectors, but not the number of threads.</summary>
internal static partial class DeviceIdentity
{
    /// <summary>The backend's name without its threads.</summary>
    public static string Of(IBackend backend) => Threads().Replace(backend.Name, "");

    [GeneratedRegex(@", \d+ threads?")]
    private static partial Regex Threads();
}
