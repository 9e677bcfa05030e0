using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn.Tests;

/// <summary>What the lower layers must not know.</summary>
public sealed partial class LayeringTests
{
    /// <summary>A library's messages name no command and no option: only the command line knows these.</summary>
    [Theory]
    [InlineData(typeof(IBackend))]
    [InlineData(typeof(Tensor))]
    [InlineData(typeof(Module))]
    public void MessagesNameNoCommandLine(Type inLibrary)
    {
        string[] texts = [.. TextsOf(inLibrary.Assembly)];
        Assert.NotEmpty(texts);
        Assert.DoesNotContain(texts, text => CommandLine().IsMatch(text));
    }

    [Theory]
    [InlineData("svd devices lists what there is")]
    [InlineData("; take another --device")]
    [InlineData("--checkpoint")]
    public void CommandLinesAreRecognised(string text) => Assert.Matches(CommandLine(), text);

    private static List<string> TextsOf(Assembly assembly)
    {
        using PEReader file = new(File.OpenRead(assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        List<string> texts = [];

        // The first entry of the heap is the empty text.
        UserStringHandle text = MetadataTokens.UserStringHandle(0);
        while (!(text = metadata.GetNextHandle(text)).IsNil) texts.Add(metadata.GetUserString(text));
        return texts;
    }

    [GeneratedRegex(@"(^|[^-\w])--[a-z]|\bsvd ")]
    private static partial Regex CommandLine();
}
