namespace Engine.Svd.Model;

/// <summary>The weights and the sample that come with the program. They are the defaults.</summary>
internal static class BundledFiles
{
    public static string Classifier => PathOf("weights", "svdnet.npz");

    public static string Inverter => PathOf("weights", "inverter.npz");

    /// <summary>The network that inverts a layer. Not every layer's is there.</summary>
    public static string InverterOf(SvdNetLayer layer) => layer == SvdNetLayer.Fc8 ? Inverter : PathOf("weights", $"inverter-{layer}.npz");

    public static string Masker => PathOf("weights", "masker.npz");

    public static string Statistics => PathOf("weights", "meanstd.npz");

    public static string Sample => PathOf("samples", "sample.wav");

    private static string PathOf(string folder, string name) => Path.Combine(AppContext.BaseDirectory, folder, name);
}
