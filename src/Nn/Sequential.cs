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

/// <summary>Modules that are no chain: what they make together is their owner's affair. They are loaded, saved and trained as one.</summary>
public sealed class ModuleList : Module
{
    private readonly Module[] _modules;

    /// <summary>Takes modules in the order of the weight file.</summary>
    public ModuleList(params Module[] modules)
    {
        _modules = modules;
        Parameters = [.. modules.SelectMany(module => module.Parameters)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>A list is no map.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override Tensor Forward(Tensor x) => throw new NotSupportedException("a list of modules is no map");

    /// <inheritdoc cref="Forward"/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) => throw new NotSupportedException("a list of modules is no map");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (Module module in _modules) module.Dispose();
        base.Dispose(disposing);
    }
}
