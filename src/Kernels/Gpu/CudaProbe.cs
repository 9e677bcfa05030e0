using System.Runtime.InteropServices;

namespace Engine.Kernels;

/// <summary>
/// Asks the CUDA driver itself why it gives no device. ILGPU treats a driver that fails like one that is not there, which happens in containers, under WSL, and
/// after an update of the driver without a restart.
/// </summary>
internal static unsafe class CudaProbe
{
    private const int NoDevice = 100;

    /// <summary>Which call fails and how; null if there is no driver, if it works, or if all that it says is that there is no device.</summary>
    public static string? Failure()
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint driver)) return null;
        try
        {
            int count = 0;
            int error = Call(driver, "cuInit") is { } init ? ((delegate* unmanaged<uint, int>)init)(0) : 0;
            if (error != 0) return Describe(driver, "cuInit", error);
            error = Call(driver, "cuDeviceGetCount") is { } get ? ((delegate* unmanaged<int*, int>)get)(&count) : 0;
            if (error != 0) return Describe(driver, "cuDeviceGetCount", error);
            return null;
        }
        finally
        {
            NativeLibrary.Free(driver);
        }
    }

    private static nint? Call(nint driver, string name) => NativeLibrary.TryGetExport(driver, name, out nint call) ? call : null;

    private static string? Describe(nint driver, string name, int error)
    {
        if (error == NoDevice) return null;
        byte* text = null;
        bool known = Call(driver, "cuGetErrorString") is { } call && ((delegate* unmanaged<int, byte**, int>)call)(error, &text) == 0 && text != null;
        return $"{name} failed with CUDA error {error}{(known ? $", {Marshal.PtrToStringUTF8((nint)text)}" : "")}";
    }
}
