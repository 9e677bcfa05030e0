using ILGPU;

namespace Engine.Kernels;

/// <summary>Three indices, and a place that lies so many floats further on.</summary>
internal struct Indices
{
    public int First;
    public int Second;
    public int Third;
    public int Inside;
}

/// <summary>
/// How the number of a row, a column or a term of a product is made of its indices: i = ((first · Seconds + second) · Thirds + third) · Insides + inside.
/// </summary>
internal readonly struct Digits(int seconds, int thirds, int insides = 1)
{
    private readonly Divisor _insides = new(insides);
    private readonly Divisor _seconds = new(seconds);
    private readonly Divisor _thirds = new(thirds);

    /// <summary>The index itself is the first, the others are 0.</summary>
    public static Digits One => new(1, 1);

    /// <summary>Block of samples, row, column and sample of maps, in the order in which they lie in memory.</summary>
    public static Digits OfMaps(MapStrides maps, int rows, int columns) => new(rows, columns, maps.Samples);

    public Indices At(int i)
    {
        Indices digits = default;
        int rest = _insides.Divide(i, out digits.Inside);
        digits.First = _seconds.Divide(_thirds.Divide(rest, out digits.Third), out digits.Second);
        return digits;
    }
}

/// <summary>What one index contributes to a place in an array.</summary>
internal struct Place
{
    /// <summary>Floats from the start of the array.</summary>
    public int Offset;

    /// <summary>Rows of the image.</summary>
    public int Row;

    /// <summary>Columns of the image.</summary>
    public int Column;
}

/// <summary>
/// One of the three arrays of a product, seen as a matrix. The index that runs along the result (a row of the left factor, a column of the right one) is called
/// outer, and the other one inner. Each has three digits: a plane, a row and a column of an image.
/// <code>element = Data[outer.First·OuterPlane + inner.First·InnerPlane + outer.Inside + inner.Inside + row·Pitch + column·Step],
/// row = outer.Second·OuterRow + inner.Second·InnerRow + RowStart, column = outer.Third·OuterColumn + inner.Third·InnerColumn + ColumnStart</code>
/// The element is 0 if the row or the column lies outside the image. So the kernel treats an image under the taps of a filter, the taps of one phase of a
/// filter, and a plain matrix (an image of one pixel) alike.
/// </summary>
internal struct Operand
{
    public ArrayView<float> Data;
    public int OuterPlane;
    public int OuterRow;
    public int OuterColumn;
    public int InnerPlane;
    public int InnerRow;
    public int InnerColumn;
    public int RowStart;
    public int ColumnStart;
    public int Height;
    public int Width;
    public int Pitch;
    public int Step;

    /// <summary>1 if neighbours in memory differ in the inner index. Neighbouring threads then take neighbouring inner indices.</summary>
    public int RunsInward;

    /// <summary>A matrix with these distances between neighbouring outer and inner indices.</summary>
    public static Operand Matrix(ArrayView<float> data, int outer, int inner) => new()
    {
        Data = data, OuterPlane = outer, InnerPlane = inner, Height = 1, Width = 1, RunsInward = inner == 1 ? 1 : 0,
    };

    public readonly Place Outer(Indices digits) => new()
    {
        Offset = digits.First * OuterPlane + digits.Inside, Row = digits.Second * OuterRow + RowStart, Column = digits.Third * OuterColumn + ColumnStart,
    };

    public readonly Place Inner(Indices digits) => new()
    {
        Offset = digits.First * InnerPlane + digits.Inside, Row = digits.Second * InnerRow, Column = digits.Third * InnerColumn,
    };

    /// <summary>Writes an element, unless it lies outside the image.</summary>
    public readonly void Store(Place outer, Place inner, float value)
    {
        int row = outer.Row + inner.Row, column = outer.Column + inner.Column;
        if ((uint)row < (uint)Height && (uint)column < (uint)Width) Data[outer.Offset + inner.Offset + row * Pitch + column * Step] = value;
    }
}
