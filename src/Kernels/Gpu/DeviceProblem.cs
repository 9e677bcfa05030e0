namespace Engine.Kernels;

/// <summary>What can go wrong with a device.</summary>
public enum DeviceProblem
{
    /// <summary>There is no such device.</summary>
    NotFound,

    /// <summary>The device lacks something that the kernels need, or its driver does.</summary>
    Unsuitable,

    /// <summary>The device is an OpenCL device that does not announce the generic address space. It can be used if that is allowed.</summary>
    NoGenericAddressSpace,

    /// <summary>Its driver does not open it.</summary>
    CannotBeOpened,

    /// <summary>Its memory is too small.</summary>
    OutOfMemory,

    /// <summary>Its driver does not compile a kernel.</summary>
    CannotCompile,

    /// <summary>It failed while it was running, or it was lost.</summary>
    Failed,
}
