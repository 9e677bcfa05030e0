namespace Engine.Kernels;

/// <summary>
/// Where a backend keeps what it makes of a convolution's filters, so that calls with the same ones need not make it again. It belongs to whoever has the
/// filters: the first call that is given it fills it, calls whose shapes want the filters in another form fill it anew, and the owner empties it when the
/// filters change.
/// </summary>
public sealed class PackedFilter : IDisposable
{
    /// <summary>What was made of the filters; null when empty.</summary>
    internal DeviceBuffer? Buffer { get; private set; }

    /// <summary>The form that computes with it.</summary>
    internal Conv2dForm Form { get; private set; }

    /// <summary>Takes over the memory for a form.</summary>
    internal void Fill(Conv2dForm form, DeviceBuffer buffer)
    {
        Dispose();
        (Form, Buffer) = (form, buffer);
    }

    /// <summary>Empties it, giving the memory back; it may be filled again.</summary>
    public void Dispose()
    {
        Buffer?.Dispose();
        Buffer = null;
    }
}
