using Engine.Kernels;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Nn;

/// <summary>How untrained weights are drawn.</summary>
public enum WeightInitializer
{
    /// <summary>Normal with deviation √(2 / fan-in) (He et al., ICCV 2015).</summary>
    HeNormal,

    /// <summary>Rows, or columns if there are fewer, of length 1 and at right angles (Saxe et al., ICLR 2014), gain 1.</summary>
    Orthogonal,
}

/// <summary>Values for a network that was not trained yet.</summary>
public static class Initializers
{
    /// <summary>
    /// Draws every weight; biases and beta are 0, gamma, running means and inverse deviations are those of data that is already normalised (1, 0, 1).
    /// </summary>
    /// <exception cref="ArgumentException">He's initialisation meets a weight whose <see cref="Parameter.FanIn"/> is not stated.</exception>
    /// <exception cref="InvalidOperationException">The network is being trained on another backend.</exception>
    public static void Initialize(Module network, IBackend backend, WeightInitializer initializer, RandomSource random)
    {
        foreach (Parameter parameter in network.Parameters)
        {
            float[] values = new float[parameter.Shape.Length];
            if (parameter.Role == ParameterRole.Weight) Draw(parameter, initializer, random, values);
            else if (parameter.Role is ParameterRole.Gamma or ParameterRole.RunningInverseStd) values.AsSpan().Fill(1);
            parameter.Load(backend, values);
        }
    }

    private static void Draw(Parameter parameter, WeightInitializer initializer, RandomSource random, float[] values)
    {
        if (initializer == WeightInitializer.Orthogonal)
        {
            DrawOrthogonal(parameter.Shape[0], values.Length / parameter.Shape[0], random, values);
            return;
        }

        if (parameter.FanIn < 1) throw new ArgumentException($"{parameter.Name} does not state its FanIn, which He's initialisation goes by");
        double deviation = Math.Sqrt(2.0 / parameter.FanIn);
        for (int i = 0; i < values.Length; i++) values[i] = (float)(deviation * random.NextGaussian());
    }

    // Gram and Schmidt's method on normal vectors. Each is made orthogonal twice, because once is not enough in floating point.
    private static void DrawOrthogonal(int rows, int columns, RandomSource random, float[] values)
    {
        int count = Math.Min(rows, columns), length = Math.Max(rows, columns);
        double[][] vectors = new double[count][];
        for (int i = 0; i < count; i++)
        {
            double[] vector = vectors[i] = new double[length];
            for (int j = 0; j < length; j++) vector[j] = random.NextGaussian();
            for (int pass = 0; pass < 2; pass++)
            {
                for (int other = 0; other < i; other++)
                {
                    double dot = TensorPrimitives.Dot<double>(vector, vectors[other]);
                    TensorPrimitives.MultiplyAdd(vectors[other], -dot, vector, vector);
                }
            }

            TensorPrimitives.Divide(vector, TensorPrimitives.Norm<double>(vector), vector);
        }

        for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++)
        {
            values[row * columns + column] = (float)(rows <= columns ? vectors[row][column] : vectors[column][row]);
        }
    }
}
