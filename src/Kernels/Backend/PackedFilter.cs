namespace Engine.Kernels;

/// <summary>
/// Holds a convolution's filters in the packed form that a backend computes with, so that later calls with the same filters need not pack them again. It
/// belongs to the owner of the filters. The first call fills it, a call whose shape needs another form fills it again, and the owner empties it when the
/// filters change.
/// </summary>
public sealed class PackedFilter : IDisposable
{
    /// <summary>The packed filters; null when empty.</summary>
    internal DeviceBuffer? Buffer { get; private set; }

    /// <summary>The form that computes with it.</summary>
    internal Conv2dForm Form { get; private set; }

    /// <summary>Takes over the memory for a form.</summary>
    internal void Fill(Conv2dForm form, DeviceBuffer buffer)
    {
        Dispose();
        (Form, Buffer) = (form, buffer);
    }

    /// <summary>Empties it and returns the memory. It may be filled again.</summary>
    public void Dispose()
    {
        Buffer?.Dispose();
        Buffer = null;
    }
}
