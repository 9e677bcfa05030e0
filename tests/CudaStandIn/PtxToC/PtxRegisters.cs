using System.Text;
using System.Text.RegularExpressions;

namespace Engine.CudaStandIn;

/// <summary>The registers of a kernel as C variables. A register has a size and is float or not; instructions say how they read it.</summary>
internal sealed class PtxRegisters
{
    private readonly Dictionary<string, (string Type, int Count)> _declared = [];

    /// <summary>Takes a declaration: its type, the registers' letters and their number.</summary>
    public void Declare(Match declaration) =>
        _declared[declaration.Groups[2].Value] = (declaration.Groups[1].Value, int.Parse(declaration.Groups[3].Value));

    /// <summary>The declarations in C. A register that is read before it is written is NaN or another number that stands out.</summary>
    public string Declarations()
    {
        StringBuilder c = new();
        foreach ((string letters, (string type, int count)) in _declared)
        {
            string unset = type == "f32" ? "as_float(~0u)" : type == "pred" ? "0" : "~0";
            for (int i = 1; i < count; i++) c.AppendLine($"    {CType(type)} {letters}{i} = {unset};");
        }

        return c.ToString();
    }

    /// <summary>The C name of a register.</summary>
    public static string Name(string register) => register[1..];

    /// <summary>A register as a C value of a PTX type; null if it was not declared, or has another size.</summary>
    public string? Value(string register, string type) => TypeOf(register) is not { } declared || Bytes(declared) != Bytes(type) ? null
        : declared == type ? Name(register)
        : declared == "f32" ? $"({CType(type)})as_bits({Name(register)})"
        : type == "f32" ? $"as_float({Name(register)})"
        : $"({CType(type)}){Name(register)}";

    /// <summary>A C statement that gives a register a value of a PTX type.</summary>
    public string Set(string register, string value, string type)
    {
        string name = Name(register), declared = TypeOf(register) ?? "";
        return declared == type ? $"{name} = {value};"
            : declared == "f32" ? $"{name} = as_float({value});"
            : type == "f32" ? $"{name} = as_bits({value});"
            : $"{name} = ({CType(type)})({value});";
    }

    /// <summary>The C type of a PTX type.</summary>
    public static string CType(string type) => type switch
    {
        "f32" => "float",
        "pred" => "int",
        "s32" or "u32" or "s64" or "u64" => type,
        "b32" => "u32",
        "b64" => "u64",
        _ => throw new FormatException($"numbers of type {type} are not translated"),
    };

    /// <summary>The size of a PTX type.</summary>
    public static int Bytes(string type) => type == "pred" ? 1 : type.EndsWith("64", StringComparison.Ordinal) ? 8 : 4;

    private string? TypeOf(string register) =>
        register.StartsWith('%') && _declared.TryGetValue(register[1..].TrimEnd([.. "0123456789"]), out (string Type, int Count) found) ? found.Type : null;
}
