namespace Engine.Tensors;

/// <summary>The largest error that a check of gradients found.</summary>
/// <param name="Error">How far the tape's number and the difference quotient lie apart, relative to the largest gradient of that input.</param>
/// <param name="Input">The number of the input.</param>
/// <param name="Index">Which of its elements, in C order.</param>
/// <param name="Gradient">What the tape says.</param>
/// <param name="Difference">What the difference quotient says.</param>
public readonly record struct GradientError(double Error, int Input, int Index, double Gradient, double Difference)
{
    /// <inheritdoc/>
    public override string ToString() => $"input {Input}, element {Index}: gradient {Gradient:g6}, difference {Difference:g6}, relative error {Error:g3}";
}

/// <summary>
/// Compares the gradients of an operation, or of a function of several, with central differences. A wrong gradient rule shows as an error far above
/// rounding.
/// </summary>
public static class GradientCheck
{
    /// <summary>
    /// Takes the loss Σ y·r with a random r, the same in every run, of y = <paramref name="function"/>(inputs). A tape computes its gradient with respect to
    /// every element of every input. Then each element is moved by <paramref name="step"/> to either side, and the largest error is returned. The reference
    /// backend rounds least: with inputs of about 1, a right rule has an error of about 1e-3.
    /// </summary>
    /// <param name="function">
    /// What is checked. It is called twice for each element, computes on its arguments, and returns a tensor that depends on them. It must not have a kink
    /// within a step of the inputs.
    /// </param>
    /// <param name="inputs">Where it is checked. They have their old values afterwards.</param>
    /// <param name="step">How far an element is moved; a power of two avoids rounding.</param>
    /// <exception cref="ArgumentException">There is no input, or the result depends on none.</exception>
    public static GradientError LargestError(Func<Tensor[], Tensor> function, Tensor[] inputs, float step = 1f / 256)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (inputs.Length == 0) throw new ArgumentException("a check of gradients needs an input");
        using Tape tape = new();
        (Tape?, bool)[] before = [.. inputs.Select(input => (input.Tape, input.RequiresGradient))];
        try
        {
            foreach (Tensor input in inputs) tape.Watch(input, requiresGradient: true);
            return LargestError(tape, function, inputs, step);
        }
        finally
        {
            for (int i = 0; i < inputs.Length; i++) (inputs[i].Tape, inputs[i].RequiresGradient) = before[i];
        }
    }

    private static GradientError LargestError(Tape tape, Func<Tensor[], Tensor> function, Tensor[] inputs, float step)
    {
        Tensor y = function(inputs);
        Random random = new(1);
        float[] weights = [.. Enumerable.Range(0, y.Shape.Length).Select(_ => 2 * random.NextSingle() - 1)];
        using Tensor r = Tensor.From(y.Backend, y.Shape, weights);
        tape.Backward(y.Multiply(r).Sum());
        float[][] gradients = [.. inputs.Select(input => input.HasGradient ? input.Gradient!.ToArray() : new float[input.Shape.Length])];
        GradientError worst = new(-1, 0, 0, 0, 0);
        for (int i = 0; i < inputs.Length; i++)
        {
            double[] differences = DifferencesOf(tape, function, inputs, inputs[i], weights, step);
            double largest = Math.Max(differences.Max(Math.Abs), gradients[i].Max(Math.Abs));
            for (int at = 0; at < differences.Length; at++)
            {
                double error = Math.Abs(gradients[i][at] - differences[at]) / (largest == 0 ? 1 : largest);

                // This way a NaN is the worst.
                if (!(error <= worst.Error)) worst = new GradientError(error, i, at, gradients[i][at], differences[at]);
                if (double.IsNaN(error)) return worst;
            }
        }

        return worst;
    }

    private static double[] DifferencesOf(Tape tape, Func<Tensor[], Tensor> function, Tensor[] inputs, Tensor input, float[] weights, float step)
    {
        float[] values = input.ToArray(), moved = [.. values];
        double[] differences = new double[values.Length];
        for (int at = 0; at < values.Length; at++)
        {
            (float up, float down) = (values[at] + step, values[at] - step);
            float[] above = ValuesAt(up), below = ValuesAt(down);

            // The differences come first, so that values that did not move cancel exactly.
            for (int k = 0; k < weights.Length; k++) differences[at] += ((double)above[k] - below[k]) * weights[k];
            differences[at] /= (double)up - down;
            moved[at] = values[at];

            float[] ValuesAt(float value)
            {
                moved[at] = value;
                input.Backend.Upload(moved, input.View);
                tape.Reset();
                return function(inputs).ToArray();
            }
        }

        input.Backend.Upload(values, input.View);
        return differences;
    }
}
