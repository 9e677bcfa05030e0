using System.Text;
using System.Text.RegularExpressions;

namespace Engine.CudaStandIn;

/// <summary>
/// Translates the PTX of one kernel, as ILGPU writes it, to C: a function that runs one thread, and constants that describe the kernel. Every access to shared
/// or global memory passes a check, see <c>kernel.h</c>. What ILGPU does not write for the engine's kernels is refused.
/// </summary>
internal sealed partial class PtxKernel
{
    private readonly string _name;
    private readonly string _parameter;
    private readonly int _parameterBytes;
    private readonly Dictionary<string, int> _sharedArrays = [];
    private readonly int _sharedBytes;
    private readonly Dictionary<string, string[]> _branchTargets = [];
    private readonly PtxRegisters _registers = new();
    private readonly StringBuilder _body = new();
    private int _line;
    private int _barriers;
    private int _places;

    /// <param name="lines">The PTX.</param>
    /// <exception cref="FormatException">It holds something that is not translated; the message says which line.</exception>
    public PtxKernel(string[] lines)
    {
        Match entry = Entry().Match(string.Join('\n', lines));
        if (!entry.Success) throw new FormatException("there is no kernel with one argument");
        (_name, _parameter, _parameterBytes) = (entry.Groups[1].Value, entry.Groups[2].Value, int.Parse(entry.Groups[3].Value));
        string label = "";
        foreach (string line in lines)
        {
            if (Label().Match(line) is { Success: true } named) label = named.Groups[1].Value;
            else if (Shared().Match(line) is { Success: true } array) _sharedArrays[array.Groups[2].Value] = Place(array, ref _sharedBytes);
            else if (Targets().Match(line) is { Success: true } targets) _branchTargets[label] = targets.Groups[1].Value.Split(", ");
            else if (Register().Match(line) is { Success: true } register) _registers.Declare(register);
        }

        foreach (string line in lines.SkipWhile(line => line != "{"))
        {
            _line = Array.IndexOf(lines, line, _line) + 1;
            Translate(line.Trim());
        }
    }

    /// <summary>The translation.</summary>
    public string ToC() => $$"""
        #include "kernel.h"
        const char name[] = "{{_name}}";
        const int parameterBytes = {{_parameterBytes}}, sharedBytes = {{_sharedBytes}}, barriers = {{_barriers}}, places = {{_places}};
        void run(struct Thread *t)
        {
        {{_registers.Declarations()}}{{_body}}end: ;
        }

        """;

    private static int Place(Match array, ref int end)
    {
        int alignment = int.Parse(array.Groups[1].Value), start = (end + alignment - 1) / alignment * alignment;
        end = start + int.Parse(array.Groups[3].Value);
        return start;
    }

    private void Translate(string line)
    {
        if (line.Length == 0 || line is "{" or "}" || line.StartsWith("//", StringComparison.Ordinal) || line[0] == '.') return;
        if (Label().Match(line) is { Success: true } label)
        {
            if (!_branchTargets.ContainsKey(label.Groups[1].Value)) _body.AppendLine($"{label.Groups[1].Value}: ;");
            return;
        }

        Match instruction = Instruction().Match(line);
        if (!instruction.Success) throw Unknown(line);
        string guard = instruction.Groups[2].Success ? $"if ({instruction.Groups[1].Value}{PtxRegisters.Name(instruction.Groups[2].Value)}) " : "";
        string[] operands = [.. Operand().Matches(instruction.Groups[4].Value).Select(operand => operand.Value.Trim())];
        _body.AppendLine($"    {guard}{{ {Translate(line, instruction.Groups[3].Value.Split('.'), operands)} }}");
    }

    // The C of an instruction: its name split at the dots, and its operands.
    private string Translate(string line, string[] name, string[] operands)
    {
        string type = name[^1];
        string Value(int i, string? of = null) => this.Value(operands[i], of ?? type);
        string Set(string value, string? of = null) => _registers.Set(operands[0], value, of ?? type);
        string Binary(string symbol) => Set($"{Value(1)} {symbol} {Value(2)}");
        string Count() => this.Value(operands[2], "u32");
        return (name[0], name.Length > 1 ? name[1..^1] : []) switch
        {
            ("ret", _) => "goto end;",
            ("bra", _) => $"goto {operands[0]};",
            ("brx", _) => Jump(operands),
            ("bar", _) => $"barrier(t, {_barriers++});",
            ("mov" or "cvta", _) => Set(Value(1)),
            ("ld", ["param"]) => Set($"*(const {PtxRegisters.CType(type)} *)(t->parameters + {ParameterOffset(operands[1])})"),
            ("ld" or "st", _) => Access(line, name, operands),
            ("add", _) => Binary("+"),
            ("sub", _) => Binary("-"),
            ("mul", ["wide"]) => Set($"({Wide(type)}){Value(1)} * ({Wide(type)}){Value(2)}", Wide(type)),
            ("mul", _) => Binary("*"),
            ("mad", ["lo"]) => Set($"{Value(1)} * {Value(2)} + {Value(3)}"),
            ("fma", ["rn"]) => Set($"fmaf({Value(1)}, {Value(2)}, {Value(3)})"),
            ("div", _) => Binary("/"),
            ("rem", _) => Binary("%"),
            ("and", _) => Binary("&"),
            ("or", _) => Binary("|"),
            ("xor", _) => Binary("^"),
            ("not", _) => Set(type == "pred" ? $"!{Value(1)}" : $"~{Value(1)}"),
            ("neg", _) => Set($"-{Value(1)}"),
            ("shl", _) => Set($"{Count()} >= {Bits(type)} ? 0 : {Value(1)} << {Count()}"),
            ("shr", _) when type[0] == 's' => Set($"{Value(1)} >> ({Count()} >= {Bits(type)} ? {Bits(type) - 1} : {Count()})"),
            ("shr", _) => Set($"{Count()} >= {Bits(type)} ? 0 : {Value(1)} >> {Count()}"),
            ("min", _) when type != "f32" => Set($"{Value(1)} < {Value(2)} ? {Value(1)} : {Value(2)}"),
            ("max", _) when type != "f32" => Set($"{Value(1)} > {Value(2)} ? {Value(1)} : {Value(2)}"),
            ("rcp", ["rn"]) => Set($"1.0f / {Value(1)}"),
            ("sqrt", ["rn"]) => Set($"sqrtf({Value(1)})"),
            ("selp", _) => Set($"{Value(3, "pred")} ? {Value(1)} : {Value(2)}"),
            ("setp", [var comparison]) => Set(Compare(comparison, type, Value(1), Value(2)), "pred"),
            ("setp", [var comparison, "or"]) => Set($"({Compare(comparison, type, Value(1), Value(2))}) | {Value(3, "pred")}", "pred"),
            ("setp", [var comparison, "and"]) => Set($"({Compare(comparison, type, Value(1), Value(2))}) & {Value(3, "pred")}", "pred"),
            ("cvt", ["rzi", "s32"]) when type == "f32" => Set($"to_int({Value(1)})", "s32"),
            ("cvt", ["rn", "f32"]) when type[0] is 's' or 'u' => Set($"(float){Value(1)}", "f32"),
            ("cvt", [var to]) when to[0] is 's' or 'u' && type[0] is 's' or 'u' => Set($"({to}){Value(1)}", to),
            _ => throw Unknown(line),
        };
    }

    private string Jump(string[] operands)
    {
        if (!_branchTargets.TryGetValue(operands[1], out string[]? targets)) throw Unknown(operands[1]);
        string cases = string.Concat(targets.Select((target, i) => $"case {i}: goto {target}; "));
        return $"switch ({Value(operands[0], "u32")}) {{ {cases}default: standin_fault(t, \"a jump to nowhere\", {_line}, 0); }}";
    }

    // ld or st, of shared, global or either memory, of one, two or four words.
    private string Access(string line, string[] name, string[] operands)
    {
        string space = name[1] is "shared" or "global" ? name[1] : "generic", type = name[^1];
        if (PtxRegisters.Bytes(type) != 4) throw Unknown(line);
        bool store = name[0] == "st";
        Match address = Address().Match(operands[store ? 0 : 1]);
        if (!address.Success) throw Unknown(line);
        string[] registers = operands[store ? 1 : 0].Trim('{', '}').Split(',', StringSplitOptions.TrimEntries);
        StringBuilder c = new($"u64 a = {Value(address.Groups[1].Value, "u64")} + {(address.Groups[2].Success ? address.Groups[2].Value : "0")}; ");
        c.Append($"use_{space}(t, a, {4 * registers.Length}, {(store ? 1 : 0)}, {_line}{(space == "shared" ? "" : $", {_places++}")}); ");
        string ctype = PtxRegisters.CType(type);
        for (int i = 0; i < registers.Length; i++)
        {
            string place = $"*({ctype} *)(a + {4 * i})";
            c.Append(store ? $"{place} = {Value(registers[i], type)}; " : $"{_registers.Set(registers[i], place, type)} ");
        }

        return c.ToString();
    }

    private int ParameterOffset(string operand)
    {
        Match place = Parameter().Match(operand);
        int offset = place.Groups[2].Success ? int.Parse(place.Groups[2].Value) : 0;
        return place.Groups[1].Value == _parameter && offset < _parameterBytes ? offset : throw Unknown(operand);
    }

    // An operand as a C value of a PTX type.
    private string Value(string operand, string type)
    {
        if (_sharedArrays.TryGetValue(operand, out int offset)) return $"(u64)(t->shared + {offset})";
        if (SpecialRegister().Match(operand) is { Success: true } special) return $"t->{special.Groups[1].Value}[{special.Groups[2].Value[0] - 'x'}]";
        if (operand.StartsWith("0f", StringComparison.Ordinal)) return type == "f32" ? $"as_float(0x{operand[2..]}u)" : $"0x{operand[2..]}u";
        if (char.IsAsciiDigit(operand[0]) || operand[0] == '-') return type == "f32" ? $"as_float({operand}u)" : $"({PtxRegisters.CType(type)}){operand}LL";
        return _registers.Value(operand, type) ?? throw Unknown(operand);
    }

    // A comparison with a u at its end also holds for NaN; lo, ls, hi and hs are those of unsigned numbers.
    private string Compare(string comparison, string type, string left, string right)
    {
        if (type == "f32" && comparison == "ne") return $"{left} < {right} || {left} > {right}";
        if (type == "f32" && comparison == "equ") return $"!({left} < {right} || {left} > {right})";
        return comparison switch
        {
            "eq" => $"{left} == {right}",
            "ne" or "neu" => $"{left} != {right}",
            "lt" or "lo" => $"{left} < {right}",
            "le" or "ls" => $"{left} <= {right}",
            "gt" or "hi" => $"{left} > {right}",
            "ge" or "hs" => $"{left} >= {right}",
            "ltu" => $"!({left} >= {right})",
            "leu" => $"!({left} > {right})",
            "gtu" => $"!({left} <= {right})",
            "geu" => $"!({left} < {right})",
            _ => throw Unknown(comparison),
        };
    }

    private static string Wide(string type) => type == "u32" ? "u64" : "s64";

    private static int Bits(string type) => 8 * PtxRegisters.Bytes(type);

    private FormatException Unknown(string what) => new($"line {_line}: {what} is not translated");

    [GeneratedRegex(@"\.visible \.entry (\w+)\(\s*\.param \.align \d+ \.b8 (\w+)\[(\d+)\]\s*\)")]
    private static partial Regex Entry();

    [GeneratedRegex(@"\.shared \.align (\d+) \.b8 (\w+)\[(\d+)\]")]
    private static partial Regex Shared();

    [GeneratedRegex(@"\.reg \.(\w+)\s+%([a-z]+)<(\d+)>")]
    private static partial Regex Register();

    [GeneratedRegex(@"^\s*(L_\w+):$")]
    private static partial Regex Label();

    [GeneratedRegex(@"\.branchtargets (.*);")]
    private static partial Regex Targets();

    [GeneratedRegex(@"^(?:@(!?)(%p\d+)\s+)?([a-z][\w.]*)\s*(.*);$")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"\s*\{[^}]*\}|[^,]+")]
    private static partial Regex Operand();

    [GeneratedRegex(@"^\[(%rd\d+)(?:\+(-?\d+))?\]$")]
    private static partial Regex Address();

    [GeneratedRegex(@"^\[(\w+?)(?:\+(\d+))?\]$")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^%(tid|ctaid|ntid|nctaid)\.([xyz])$")]
    private static partial Regex SpecialRegister();
}
