using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using Engine.Tests;

namespace Engine.Svd.Tests;

/// <summary>Inside each project, too, references between namespaces go one way: no namespace depends on itself through others.</summary>
public partial class NamespaceTests
{
    private const BindingFlags Everything =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> _opCodes = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    public static TheoryData<string, string> EveryProject =>
        new() { { "Kernels", "Engine.Kernels" }, { "Tensor", "Engine.Tensor" }, { "Nn", "Engine.Nn" }, { "Svd", "svd" } };

    [Theory]
    [MemberData(nameof(EveryProject))]
    public void NamespacesHaveNoCircles(string project, string assembly)
    {
        SortedDictionary<string, SortedSet<string>> references = [];
        Assembly library = Assembly.Load(assembly);
        foreach (Type type in library.GetTypes().Where(type => type.Namespace is not null))
        {
            foreach (Type used in TypesUsedBy(type).SelectMany(Parts))
            {
                if (used.Assembly == library && used.Namespace is { } name) Add(type.Namespace!, name);
            }
        }

        // The compiler leaves no trace of constants, but they need a using, and the build allows none that is not needed.
        string[] all = [.. library.GetTypes().Select(type => type.Namespace).OfType<string>().Distinct()];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(ReferenceData.Repository, "src", project), "*.cs", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(file);
            if (NamespaceOf().Match(text) is not { Success: true } own) continue;
            foreach (Match used in Using().Matches(text))
            {
                string name = used.Groups[1].Value;
                if (all.Where(other => name == other || name.StartsWith(other + '.', StringComparison.Ordinal)).MaxBy(other => other.Length) is { } known)
                {
                    Add(own.Groups[1].Value, known);
                }
            }
        }

        string[]? circle = CircleIn(references);
        Assert.True(circle is null, $"{project}: {string.Join(" → ", circle ?? [])}");

        void Add(string from, string to)
        {
            if (from == to) return;
            if (!references.TryGetValue(from, out SortedSet<string>? known)) references[from] = known = [];
            known.Add(to);
        }
    }

    [Fact]
    public void ACircleIsFound()
    {
        Dictionary<string, SortedSet<string>> references = new() { ["a"] = ["b", "d"], ["b"] = ["c"], ["c"] = ["d"] };
        Assert.Null(CircleIn(references));
        references["d"] = ["b"];
        Assert.Equal(["b", "c", "d", "b"], CircleIn(references)!);
    }

    [Fact]
    public void ReferencesAreReadFromSignaturesAndBodies()
    {
        HashSet<Type> used = [.. TypesUsedBy(typeof(Sample)).SelectMany(Parts)];
        Type[] expected = [typeof(Uri), typeof(Version), typeof(Random), typeof(Regex), typeof(Path), typeof(HashSet<>)];
        Assert.All(expected, type => Assert.Contains(type, used));
        Assert.DoesNotContain(typeof(OpCode), used);
    }

    // Depth first; names along the way, the first again at the end.
    private static string[]? CircleIn(IReadOnlyDictionary<string, SortedSet<string>> references)
    {
        HashSet<string> finished = [];
        List<string> path = [];
        return references.Keys.Select(Visit).FirstOrDefault(circle => circle is not null);

        string[]? Visit(string name)
        {
            if (path.IndexOf(name) is >= 0 and var start) return [.. path[start..], name];
            if (finished.Contains(name) || !references.TryGetValue(name, out SortedSet<string>? next)) return null;
            path.Add(name);
            string[]? circle = next.Select(Visit).FirstOrDefault(found => found is not null);
            path.RemoveAt(path.Count - 1);
            finished.Add(name);
            return circle;
        }
    }

    private static IEnumerable<Type> TypesUsedBy(Type type)
    {
        IEnumerable<Type?> declared = [type.BaseType, .. type.GetInterfaces(), .. type.GetFields(Everything).Select(field => field.FieldType)];
        IEnumerable<MethodBase> methods = [.. type.GetMethods(Everything), .. type.GetConstructors(Everything)];
        return declared.OfType<Type>().Concat(methods.SelectMany(TypesUsedBy));
    }

    private static IEnumerable<Type> TypesUsedBy(MethodBase method)
    {
        foreach (ParameterInfo parameter in method.GetParameters()) yield return parameter.ParameterType;
        if (method is MethodInfo function) yield return function.ReturnType;
        if (method.GetMethodBody() is not { } body) yield break;
        foreach (LocalVariableInfo local in body.LocalVariables) yield return local.LocalType;
        foreach (MemberInfo member in MembersIn(method, body.GetILAsByteArray()!))
        {
            if (member is Type type) yield return type;
            if (member.DeclaringType is { } declaring) yield return declaring;
            if (member is MethodBase { IsGenericMethod: true } generic)
            {
                foreach (Type argument in generic.GetGenericArguments()) yield return argument;
            }
        }
    }

    private static IEnumerable<MemberInfo> MembersIn(MethodBase method, byte[] code)
    {
        Type[]? typeArguments = method.DeclaringType?.GetGenericArguments(), methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int i = 0; i < code.Length;)
        {
            OpCode instruction = _opCodes[code[i] == 0xFE ? (short)(0xFE00 | code[i + 1]) : code[i]];
            i += instruction.Size;
            if (instruction.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                yield return method.Module.ResolveMember(BitConverter.ToInt32(code, i), typeArguments, methodArguments)!;
            }

            i += instruction.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, i),
                _ => 4,
            };
        }
    }

    // A type, what it is an array of or refers to, and what it is generic over.
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsConstructedGenericType ? [type.GetGenericTypeDefinition(), .. type.GetGenericArguments().SelectMany(Parts)]
        : [type];

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceOf();

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    private sealed class Sample
    {
        private readonly Uri? _field = new("about:blank");

        public string Describe(Version[] parameter, Action<HashSet<Random>> generic) =>
            Path.Combine($"{_field}{parameter}{generic}", Regex.Escape("body"));
    }
}
