using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The elements of the result that one thread computes, in registers. Its rows are neighbours; its columns are four neighbours or two times four. A thread
/// loads four numbers at a time from shared memory, and neighbouring threads load neighbouring quads, so the banks do not collide.
/// </summary>
internal interface IThreadTile
{
    /// <summary>Log₂ of its rows, and of its columns.</summary>
    int Bits { get; }

    /// <summary>The first of the quads of columns of a thread.</summary>
    /// <param name="lane">The thread's number in its line.</param>
    int FirstQuad(int lane);

    /// <summary>Adds the products of a term: of each row's element of the left factor with each column's of the right one.</summary>
    void Add(ArrayView<Quad> left, ArrayView<Quad> right);

    /// <summary>Writes all elements, with this distance in quads between rows.</summary>
    void Store(ArrayView<Quad> to, int pitch);
}

/// <summary>8×8: 4 loads from shared memory for 64 multiply-adds.</summary>
internal struct Tile8 : IThreadTile
{
    // From a thread's first four columns to its other four: 16 threads have neighbours.
    private const int Apart = 16;

    private Eight _0;
    private Eight _1;
    private Eight _2;
    private Eight _3;
    private Eight _4;
    private Eight _5;
    private Eight _6;
    private Eight _7;

    public readonly int Bits => GpuTiling.LargeBits;

    public readonly int FirstQuad(int lane) => lane + lane / Apart * Apart;

    public void Add(ArrayView<Quad> left, ArrayView<Quad> right)
    {
        Eight b = new() { Low = right[0], High = right[Apart] };
        Quad a = left[0];
        _0.Add(a.X, b);
        _1.Add(a.Y, b);
        _2.Add(a.Z, b);
        _3.Add(a.W, b);
        a = left[1];
        _4.Add(a.X, b);
        _5.Add(a.Y, b);
        _6.Add(a.Z, b);
        _7.Add(a.W, b);
    }

    public readonly void Store(ArrayView<Quad> to, int pitch)
    {
        _0.Store(to);
        _1.Store(to.SubView(pitch));
        _2.Store(to.SubView(2 * pitch));
        _3.Store(to.SubView(3 * pitch));
        _4.Store(to.SubView(4 * pitch));
        _5.Store(to.SubView(5 * pitch));
        _6.Store(to.SubView(6 * pitch));
        _7.Store(to.SubView(7 * pitch));
    }

    private struct Eight
    {
        public Quad Low;
        public Quad High;

        public void Add(float a, Eight b)
        {
            Low.Add(a, b.Low);
            High.Add(a, b.High);
        }

        public readonly void Store(ArrayView<Quad> to)
        {
            to[0] = Low;
            to[Apart] = High;
        }
    }
}

/// <summary>4×4: 2 loads from shared memory for 16 multiply-adds.</summary>
internal struct Tile4 : IThreadTile
{
    private Quad _0;
    private Quad _1;
    private Quad _2;
    private Quad _3;

    public readonly int Bits => GpuTiling.SmallBits;

    public readonly int FirstQuad(int lane) => lane;

    public void Add(ArrayView<Quad> left, ArrayView<Quad> right)
    {
        Quad a = left[0], b = right[0];
        _0.Add(a.X, b);
        _1.Add(a.Y, b);
        _2.Add(a.Z, b);
        _3.Add(a.W, b);
    }

    public readonly void Store(ArrayView<Quad> to, int pitch)
    {
        to[0] = _0;
        to[pitch] = _1;
        to[2 * pitch] = _2;
        to[3 * pitch] = _3;
    }
}

/// <summary>Four numbers, which a card loads as one of 128 bits.</summary>
internal struct Quad
{
    public float X;
    public float Y;
    public float Z;
    public float W;

    /// <summary>Adds a·b to each.</summary>
    public void Add(float a, Quad b)
    {
        X += a * b.X;
        Y += a * b.Y;
        Z += a * b.Z;
        W += a * b.W;
    }
}
