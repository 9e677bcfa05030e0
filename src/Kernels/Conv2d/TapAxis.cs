namespace Engine.Kernels;

/// <summary>
/// One axis of a convolution or of a transposed one: which input an output sees through a filter tap. The outputs of a transposed convolution fall into as
/// many phases as the stride is long. The outputs of one phase see the same taps, and from one output to the next the inputs move on by <see cref="Step"/>.
/// A convolution has one phase.
/// </summary>
internal readonly struct TapAxis
{
    private readonly int _outputs;
    private readonly int _inputs;
    private readonly int _taps;
    private readonly int _stride;
    private readonly int _pad;
    private readonly int _dilation;
    private readonly bool _transposed;

    private TapAxis(int outputs, int inputs, int taps, int stride, int pad, int dilation, bool transposed) =>
        (_outputs, _inputs, _taps, _stride, _pad, _dilation, _transposed) = (outputs, inputs, taps, stride, pad, dilation, transposed);

    /// <summary>The vertical axis of a convolution.</summary>
    public static TapAxis RowsOf(in Conv2dShape shape) => new(shape.P, shape.H, shape.R, shape.StrideH, shape.PadH, shape.DilationH, transposed: false);

    /// <summary>The horizontal axis of a convolution.</summary>
    public static TapAxis ColumnsOf(in Conv2dShape shape) => new(shape.Q, shape.W, shape.S, shape.StrideW, shape.PadW, shape.DilationW, transposed: false);

    /// <summary>The vertical axis of a transposed convolution.</summary>
    public static TapAxis RowsOf(in ConvTranspose2dShape shape) =>
        new(shape.P, shape.H, shape.R, shape.StrideH, shape.PadH, shape.DilationH, transposed: true);

    /// <summary>The horizontal axis of a transposed convolution.</summary>
    public static TapAxis ColumnsOf(in ConvTranspose2dShape shape) =>
        new(shape.Q, shape.W, shape.S, shape.StrideW, shape.PadW, shape.DilationW, transposed: true);

    /// <summary>How many phases have an output.</summary>
    public int Phases => _transposed ? Math.Min(_stride, _outputs) : 1;

    /// <summary>The distance between two neighbouring outputs of a phase.</summary>
    public int Pitch => _transposed ? _stride : 1;

    /// <summary>The distance between the inputs that two neighbouring outputs of a phase see through the same tap.</summary>
    public int Step => _transposed ? 1 : _stride;

    /// <summary>The number of outputs of a phase: phase, phase + <see cref="Pitch"/>, and so on. The first phase has the most.</summary>
    public int Count(int phase) => (_outputs - phase - 1) / Pitch + 1;

    /// <summary>
    /// Whether an output sees an input through a tap, and which. The input may lie outside the image, where it is a zero of the padding. The first output of a
    /// phase has the phase's number, and the i-th sees the input i · <see cref="Step"/> further on.
    /// </summary>
    public bool Sees(int output, int tap, out int input)
    {
        int place = _transposed ? output + _pad - tap * _dilation : output * _stride + tap * _dilation - _pad;
        input = _transposed ? place / _stride : place;
        return !_transposed || input * _stride == place;
    }

    /// <summary>The input inside the image that an output sees through a tap, or −1 if there is none.</summary>
    public int InputOf(int output, int tap) => Sees(output, tap, out int input) && (uint)input < (uint)_inputs ? input : -1;

    /// <summary>Whether an output sees any input inside the image.</summary>
    public bool SeesAny(int output)
    {
        for (int tap = 0; tap < _taps; tap++)
        {
            if (InputOf(output, tap) >= 0) return true;
        }

        return false;
    }

    /// <summary>The taps that the outputs of a phase see.</summary>
    public TapRun TapsOf(int phase)
    {
        int common = _transposed ? GreatestCommonDivisor(_stride, _dilation) : _dilation, step = _transposed ? _stride / common : 1;
        int first = 0, input = 0;
        while (first < Math.Min(step, _taps) && !Sees(phase, first, out input)) first++;
        return first < Math.Min(step, _taps)
            ? new TapRun(first, step, (_taps - first - 1) / step + 1, input, _transposed ? -_dilation / common : _dilation)
            : new TapRun(0, step, 0, 0, 0);
    }

    /// <summary>The first and the last input that the first outputs of all phases see; both are 0 if these see no input at all.</summary>
    public (int First, int Last) FirstInputs()
    {
        (int first, int last) = (int.MaxValue, int.MinValue);
        for (int phase = 0; phase < Phases; phase++)
        for (int tap = 0; tap < _taps; tap++)
        {
            if (Sees(phase, tap, out int input)) (first, last) = (Math.Min(first, input), Math.Max(last, input));
        }

        // If the stride is longer than the filter, a small output may see no tap.
        return first <= last ? (first, last) : (0, 0);
    }

    /// <summary>The outputs of a phase whose taps all see an input inside the image: the numbers of the first one and of the one after the last.</summary>
    public void Interior(int phase, out int first, out int end)
    {
        (first, end) = (0, Count(phase));
        while (first < end && !IsInterior(phase + first * Pitch)) first++;
        while (end > first && !IsInterior(phase + (end - 1) * Pitch)) end--;
    }

    private bool IsInterior(int output)
    {
        for (int tap = 0; tap < _taps; tap++)
        {
            if (Sees(output, tap, out int input) && (uint)input >= (uint)_inputs) return false;
        }

        return true;
    }

    private static int GreatestCommonDivisor(int a, int b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}

/// <summary>Taps in equal steps, and the inputs that the first output of a phase sees through them, in equal steps too.</summary>
/// <param name="First">The first tap.</param>
/// <param name="Step">The distance from one tap to the next.</param>
/// <param name="Count">The number of taps.</param>
/// <param name="Input">The input seen through the first tap.</param>
/// <param name="InputStep">The distance from one input to the next, negative for a transposed convolution.</param>
internal readonly record struct TapRun(int First, int Step, int Count, int Input, int InputStep);
