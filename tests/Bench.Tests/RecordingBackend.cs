using System.Globalization;
using System.Reflection;
using Engine.Kernels;

namespace Engine.Bench.Tests;

/// <summary>A backend that writes down every operation that it runs, as <c>shapes.csv</c> has them.</summary>
internal sealed class RecordingBackend(IBackend inner) : IBackend
{
    /// <summary>The operations so far.</summary>
    public List<(string Op, string Settings)> Operations { get; } = [];

    public string Name => inner.Name;

    public long ChunkBytes => inner.ChunkBytes;

    public DeviceBuffer Allocate(int length) => inner.Allocate(length);

    public void Upload(ReadOnlySpan<float> source, View destination) => inner.Upload(source, destination);

    public void Download(View source, Span<float> destination) => inner.Download(source, destination);

    public void Copy(View source, View destination) => inner.Copy(source, destination);

    public void Synchronize() => inner.Synchronize();

    public BatchLayout MapLayout => inner.MapLayout;

    public void Run<TOp>(in TOp op)
        where TOp : struct, IOp
    {
        Operations.Add((OpSpec.NameOf<TOp>(), string.Join(' ', SettingsOf(op))));
        inner.Run(op);
    }

    public void Dispose() => inner.Dispose();

    // The parameters of an operation's constructor except its arrays: sizes, settings, and which optional arrays there are.
    private static IEnumerable<string> SettingsOf(object op)
    {
        ParameterInfo[] parameters = ConstructorOf(op.GetType()).GetParameters();
        foreach (ParameterInfo parameter in parameters)
        {
            object? value = ValueOf(op, parameter);
            switch (value)
            {
                case View when parameter.Name is "B" or "Db": yield return "bias=true"; break;
                case View when parameter.Name is "FirstB": yield return "first.bias=true"; break;
                case View when parameter.Name is "Argmax" && parameter.ParameterType != typeof(View): yield return "argmax=true"; break;
                case null or View: break;
                case PackedFilter: yield return "packed=true"; break;
                case Activation { Kind: ActivationKind.None }: break;
                case Activation activation:
                    string part = parameter.Name is "FirstActivation" ? "first." : "";
                    yield return $"{part}activation={activation.Kind}";
                    if (activation.Slope != 0) yield return Invariant($"{part}slope", activation.Slope);
                    break;
                case AdamStep:
                    // It differs in every step.
                    yield return "step.learningRate=0.001 step.beta1=0.9 step.beta2=0.999 step.epsilon=1e-08 step.step=10";
                    break;
                case bool flag:
                    if (flag) yield return $"{Camel(parameter.Name!)}=true";
                    break;
                case ulong: yield return "seed=1"; break;
                case float number: yield return Invariant(Camel(parameter.Name!), number); break;
                default:
                    foreach (string setting in SizesOf(value, "")) yield return setting;
                    break;
            }
        }

        if (parameters.All(parameter => !parameter.ParameterType.Name.EndsWith("Shape", StringComparison.Ordinal))) yield return $"length={LengthOf(op)}";
    }

    private static IEnumerable<string> SizesOf(object shape, string prefix)
    {
        foreach (ParameterInfo parameter in ConstructorOf(shape.GetType()).GetParameters())
        {
            object value = ValueOf(shape, parameter)!;
            if (value is Conv2dShape or ConvMaxPool2dShape)
            {
                foreach (string setting in SizesOf(value, $"{prefix}{parameter.Name}.")) yield return setting;
            }
            else if (!(parameter.HasDefaultValue && Whole(value) == Whole(parameter.DefaultValue ?? ValueOf(WithDefaults(shape), parameter)!)))
            {
                yield return $"{prefix}{parameter.Name}={value}";
            }
        }
    }

    // The same sizes, but for those that the others give if they are not stated.
    private static object WithDefaults(object shape)
    {
        ConstructorInfo constructor = ConstructorOf(shape.GetType());
        return constructor.Invoke(
            [.. constructor.GetParameters().Select(parameter => parameter is { HasDefaultValue: true, DefaultValue: null } ? null : ValueOf(shape, parameter))]);
    }

    private static ConstructorInfo ConstructorOf(Type type) => type.GetConstructors().MaxBy(constructor => constructor.GetParameters().Length)!;

    private static object? ValueOf(object owner, ParameterInfo parameter)
    {
        Type type = owner.GetType();
        string name = char.ToUpperInvariant(parameter.Name![0]) + parameter.Name[1..];
        if (type.GetProperty(name) is { } own) return own.GetValue(owner);

        // The window of a pooled convolution is that of its pooling.
        object pool = type.GetProperty("Pool")!.GetValue(owner)!;
        string inPool = name switch { "WindowH" => "R", "WindowW" => "S", _ => name };
        return pool.GetType().GetProperty(inPool)!.GetValue(pool);
    }

    private static int LengthOf(object op)
    {
        View[] views =
            [.. op.GetType().GetProperties().Where(property => property.PropertyType == typeof(View)).Select(property => (View)property.GetValue(op)!)];
        return op is MagnitudeOp magnitude ? magnitude.Y.Length : views.Max(view => view.Length);
    }

    private static long Whole(object value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static string Invariant(string name, float value) => $"{name}={value.ToString(CultureInfo.InvariantCulture)}";
}
