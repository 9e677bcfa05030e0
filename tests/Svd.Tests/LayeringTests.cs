using System.Reflection;
using System.Xml.Linq;
using Engine.Tests;

namespace Engine.Svd.Tests;

/// <summary>Arrows point one way: Svd → Nn → Tensor → Kernels. Nothing below Svd knows what a spectrogram is.</summary>
public class LayeringTests
{
    private static readonly string[] Layers = ["Kernels", "Tensor", "Nn", "Svd"];

    public static TheoryData<string> EveryLayer => [.. Layers];

    [Theory]
    [MemberData(nameof(EveryLayer))]
    public void AnAssemblyKnowsOnlyThoseBelow(string layer) =>
        Assert.Subset(
            Below(layer).Select(AssemblyName).ToHashSet(),
            Assembly.Load(AssemblyName(layer)).GetReferencedAssemblies().Select(assembly => assembly.Name!).Where(IsOurs).ToHashSet());

    [Theory]
    [MemberData(nameof(EveryLayer))]
    public void AProjectRefersToTheNextOneBelow(string layer)
    {
        XDocument project = XDocument.Load(Path.Combine(ReferenceData.Repository, "src", layer, $"{layer}.csproj"));
        Assert.Equal(
            Below(layer).TakeLast(1).Select(next => $"../{next}/{next}.csproj"),
            project.Descendants("ProjectReference").Select(reference => reference.Attribute("Include")!.Value));
    }

    private static IEnumerable<string> Below(string layer) => Layers.TakeWhile(other => other != layer);

    private static string AssemblyName(string layer) => layer == "Svd" ? "svd" : $"Engine.{layer}";

    private static bool IsOurs(string assembly) => assembly == "svd" || assembly.StartsWith("Engine.", StringComparison.Ordinal);
}
