using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>
/// The trained parameters of a network in one flat array, and their gradients in another of the same layout, so that an optimiser is one pass over both.
/// Those under the L2 penalty come first. Each parameter starts on a cache line; the numbers between two parameters are zero, and so are their gradients.
/// </summary>
public sealed class TrainableParameters : IDisposable
{
    private const int AlignedFloats = 16;

    private readonly Parameter[] _parameters;
    private readonly Tensor _lossAndSum;

    /// <summary>Moves a network's parameters, which must have values, into a flat array, and has tapes work out their gradients.</summary>
    /// <exception cref="InvalidOperationException">A parameter has no values, is on another backend, or is being trained already.</exception>
    public TrainableParameters(Module network, IBackend backend)
    {
        foreach (Parameter parameter in network.Parameters) RequireTrainable(parameter, backend);
        _parameters = InOrder(network);
        int length = 0;
        foreach (Parameter parameter in _parameters)
        {
            length = Aligned(length + parameter.Shape.Length);
            if (parameter.IsDecayed) DecayedLength = length;
        }

        Backend = backend;
        Values = Tensor.From(backend, new Shape(length), new float[length]);
        Gradients = Tensor.From(backend, new Shape(length), new float[length]);
        _lossAndSum = Tensor.Allocate(backend, new Shape(2));
        foreach ((Parameter parameter, int start) in Placed(_parameters))
        {
            Tensor value = Values.Part(start, parameter.Shape);
            backend.Copy(parameter.Value.View, value.View);
            parameter.MoveTo(value);
            value.RequiresGradient = true;
            value.HoldGradientIn(Gradients.Part(start, parameter.Shape));
        }
    }

    /// <summary>Where they are.</summary>
    public IBackend Backend { get; }

    /// <summary>The values, flat.</summary>
    public Tensor Values { get; }

    /// <summary>The gradients, flat; a tape's backward pass overwrites them.</summary>
    public Tensor Gradients { get; }

    /// <summary>How many of the flat numbers, from the first, are under the L2 penalty.</summary>
    public int DecayedLength { get; }

    /// <summary>
    /// Adds the gradient of λ·Σw² over the penalised parameters, 2λ·w, to their gradients. Returns the loss, a single number, and the penalty. The
    /// host reads both in one copy, because every copy waits for the device.
    /// </summary>
    public (double Loss, double Penalty) AddL2Penalty(float lambda, Tensor loss)
    {
        View values = Values.View.Slice(0, DecayedLength);
        Backend.Run(new AddScaledOp(2 * lambda, values, Gradients.View.Slice(0, DecayedLength)));
        Backend.Copy(loss.View, _lossAndSum.View.Slice(0, 1));
        Backend.Run(new SumOfSquaresOp(values, _lossAndSum.View.Slice(1, 1)));
        Span<float> numbers = stackalloc float[2];
        _lossAndSum.CopyTo(numbers);
        return (numbers[0], (double)lambda * numbers[1]);
    }

    /// <summary>
    /// Lets flat values of this layout, such as <see cref="WeightAverage.Average"/>, be the trained parameters of another network of the same architecture.
    /// Call <see cref="Parameter.ValuesChanged"/> when they have changed.
    /// </summary>
    /// <exception cref="ArgumentException">A shape is different.</exception>
    public static void Place(Tensor values, Module network)
    {
        foreach ((Parameter parameter, int start) in Placed(InOrder(network))) parameter.MoveTo(values.Part(start, parameter.Shape));
    }

    /// <summary>Gives the gradients back; the values live on in the parameters.</summary>
    public void Dispose()
    {
        foreach (Parameter parameter in _parameters)
        {
            parameter.Value.RequiresGradient = false;
            parameter.Value.HoldGradientIn(null);
        }

        Values.Dispose();
        Gradients.Dispose();
        _lossAndSum.Dispose();
    }

    private static void RequireTrainable(Parameter parameter, IBackend backend)
    {
        if (parameter.Value.Backend != backend)
        {
            throw new InvalidOperationException($"{parameter.Name} is on another backend: initialise or load the network on the backend that is to train it");
        }

        if (parameter.Value.RequiresGradient)
        {
            throw new InvalidOperationException($"{parameter.Name} is being trained already: dispose the other TrainableParameters first");
        }
    }

    private static Parameter[] InOrder(Module network) =>
        [.. network.Parameters.Where(p => p.IsDecayed), .. network.Parameters.Where(p => p.IsTrained && !p.IsDecayed)];

    private static IEnumerable<(Parameter Parameter, int Start)> Placed(IEnumerable<Parameter> parameters)
    {
        int start = 0;
        foreach (Parameter parameter in parameters)
        {
            yield return (parameter, start);
            start = Aligned(start + parameter.Shape.Length);
        }
    }

    private static int Aligned(int length) => (length + AlignedFloats - 1) / AlignedFloats * AlignedFloats;
}
