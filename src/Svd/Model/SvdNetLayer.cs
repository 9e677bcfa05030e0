using Engine.Tensors;

namespace Engine.Svd.Model;

/// <summary>A hidden layer of SVDNet, with what it makes of an excerpt: after the activation, and after the pooling where the name says mp.</summary>
public sealed class SvdNetLayer
{
    private readonly int[] _sizes;

    private SvdNetLayer(string name, params int[] sizes) => (Name, _sizes) = (name, sizes);

    /// <summary>64×113×78.</summary>
    public static SvdNetLayer Conv1 { get; } = new("conv1", 64, 113, 78);

    /// <summary>32×111×76.</summary>
    public static SvdNetLayer Conv2 { get; } = new("conv2", 32, 111, 76);

    /// <summary>32×37×25.</summary>
    public static SvdNetLayer Pool3 { get; } = new("mp3", 32, 37, 25);

    /// <summary>128×35×23.</summary>
    public static SvdNetLayer Conv4 { get; } = new("conv4", 128, 35, 23);

    /// <summary>64×33×21.</summary>
    public static SvdNetLayer Conv5 { get; } = new("conv5", 64, 33, 21);

    /// <summary>64×11×7.</summary>
    public static SvdNetLayer Pool6 { get; } = new("mp6", 64, 11, 7);

    /// <summary>256 numbers.</summary>
    public static SvdNetLayer Fc7 { get; } = new("fc7", 256);

    /// <summary>64 numbers: the features.</summary>
    public static SvdNetLayer Fc8 { get; } = new("fc8", SvdNet.FeatureCount);

    /// <summary>All eight, from the input on.</summary>
    public static IReadOnlyList<SvdNetLayer> All { get; } = [Conv1, Conv2, Pool3, Conv4, Conv5, Pool6, Fc7, Fc8];

    /// <summary>The layer of this name; null if there is none.</summary>
    public static SvdNetLayer? Of(string name) => All.FirstOrDefault(layer => layer.Name == name);

    /// <summary>The layer's name on the command line and in files.</summary>
    public string Name { get; }

    /// <summary>Channels, rows (time) and columns (frequency), or the number of features.</summary>
    public IReadOnlyList<int> Sizes => _sizes;

    /// <summary>How many numbers it makes of an excerpt.</summary>
    public int Length => _sizes.Aggregate((product, size) => product * size);

    /// <summary>Whether it makes maps, which have rows and columns.</summary>
    public bool HasMaps => _sizes.Length > 1;

    /// <summary>The shape of what it makes of N excerpts.</summary>
    public Shape ShapeOf(int excerpts) => HasMaps ? new Shape(excerpts, _sizes[0], _sizes[1], _sizes[2]) : new Shape(excerpts, _sizes[0]);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
