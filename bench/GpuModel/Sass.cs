using System.Globalization;
using System.Text.RegularExpressions;

namespace Engine.Bench.GpuModel;

/// <summary>
/// Counts instructions in the loops of a product's kernel, in the text that <c>cuobjdump -sass</c> prints. A loop is what lies between a jump backwards and its
/// target. The inner loop is the shortest one per multiply-add; the loops that fill shared memory are the innermost ones that load from global memory, without
/// those for the rest, which load fewer elements at a time.
/// </summary>
internal static partial class Sass
{
    /// <summary>Instructions for each multiply-add of the inner loop, and for each element that is copied to shared memory, the mean over the loops that do
    /// it.</summary>
    public static (double PerMultiplyAdd, double PerElement) Count(string sass)
    {
        (int Address, string Text)[] code = [.. Instruction().Matches(sass).Select(match => (Hex(match.Groups[1].Value), match.Groups[2].Value))];
        string[][] loops =
        [
            .. from instruction in code
               let jump = Jump().Match(instruction.Text)
               where jump.Success && Hex(jump.Groups[1].Value) < instruction.Address
               select code.Where(inside => inside.Address >= Hex(jump.Groups[1].Value) && inside.Address <= instruction.Address)
                   .Select(inside => inside.Text).ToArray(),
        ];
        double perMultiplyAdd = loops.Where(loop => Of(loop, "FFMA") >= 16).Select(loop => (double)loop.Length / Of(loop, "FFMA")).Min();
        string[][] fills = [.. loops.Where(loop => Of(loop, "FFMA") == 0 && Of(loop, "LDG") > 0 && Of(loop, "STS") > 0)];
        string[][] innermost = [.. fills.Where(loop => !fills.Any(other => other.Length < loop.Length && loop.AsSpan().IndexOf(other) >= 0))];
        int most = innermost.Max(loop => Of(loop, "LDG"));
        return (perMultiplyAdd, innermost.Where(loop => Of(loop, "LDG") == most).Average(loop => (double)loop.Length / most));
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Of(string[] loop, string name) => loop.Count(text => Name().Match(text).Groups[1].Value.StartsWith(name, StringComparison.Ordinal));

    [GeneratedRegex(@"/\*([0-9a-f]{4,5})\*/\s+([^;]+);")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"^(?:@!?U?P\w+ )?BRA(?:\.\w+)* (?:!?U?P\w+, )?0x([0-9a-f]+)")]
    private static partial Regex Jump();

    [GeneratedRegex(@"^(?:@!?U?P\w+ )?(\w+)")]
    private static partial Regex Name();
}
