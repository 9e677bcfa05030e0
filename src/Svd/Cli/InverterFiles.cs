using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Model;

namespace Engine.Svd.Cli;

/// <summary>Where the inversion networks of SVDNet's layers are: in a folder, in a file, or among the bundled weights.</summary>
internal static class InverterFiles
{
    /// <summary>The file of one layer's network; null stands for the bundled ones. Whether a given file holds it is seen when it is loaded.</summary>
    /// <exception cref="EngineException">There is none, or the folder holds several.</exception>
    public static string Of(SvdNetLayer layer, string? given)
    {
        if (given is not null && !Directory.Exists(given)) return given;
        (SvdNetLayer Layer, string Path)[] found = [.. In(given).Where(file => file.Layer == layer)];
        return found switch
        {
            [] => throw new EngineException(
                $"{given ?? "the program"} has no inversion network for {layer}; train one with 'svd train inverter --layer {layer}' and give it with "
                    + "--inverter"),
            [var file] => file.Path,
            _ => throw Several(layer, found),
        };
    }

    /// <summary>The files of the networks of all layers that a folder has, from the input on; null stands for the bundled ones.</summary>
    /// <exception cref="EngineException">What is given is no folder, or the folder has none, or several for a layer.</exception>
    public static IReadOnlyList<string> OfAllLayers(string? given)
    {
        if (given is not null && !Directory.Exists(given)) throw new EngineException($"all layers need a folder of inversion networks, and {given} is none");
        ILookup<SvdNetLayer, (SvdNetLayer Layer, string Path)> found = In(given).ToLookup(file => file.Layer);
        if (found.Count == 0) throw new EngineException($"{given ?? "the program"} has no inversion networks");
        return
        [
            .. SvdNetLayer.All.Where(found.Contains).Select(layer => found[layer].ToArray() is [var file] ? file.Path : throw Several(layer, found[layer])),
        ];
    }

    private static EngineException Several(SvdNetLayer layer, IEnumerable<(SvdNetLayer Layer, string Path)> files) => new(
        $"there are several inversion networks for {layer}: {string.Join(" and ", files.Select(file => file.Path))}; give one file with --inverter");

    // Files of other kinds may lie beside them.
    private static IEnumerable<(SvdNetLayer Layer, string Path)> In(string? folder)
    {
        if (folder is null)
        {
            foreach (SvdNetLayer layer in SvdNetLayer.All)
            {
                if (BundledFiles.InverterOf(layer) is var path && File.Exists(path)) yield return (layer, path);
            }

            yield break;
        }

        foreach (string path in Directory.GetFiles(folder, "*.npz").Order(StringComparer.Ordinal))
        {
            if (ArchitectureIn(path) is { } architecture) yield return (architecture.Layer, path);
        }
    }

    private static InversionArchitecture? ArchitectureIn(string path)
    {
        try
        {
            return InversionArchitecture.In(WeightFile.Read(path));
        }
        catch (EngineException)
        {
            return null;
        }
    }
}
