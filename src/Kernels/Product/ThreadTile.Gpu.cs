using ILGPU;

namespace Engine.Kernels;

/// <summary>The elements of the result that one thread computes, in registers. Its columns lie <see cref="Apart"/> apart.</summary>
internal interface IThreadTile
{
    /// <summary>The distance between a thread's columns: 16 threads read neighbouring floats, and each finds its columns at constant distances from the
    /// first.</summary>
    const int Apart = 1 << ApartBits;

    /// <summary>Log₂ of it.</summary>
    const int ApartBits = 4;

    /// <summary>Log₂ of its rows, and of its columns.</summary>
    int Bits { get; }

    /// <summary>Adds the products of a term: of each row's element of the left factor with each column's of the right one.</summary>
    void Add(ArrayView<float> left, ArrayView<float> right);

    /// <summary>Writes all elements, with this distance between rows.</summary>
    void Store(ArrayView<float> to, int pitch);
}

/// <summary>8×8: 16 loads from shared memory for 64 multiply-adds.</summary>
internal struct Tile8 : IThreadTile
{
    private Eight _0;
    private Eight _1;
    private Eight _2;
    private Eight _3;
    private Eight _4;
    private Eight _5;
    private Eight _6;
    private Eight _7;

    public readonly int Bits => GpuTiling.LargeBits;

    public void Add(ArrayView<float> left, ArrayView<float> right)
    {
        Eight b = Eight.Load(right);
        _0.Add(left[0], b);
        _1.Add(left[1], b);
        _2.Add(left[2], b);
        _3.Add(left[3], b);
        _4.Add(left[4], b);
        _5.Add(left[5], b);
        _6.Add(left[6], b);
        _7.Add(left[7], b);
    }

    public readonly void Store(ArrayView<float> to, int pitch)
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
        private FourColumns _low;
        private FourColumns _high;

        public static Eight Load(ArrayView<float> from) =>
            new() { _low = FourColumns.Load(from), _high = FourColumns.Load(from.SubView(4 * IThreadTile.Apart)) };

        public void Add(float a, Eight b)
        {
            _low.Add(a, b._low);
            _high.Add(a, b._high);
        }

        public readonly void Store(ArrayView<float> to)
        {
            _low.Store(to);
            _high.Store(to.SubView(4 * IThreadTile.Apart));
        }
    }
}

/// <summary>4×4: 8 loads from shared memory for 16 multiply-adds.</summary>
internal struct Tile4 : IThreadTile
{
    private FourColumns _0;
    private FourColumns _1;
    private FourColumns _2;
    private FourColumns _3;

    public readonly int Bits => GpuTiling.SmallBits;

    public void Add(ArrayView<float> left, ArrayView<float> right)
    {
        FourColumns b = FourColumns.Load(right);
        _0.Add(left[0], b);
        _1.Add(left[1], b);
        _2.Add(left[2], b);
        _3.Add(left[3], b);
    }

    public readonly void Store(ArrayView<float> to, int pitch)
    {
        _0.Store(to);
        _1.Store(to.SubView(pitch));
        _2.Store(to.SubView(2 * pitch));
        _3.Store(to.SubView(3 * pitch));
    }
}

/// <summary>Four registers.</summary>
internal struct FourColumns
{
    private float _0;
    private float _1;
    private float _2;
    private float _3;

    /// <summary>The elements of four columns.</summary>
    public static FourColumns Load(ArrayView<float> from) => new()
    {
        _0 = from[0], _1 = from[IThreadTile.Apart], _2 = from[2 * IThreadTile.Apart], _3 = from[3 * IThreadTile.Apart],
    };

    /// <summary>Adds a·b to each.</summary>
    public void Add(float a, FourColumns b)
    {
        _0 += a * b._0;
        _1 += a * b._1;
        _2 += a * b._2;
        _3 += a * b._3;
    }

    /// <summary>Writes four columns.</summary>
    public readonly void Store(ArrayView<float> to)
    {
        to[0] = _0;
        to[IThreadTile.Apart] = _1;
        to[2 * IThreadTile.Apart] = _2;
        to[3 * IThreadTile.Apart] = _3;
    }
}
