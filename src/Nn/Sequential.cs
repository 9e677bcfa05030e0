using Engine.Nn.Onnx;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>Modules one after the other, each with a name. What lies between two of them is given back as soon as the second has run.</summary>
public sealed class Sequential : Module
{
    private readonly (string Name, Module Module)[] _steps;

    /// <summary>Chains modules from the input on.</summary>
    public Sequential(params (string Name, Module Module)[] steps)
    {
        _steps = steps;
        Parameters = [.. steps.SelectMany(step => step.Module.Parameters)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, null);

    /// <summary>The map, showing what comes out of each module: its name and a tensor that is valid during the call.</summary>
    public Tensor Forward(Tensor x, Action<string, Tensor>? observe)
    {
        Tensor current = x;
        foreach ((string name, Module module) in _steps)
        {
            Tensor next = observe is null ? module.Forward(current) : module.ForwardObserved(name, current, observe);
            if (current != x) current.Dispose();
            current = next;
        }

        return current;
    }

    /// <inheritdoc/>
    /// <remarks>The nodes have the names of the modules.</remarks>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x)
    {
        foreach ((string step, Module module) in _steps) x = module.Export(graph, step, x);
        return x;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach ((_, Module module) in _steps) module.Dispose();
        base.Dispose(disposing);
    }
}
