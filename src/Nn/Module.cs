using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>
/// A piece of a network: parameters, and a map from one tensor to another. To write one, derive from this class, override <see cref="Forward"/>, and list the
/// parameters in <see cref="Parameters"/> or, if the module is made of others, list those in <see cref="Parts"/>.
/// </summary>
public abstract class Module : IDisposable
{
    private string? _givenName;
    private string? _path;

    /// <summary>
    /// What messages and exported models call it. The names of its parts and parameters start with it: <c>conv1.weight</c>. A module without a name gets
    /// one from the chain that it is put into, from its class and number: <c>conv2d_1</c>.
    /// </summary>
    public string Name
    {
        get => _path ?? _givenName ?? Kind;
        init
        {
            _givenName = value;
            NameParameters();
            NameParts($"{value}.");
        }
    }

    /// <summary>The modules that it is made of, in the order of the weight files; none for a layer.</summary>
    public virtual IReadOnlyList<Module> Parts => [];

    /// <summary>The parameters in the order of the weight files: layer by layer from the input. By default those of the parts.</summary>
    public virtual IReadOnlyList<Parameter> Parameters => [.. Parts.SelectMany(part => part.Parameters)];

    /// <summary>How many numbers the parameters hold.</summary>
    public int ParameterCount => Parameters.Sum(parameter => parameter.Shape.Length);

    /// <summary>The map. The caller owns the result and still owns x; a module that only renames axes returns a tensor that shares x's memory.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>Writes the parameters into one weight file (.npz, see <see cref="WeightFile"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="comment">What <see cref="WeightFile.Comment"/> will say; ASCII.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    /// <exception cref="InvalidOperationException">A parameter has no values yet.</exception>
    public void Save(string path, string comment = "") => WeightFile.Write(path, this, comment);

    /// <summary>Reads the parameters from a weight file that <see cref="Save"/> wrote for a module of the same sizes, and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or holds other arrays; the message says which.</exception>
    public void Load(string path, IBackend backend) => WeightFile.Read(path).LoadInto(this, "this network", backend);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back the parameters and the parts, and what a derived class adds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (Module part in Parts) part.Dispose();
        foreach (Parameter parameter in Parameters) parameter.Dispose();
    }

    /// <summary>The map, showing what comes out of it, or of each of its parts: a name and a tensor that is valid during the call.</summary>
    internal virtual Tensor ForwardObserved(Tensor x, Action<string, Tensor> observe)
    {
        Tensor y = Forward(x);
        observe(Name, y);
        return y;
    }

    /// <summary>Whether the module only groups its parts, whose names then do not start with its own: a chain that was given no name.</summary>
    private protected virtual bool IsTransparent => false;

    /// <summary>Whether somebody gave it a name.</summary>
    private protected bool HasGivenName => _givenName is not null;

    /// <summary>Names the parts and theirs: each starts with the prefix, and those that were given no name are numbered by class.</summary>
    private protected void NameParts(string prefix = "") => NameParts(prefix, []);

    // The outermost chain names its modules last, so its names remain.
    private void NameParts(string prefix, Dictionary<string, int> counts)
    {
        foreach (Module part in Parts)
        {
            if (part.IsTransparent)
            {
                part.NameParts(prefix, counts);
                continue;
            }

            part._path = prefix + (part._givenName ?? $"{part.Kind}_{counts[part.Kind] = counts.GetValueOrDefault(part.Kind) + 1}");
            part.NameParameters();
            part.NameParts($"{part._path}.");
        }
    }

    private string Kind => GetType().Name.Split('`')[0].ToLowerInvariant();

    private void NameParameters()
    {
        foreach (Parameter parameter in Parameters) parameter.NameAfter(Name);
    }
}
