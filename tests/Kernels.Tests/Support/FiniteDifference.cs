namespace Engine.Kernels.Tests;

/// <summary>
/// Compares an operation's gradient rule with differences of its definition. The loss is Σ y·r for a random r, so its gradient with respect to y is r.
/// </summary>
internal static class FiniteDifference
{
    private const float Step = 1f / 256;

    // An input that moves many results can take several of them over a kink. Then a closer look decides, where float32 still has enough digits.
    private const float CloserStep = Step / 16;

    /// <summary>
    /// The error that the step allows, relative to the largest gradient of an input. The definition's results are rounded to float32, and the difference
    /// divides this 2⁻²⁴ by the step; the third derivative times the square of the step comes on top.
    /// </summary>
    private const double Relative = 2e-3;

    // If all gradients are smaller than this, errors are relative to this number.
    private const double SmallestScale = 1e-2;

    /// <summary>Inputs without a gradient. TensorOps refuses a tensor there that requires one.</summary>
    private static readonly string[] Constants = ["target"];

    /// <summary>
    /// Asserts that the rule's gradient of every element of every input lies between the difference quotients to either side. At a kink the two differ. Returns
    /// the largest gradient, or null if the operation has no gradient with these settings.
    /// </summary>
    public static double? AssertGradients(OpCase op)
    {
        using IBackend reference = Backends.CreateReference();
        DeviceBuffer[] buffers = [.. op.Spec.Operands.Select(operand => reference.Allocate(operand.Length))];
        View[] views = [.. buffers.Select(buffer => buffer.All)];
        int result = IndexOf(op.Spec, OperandRole.Out);
        float[][] inputs = op.RandomInputs();
        float[] y = Evaluate(), r = RandomSigns(y.Length);
        using Gradients gradients = new(reference, op.Spec, r);
        try
        {
            op.Spec.Backward(views, gradients);
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException)
        {
            return null;
        }

        double largest = 0;
        int next = 0, number = 0;
        foreach (OperandInfo operand in op.Spec.Operands.Where(OpCase.IsInput))
        {
            float[] input = inputs[next++];
            if (operand.Role == OperandRole.In && gradients.Find(number++) is var gradient && !(gradient is null && Constants.Contains(operand.Name)))
            {
                Assert.True(gradient is not null, $"{op}: the gradient rule leaves out {operand.Name}");
                largest = Math.Max(largest, AssertBetween($"{op}, {operand.Name}", input, gradient!, () => Loss(Evaluate(), y, r)));
            }
        }

        foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        return largest;

        float[] Evaluate()
        {
            op.Upload(reference, views, inputs);
            op.Spec.Run(reference, views);
            float[] values = new float[views[result].Length];
            reference.Download(views[result], values);
            return values;
        }
    }

    // Returns the largest gradient. The loss is relative to the one where nothing is moved.
    private static double AssertBetween(string what, float[] input, float[] gradient, Func<double> loss)
    {
        (double Left, double Right)[] slopes = new (double, double)[input.Length];
        for (int i = 0; i < input.Length; i++) slopes[i] = SlopesAt(i, Step);

        double largest = Math.Max(gradient.Max(Math.Abs), slopes.Max(slope => Math.Abs(slope.Left + slope.Right) / 2));
        double allowed = Relative * Math.Max(largest, SmallestScale);
        for (int i = 0; i < input.Length; i++)
        {
            if (!IsBetween(slopes[i], gradient[i])) slopes[i] = SlopesAt(i, CloserStep);
            Assert.True(
                IsBetween(slopes[i], gradient[i]),
                $"{what}: gradient {i} is {gradient[i]:g6}, the difference quotients are {slopes[i].Left:g6} and {slopes[i].Right:g6}; "
                + $"the largest gradient is {largest:g3}");
        }

        return largest;

        bool IsBetween((double Left, double Right) slopes, double gradient) =>
            Math.Min(slopes.Left, slopes.Right) - allowed <= gradient && gradient <= Math.Max(slopes.Left, slopes.Right) + allowed;

        (double Left, double Right) SlopesAt(int i, float step)
        {
            float value = input[i];
            (double, double) slopes = (SlopeTo(value - step), SlopeTo(value + step));
            input[i] = value;
            return slopes;

            double SlopeTo(float moved)
            {
                input[i] = moved;
                return loss() / ((double)moved - value);
            }
        }
    }

    // The differences come first, so that values that did not move cancel exactly.
    private static double Loss(float[] y, float[] start, float[] r)
    {
        double loss = 0;
        for (int i = 0; i < y.Length; i++) loss += ((double)y[i] - start[i]) * r[i];
        return loss;
    }

    // Numbers between 1/2 and 1, of either sign.
    private static float[] RandomSigns(int length)
    {
        Random random = new(length);
        return [.. Enumerable.Range(0, length).Select(_ => (0.5f + random.NextSingle() / 2) * (random.Next(2) == 0 ? 1 : -1))];
    }

    private static int IndexOf(OpSpec spec, OperandRole role) => spec.Operands.TakeWhile(operand => operand.Role != role).Count();

    /// <summary>What a tape would give the rule: every input's gradient is wanted.</summary>
    private sealed class Gradients : IGradients, IDisposable
    {
        private readonly OperandInfo[] _inputs;
        private readonly DeviceBuffer _dy;
        private readonly DeviceBuffer?[] _gradients;

        public Gradients(IBackend backend, OpSpec spec, float[] dy)
        {
            Backend = backend;
            _inputs = [.. spec.Operands.Where(operand => operand.Role == OperandRole.In)];
            _gradients = new DeviceBuffer?[_inputs.Length];
            _dy = backend.Allocate(dy.Length);
            backend.Upload(dy, Dy);
        }

        public IBackend Backend { get; }

        public View Dy => _dy.All;

        public bool Wants(int input) => input < _inputs.Length;

        // The rule must overwrite it, so it starts as NaN.
        public View Of(int input)
        {
            DeviceBuffer gradient = _gradients[input] ??= Backend.Allocate(_inputs[input].Length);
            Backend.Run(new FillOp(float.NaN, gradient.All));
            return gradient.All;
        }

        public float[]? Find(int input)
        {
            if (_gradients[input] is not { } gradient) return null;
            float[] values = new float[gradient.Length];
            Backend.Download(gradient.All, values);
            return values;
        }

        public void Dispose()
        {
            _dy.Dispose();
            foreach (DeviceBuffer? gradient in _gradients) gradient?.Dispose();
        }
    }
}
