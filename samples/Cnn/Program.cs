using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;

using IBackend backend = Backends.CreateCpu();
using Sequential network = new(
    new Conv2d(1, 8, 3, activation: Activation.Relu), new MaxPool2d(2), new Conv2d(8, 16, 3, stride: 2, activation: Activation.Relu),
    new Flatten(), new Dense(16 * 2 * 2, 2));
Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
using TrainableParameters parameters = new(network, backend);
using Adam adam = new(parameters);
using Tape tape = new();
for (int step = 1; step <= 100; step++)
{
    (float[] pixels, int[] labels) = Stripes.Draw(32, new RandomSource(2, (ulong)step));
    using Tensor images = Tensor.From(backend, new Shape(32, 1, 12, 12), pixels), target = Tensor.OneHot(backend, labels, 2);
    tape.Reset();
    Tensor loss = network.Forward(tape.Watch(images)).SoftmaxCrossEntropy(target);
    tape.Backward(loss);
    adam.Step(learningRate: 0.003);
    if (step % 20 == 0) Console.WriteLine($"step {step}: loss {loss.ToArray()[0]:f4}");
}

network.Save(args.Length > 0 ? args[0] : "cnn.npz");
