using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>Adds to a failure what the user can do about it on the command line.</summary>
internal static class DeviceAdvice
{
    /// <summary>A failure's message. If a device failed, the message ends with what to do.</summary>
    public static string MessageOf(EngineException failure) =>
        failure.DeviceProblem is { } problem && For(problem) is { } advice ? $"{failure.Message}; {advice}" : failure.Message;

    /// <summary>What to do about a device's problem; null if the failure itself says it.</summary>
    public static string? For(DeviceProblem problem) => problem switch
    {
        DeviceProblem.NotFound or DeviceProblem.Unsuitable or DeviceProblem.CannotBeOpened => "svd devices lists all devices",
        DeviceProblem.NoGenericAddressSpace => "use it anyway with --opencl-without-generic-address-space",
        DeviceProblem.OutOfMemory or DeviceProblem.CannotCompile => "--device cpu always works",
        DeviceProblem.Failed => "run the command again; a training with --checkpoint resumes from its last checkpoint",
        _ => null,
    };
}
