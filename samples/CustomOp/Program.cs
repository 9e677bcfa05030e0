using Engine.CustomOp;
using Engine.Kernels;
using Engine.Tensors;

using IBackend reference = Backends.CreateReference(), cpu = Backends.CreateCpu();
float[] values = [-4, -1, -0.25f, 0.25f, 1, 4];
foreach (IBackend backend in new[] { reference, cpu })
{
    using Tensor x = Tensor.From(backend, new Shape(2, 3), values), y = x.Softsign();
    Console.WriteLine($"{backend.Name}: {string.Join("  ", y.ToArray())}");
}

// The gradient on a tape, checked against difference quotients: of the operation alone, and in the middle of a function.
using Tensor input = Tensor.From(reference, new Shape(2, 3), values), weights = Tensor.From(reference, new Shape(3, 2), [1, -2, 3, 0.5f, -1, 2]);
GradientError alone = GradientCheck.LargestError(v => v[0].Softsign(), [input]);
GradientError within = GradientCheck.LargestError(v => v[0].Dense(v[1]).Softsign().Multiply(v[0].Mean(1)), [input, weights]);
Console.WriteLine($"Softsign: {alone}");
Console.WriteLine($"a function of it: {within}");
return alone.Error < 1e-3 && within.Error < 1e-3 ? 0 : 1;
