namespace Engine.Kernels;

/// <summary>
/// One axis of a convolution or of a transposed one: which input an output sees through a tap. Outputs of a transposed convolution fall into as many
/// phases as the stride is long; the outputs of one phase see the same taps, and inputs that move on by <see cref="Step"/> from one to the next.
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

    public TapAxis(int outputs, int inputs, int taps, int stride, int pad, int dilation, bool transposed) =>
        (_outputs, _inputs, _taps, _stride, _pad, _dilation, _transposed) = (outputs, inputs, taps, stride, pad, dilation, transposed);

    /// <summary>Phases that have an output.</summary>
    public int Phases => _transposed ? Math.Min(_stride, _outputs) : 1;

    /// <summary>Outputs from one of a phase to the next.</summary>
    public int Pitch => _transposed ? _stride : 1;

    /// <summary>Inputs from one output of a phase to the next.</summary>
    public int Step => _transposed ? 1 : _stride;

    /// <summary>Outputs of a phase: phase, phase + <see cref="Pitch"/>, and so on.</summary>
    public int Count(int phase) => (_outputs - phase - 1) / Pitch + 1;

    /// <summary>The input that an output sees through a tap, or −1 where it sees none.</summary>
    public int InputOf(int output, int tap)
    {
        if (!Reaches(output, tap)) return -1;
        int input = _transposed ? (output + _pad - tap * _dilation) / _stride : output * _stride + tap * _dilation - _pad;
        return input < _inputs ? Math.Max(input, -1) : -1;
    }

    /// <summary>The outputs of a phase whose taps all see an input, by their number in it: the first and the one behind the last.</summary>
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
            if (Reaches(output, tap) && InputOf(output, tap) < 0) return false;
        }

        return true;
    }

    private bool Reaches(int output, int tap) => !_transposed || (output + _pad - tap * _dilation) % _stride == 0;
}
