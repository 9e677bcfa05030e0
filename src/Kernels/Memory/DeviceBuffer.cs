namespace Engine.Kernels;

/// <summary>A block of float32 that lives on one backend. It has one owner, who gives it back with <see cref="Dispose"/>.</summary>
public abstract class DeviceBuffer : IDisposable
{
    /// <summary>How many floats the owner may use.</summary>
    public int Length { get; protected set; }

    /// <summary>The whole buffer.</summary>
    public View All => new(this, 0, Length);

    /// <summary>Gives the memory back to the backend's pool. Giving it back twice is an error.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was given back before.</exception>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Returns the memory. It is called once for each time the buffer was allocated.</summary>
    protected abstract void Release();
}
