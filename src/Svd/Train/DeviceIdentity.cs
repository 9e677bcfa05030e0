using System.Text.RegularExpressions;
using Engine.Kernels;

namespace Engine.Svd.Train;

/// <summary>What of a backend decides the bits of a result: the device and the width of its vectors, not how many threads it has.</summary>
internal static partial class DeviceIdentity
{
    /// <summary>The backend's name without its threads.</summary>
    public static string Of(IBackend backend) => Threads().Replace(backend.Name, "");

    [GeneratedRegex(@", \d+ threads?")]
    private static partial Regex Threads();
}
