using Engine.Kernels;
using Engine.Nn.Onnx;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>A piece of a network: parameters, and a map from one tensor to another.</summary>
public abstract class Module : IDisposable
{
    /// <summary>The parameters, in the order of the weight files: layer by layer from the input.</summary>
    public virtual IReadOnlyList<Parameter> Parameters => [];

    /// <summary>The map. The caller owns the result and still owns x; a module that only renames axes returns a tensor that shares x's memory.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>The map, showing what comes out of it, or of each of its parts: a name and a tensor that is valid during the call.</summary>
    internal virtual Tensor ForwardObserved(string name, Tensor x, Action<string, Tensor> observe)
    {
        Tensor y = Forward(x);
        observe(name, y);
        return y;
    }

    /// <summary>Adds the map to an ONNX graph: the nodes have this name or names that start with it. Returns the result.</summary>
    public abstract OnnxValue Export(OnnxGraph graph, string name, OnnxValue x);

    /// <summary>How many numbers the parameters hold.</summary>
    public int ParameterCount => Parameters.Sum(parameter => parameter.Shape.Length);

    /// <summary>Loads every parameter from arrays in file order, whose shapes must have been checked.</summary>
    public void Load(IBackend backend, IReadOnlyList<NpyArray> arrays)
    {
        foreach ((Parameter parameter, NpyArray array) in Parameters.Zip(arrays)) parameter.Load(backend, array.ToSingle());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back the parameters, and what a derived class adds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (Parameter parameter in Parameters) parameter.Dispose();
    }
}
