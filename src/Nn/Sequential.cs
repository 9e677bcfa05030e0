using Engine.Tensors;

namespace Engine.Nn;

/// <summary>Modules one after the other. What lies between two of them is given back as soon as the second has run.</summary>
public sealed class Sequential : Module
{
    private readonly Module[] _parts;

    /// <summary>Chains modules from the input on, and names those that have no name.</summary>
    public Sequential(params Module[] parts)
    {
        _parts = parts;
        Parameters = base.Parameters;
        NameParts();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Parts => _parts;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, null);

    /// <summary>The map, showing what comes out of each module: its name and a tensor that is valid during the call.</summary>
    public Tensor Forward(Tensor x, Action<string, Tensor>? observe)
    {
        Tensor current = x;
        foreach (Module part in _parts)
        {
            Tensor next = observe is null ? part.Forward(current) : part.ForwardObserved(current, observe);
            if (current != x) current.Dispose();
            current = next;
        }

        return current;
    }

    /// <inheritdoc/>
    internal override Tensor ForwardObserved(Tensor x, Action<string, Tensor> observe) => Forward(x, observe);

    /// <inheritdoc/>
    private protected override bool IsTransparent => !HasGivenName;
}

/// <summary>Modules that form no chain; their owner decides how data flows through them. They are loaded, saved and trained as one.</summary>
public sealed class ModuleList : Module
{
    /// <summary>Takes modules in the order of the weight file, and names those that have no name.</summary>
    public ModuleList(params Module[] modules)
    {
        Parts = modules;
        Parameters = base.Parameters;
        NameParts();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Parts { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Not supported: a list does not say how data flows through it.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override Tensor Forward(Tensor x) =>
        throw new NotSupportedException("a ModuleList cannot run by itself; call Forward of its modules, or put them into a Sequential");

    /// <inheritdoc/>
    private protected override bool IsTransparent => !HasGivenName;
}
