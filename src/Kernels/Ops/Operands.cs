namespace Engine.Kernels;

/// <summary>What an operation does with an operand.</summary>
public enum OperandRole
{
    /// <summary>Reads it.</summary>
    In,

    /// <summary>Overwrites it; what it held before does not matter.</summary>
    Out,

    /// <summary>Reads it and changes it.</summary>
    InOut,
}

/// <summary>An array of an operation.</summary>
/// <param name="Name">Its name in the operation's formula.</param>
/// <param name="Length">How many floats it has.</param>
/// <param name="Role">What the operation does with it.</param>
public readonly record struct OperandInfo(string Name, int Length, OperandRole Role);

/// <summary>
/// What <see cref="IOp.Operands"/> writes into. It compares each view's length with the stated one and remembers the first fault, and it collects the
/// operands for those who ask for them.
/// </summary>
public ref struct OperandList
{
    private readonly List<OperandInfo>? _collected;
    private readonly int _wanted = -1;
    private int _inputs;

    internal OperandList(List<OperandInfo>? collected) => _collected = collected;

    internal OperandList(int wanted) => _wanted = wanted;

    /// <summary>The first thing that is wrong, or null.</summary>
    internal string? Fault { get; private set; }

    /// <summary>The input that was asked for: its name, and its view if it is not left out.</summary>
    internal (string Name, View? View)? Wanted { get; private set; }

    /// <summary>States an array that the operation reads; null for one that is left out.</summary>
    public void In(string name, View? view, int length)
    {
        if (_inputs++ == _wanted) Wanted = (name, view);
        Add(name, view, length, OperandRole.In);
    }

    /// <summary>States an array that the operation overwrites; null for one that is not wanted.</summary>
    public void Out(string name, View? view, int length) => Add(name, view, length, OperandRole.Out);

    /// <summary>States an array that the operation changes.</summary>
    public void InOut(string name, View view, int length) => Add(name, view, length, OperandRole.InOut);

    /// <summary>Says what is wrong with the settings.</summary>
    public void Refuse(string complaint) => Fault ??= complaint;

    /// <summary>Refuses an activation whose output does not tell its gradient.</summary>
    internal void RequireGradientOf(Activation activation)
    {
        if (!activation.NeverFalls) Refuse($"the gradient needs an activation that never falls, but this one does: {activation}");
    }

    private void Add(string name, View? view, int length, OperandRole role)
    {
        if (view is not { } given) return;
        if (_collected is not null) _collected.Add(new OperandInfo(name, length, role));
        else if (given.Length != length) Fault ??= $"{name} has {given.Length} floats, not {length}";
    }
}

/// <summary>Checks operands before an operation runs.</summary>
public static class OperandCheck
{
    /// <summary>Throws unless all views have the lengths that the operation states.</summary>
    /// <exception cref="ArgumentException">A view has another length, or a setting is out of range.</exception>
    internal static void Check<TOp>(in TOp op)
        where TOp : struct, IOp
    {
        OperandList list = new(null);
        op.Operands(ref list);
        if (list.Fault is { } fault) throw new ArgumentException($"{fault}: {op}");
    }

    /// <summary>Throws unless an input of an operation is this view, or null if that input is left out.</summary>
    /// <exception cref="ArgumentException">It is another one, or the operation has no input of this number.</exception>
    public static void RequireInput<TOp>(in TOp op, int number, View? view)
        where TOp : struct, IOp
    {
        OperandList list = new(number);
        op.Operands(ref list);
        if (list.Wanted is not { } input) throw new ArgumentException($"tensor {number} is one more than the operation has inputs: {op}");
        if (input.View == view) return;
        throw new ArgumentException($"tensor {number} is not the operation's input {input.Name}: give the tensors in the order of the operands: {op}");
    }
}
