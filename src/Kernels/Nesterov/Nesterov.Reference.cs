namespace Engine.Kernels;

/// <summary>
/// Gradient descent with Nesterov's momentum in Lasagne's form, which needs the gradient at w only:
/// <code>v ← μ·v − lr·g,  w ← w + μ·v − lr·g</code>
/// Velocities closer to zero than <see cref="Tiny"/> become 0, since denormal numbers are slow.
/// </summary>
internal static partial class Nesterov
{
    /// <summary>Velocities below this in magnitude are set to zero.</summary>
    public const float Tiny = 1e-30f;

    /// <summary>The definition, in double precision. Updates w and the velocity.</summary>
    public static void Reference(float learningRate, float momentum, Span<float> w, ReadOnlySpan<float> g, Span<float> velocity)
    {
        for (int i = 0; i < w.Length; i++)
        {
            double step = (double)learningRate * g[i], moved = (double)momentum * velocity[i] - step;
            if (Math.Abs(moved) < Tiny) moved = 0;
            velocity[i] = (float)moved;
            w[i] = (float)(w[i] + momentum * moved - step);
        }
    }
}
