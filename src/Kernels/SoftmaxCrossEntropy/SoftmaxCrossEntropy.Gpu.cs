using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: a thread a row, and for the loss a <see cref="GpuReduction"/> with all rows as one channel. The exponential bounds it where there are many
/// rows; with few, most of the device idles.
/// </content>
internal static partial class SoftmaxCrossEntropy
{
    /// <summary>Writes the weighted mean cross-entropy.</summary>
    public static void Forward(GpuContext gpu, int rows, ArrayView<float> logits, ArrayView<float> target, ArrayView<float> loss, float weight) =>
        GpuReduction.Run(
            gpu, new RowLosses { Logits = logits, Target = target, Classes = (int)logits.Length / rows },
            new ScaledTotals { Result = loss, Scale = (float)((double)weight / rows) }, 1, 1, rows);

    /// <summary>dz = dloss·weight/N·(softmax(z)·Σt − t). Overwrites dlogits, which may be either input.</summary>
    public static void Backward(
        GpuContext gpu, int rows, ArrayView<float> logits, ArrayView<float> target, ArrayView<float> dloss, ArrayView<float> dlogits, float weight) =>
        ForEach.Run(
            gpu, new RowGradient
            {
                Logits = logits, Target = target, Dloss = dloss, Dlogits = dlogits, Classes = (int)logits.Length / rows, Weight = weight, Rows = rows,
            },
            rows);

    // The largest logit of a row; Σ e^(z − largest); and Σ t.
    private static float SumsOf(
        ArrayView<float> logits, ArrayView<float> target, int first, int classes, ref CompensatedSum exponentials, ref CompensatedSum total)
    {
        float largest = logits[first];
        for (int c = 1; c < classes; c++) largest = GpuMath.Max(logits[first + c], largest);
        for (int c = 0; c < classes; c++)
        {
            exponentials.Add(GpuMath.ExpOfNegative(logits[first + c] - largest));
            total.Add(target[first + c]);
        }

        return largest;
    }

    internal struct RowLosses : IGpuTerms
    {
        public ArrayView<float> Logits;
        public ArrayView<float> Target;
        public int Classes;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second)
        {
            CompensatedSum exponentials = default, total = default;
            float largest = SumsOf(Logits, Target, at * Classes, Classes, ref exponentials, ref total);
            first.Add(total.Value * GpuMath.Log(exponentials.Value));
            for (int c = 0; c < Classes; c++) first.Add(Target[at * Classes + c] * (largest - Logits[at * Classes + c]));
        }
    }

    internal struct RowGradient : IGpuBody
    {
        public ArrayView<float> Logits;
        public ArrayView<float> Target;
        public ArrayView<float> Dloss;
        public ArrayView<float> Dlogits;
        public int Classes;
        public int Rows;
        public float Weight;

        public readonly void Run(int i)
        {
            CompensatedSum exponentials = default, total = default;
            float largest = SumsOf(Logits, Target, i * Classes, Classes, ref exponentials, ref total);
            float factor = total.Value / exponentials.Value, scale = Weight * Dloss[0] / Rows;
            for (int at = i * Classes; at < (i + 1) * Classes; at++)
            {
                Dlogits[at] = scale * (GpuMath.ExpOfNegative(Logits[at] - largest) * factor - Target[at]);
            }
        }
    }
}
