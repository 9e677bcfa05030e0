using Engine.Kernels;

namespace Engine.Bench.Report;

/// <summary>Compares outputs before anything is timed.</summary>
internal static class Check
{
    /// <summary>
    /// Kernels against their definitions, relative to the largest value of the output: sums of up to 300 000 terms in float32, or fewer through Winograd's
    /// transforms; 1e-5 is usual.
    /// </summary>
    public const double KernelTolerance = 1e-4;

    /// <summary>Whole networks against another library, relative to the largest value: the project's bound for its layers.</summary>
    public const double NetworkTolerance = 1e-4;

    /// <summary>The losses of the first steps against another library, relative: gradients and updates in float32 on both sides.</summary>
    public const double LossTolerance = 1e-3;

    /// <summary>
    /// The share of the places of maxima that may differ: where two sums of a window agree to the last digits, rounding decides which one is found.
    /// </summary>
    public const double PlaceTolerance = 1e-4;

    /// <summary>
    /// Runs an operation on a backend and by its definition, and returns the largest error, relative to the largest value of the output that it is in.
    /// </summary>
    /// <exception cref="EngineException">It is above the tolerance.</exception>
    public static double Kernel(KernelCase kernel, IBackend backend)
    {
        using IBackend reference = Backends.CreateReference();
        List<(OperandInfo Operand, float[] Values)> expected = ResultsOf(kernel.CheckedAs, reference), actual;

        // A backend is driven by one thread at a time; the definitions, which take long, run side by side.
        lock (backend) actual = ResultsOf(kernel.CheckedAs, backend);
        return expected.Zip(actual).Max(pair => Compare(kernel, pair.First.Operand, pair.First.Values, pair.Second.Values));
    }

    private static double Compare(KernelCase kernel, OperandInfo output, float[] expected, float[] actual)
    {
        string what = $"{kernel}, {output.Name} of {kernel.CheckedAs.Title}";
        if (output.Name != "argmax") return Close(expected, actual, KernelTolerance, what);
        int differ = expected.Zip(actual).Count(pair => pair.First != pair.Second);
        if (differ > PlaceTolerance * expected.Length) throw new EngineException($"{what}: {differ} of {expected.Length} places differ");
        return 0;
    }

    /// <summary>The error of an output relative to the largest value that is expected.</summary>
    /// <exception cref="EngineException">It is above the tolerance, or the lengths differ.</exception>
    public static double Close(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        if (expected.Length != actual.Length) throw new EngineException($"{what}: {actual.Length} numbers instead of {expected.Length}");
        double largest = 0, worst = 0;
        int at = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)expected[i]));
            double error = Math.Abs((double)actual[i] - expected[i]);
            if (error <= worst) continue;
            (worst, at) = (error, i);
            if (double.IsNaN(error)) break;
        }

        if (worst <= tolerance * largest) return worst == 0 ? 0 : worst / largest;
        throw new EngineException(
            $"{what}: at {at} of {expected.Length} stands {actual[at]:g9} instead of {expected[at]:g9}, {worst / largest:g2} of the largest value; "
            + $"{tolerance:g2} is allowed");
    }

    private static List<(OperandInfo Operand, float[] Values)> ResultsOf(OpSpec spec, IBackend backend)
    {
        using KernelRun run = new(spec, backend);
        run.Call();
        return [.. run.Results()];
    }
}
