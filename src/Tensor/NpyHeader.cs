using System.Globalization;
using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>The element types that are read.</summary>
internal enum NpyType
{
    Single,
    Double,
    Byte,
}

/// <summary>What the header of a .npy file says: the element type, the order and the shape.</summary>
internal readonly record struct NpyHeader(NpyType Type, bool IsFortranOrder, int[] Shape)
{
    /// <summary>The bytes of an element.</summary>
    public int ElementSize => Type switch { NpyType.Double => sizeof(double), NpyType.Single => sizeof(float), _ => sizeof(byte) };

    private string Description => Type switch { NpyType.Double => "<f8", NpyType.Single => "<f4", _ => "|u1" };

    /// <summary>
    /// Reads the header's text, a Python dictionary with exactly the keys <c>descr</c>, <c>fortran_order</c> and <c>shape</c>; of an array of numbers or,
    /// if asked, of bytes.
    /// </summary>
    /// <exception cref="EngineException">The text is malformed, or the array has a type or size that cannot be read.</exception>
    public static NpyHeader Parse(ReadOnlySpan<char> text, string name, bool bytes = false)
    {
        NpyType? type = null;
        bool? isFortranOrder = null;
        int[]? shape = null;

        Reader reader = new(text, name);
        reader.Expect('{');
        while (!reader.TryTake('}'))
        {
            ReadOnlySpan<char> key = reader.TakeString();
            reader.Expect(':');
            switch (key)
            {
                case "descr" when type is null: type = reader.TakeType(bytes); break;
                case "fortran_order" when isFortranOrder is null: isFortranOrder = reader.TakeBoolean(); break;
                case "shape" when shape is null: shape = reader.TakeShape(); break;
                default: throw reader.Malformed($"the key {MessageText.Quote(key)} is unknown or repeated");
            }

            if (reader.TryTake(',')) continue;
            reader.Expect('}');
            break;
        }

        reader.ExpectEnd();
        return type is null || isFortranOrder is null || shape is null
            ? throw reader.Malformed("descr, fortran_order or shape is missing")
            : new NpyHeader(type.Value, isFortranOrder.Value, shape);
    }

    /// <summary>The header's text as NumPy writes it, without padding.</summary>
    public override string ToString() =>
        $"{{'descr': '{Description}', 'fortran_order': {(IsFortranOrder ? "True" : "False")}, "
        + $"'shape': ({string.Join(", ", Shape)}{(Shape.Length == 1 ? "," : "")}), }}";

    /// <summary>Takes the tokens of the dictionary one by one.</summary>
    private ref struct Reader(ReadOnlySpan<char> text, string name)
    {
        private readonly ReadOnlySpan<char> text = text;
        private int position;

        public bool TryTake(char token)
        {
            SkipBlanks();
            if (position == text.Length || text[position] != token) return false;
            position++;
            return true;
        }

        public void Expect(char token)
        {
            if (!TryTake(token)) throw Malformed($"'{token}' was expected");
        }

        public void ExpectEnd()
        {
            SkipBlanks();
            if (position < text.Length) throw Malformed("text follows the dictionary");
        }

        public ReadOnlySpan<char> TakeString()
        {
            char quote = TryTake('\'') ? '\'' : TryTake('"') ? '"' : throw Malformed("a string was expected");
            int length = text[position..].IndexOf(quote);
            if (length < 0) throw Malformed("a string does not end");
            ReadOnlySpan<char> content = text.Slice(position, length);
            position += length + 1;
            return content;
        }

        public bool TakeBoolean()
        {
            SkipBlanks();
            bool value = text[position..].StartsWith("True");
            if (!value && !text[position..].StartsWith("False")) throw Malformed("True or False was expected");
            position += value ? "True".Length : "False".Length;
            return value;
        }

        public NpyType TakeType(bool bytes)
        {
            if (TryTake('[')) throw Unsupported("holds structured values");
            ReadOnlySpan<char> type = TakeString();
            return type switch
            {
                "|u1" when bytes => NpyType.Byte,
                _ when bytes => throw new EngineException($"{name} holds values of type {MessageText.Quote(type)}, not bytes ('|u1'): convert it with astype."),
                "<f4" => NpyType.Single,
                "<f8" => NpyType.Double,
                ['>', ..] => throw Unsupported($"holds big-endian values ({MessageText.Quote(type)})"),
                _ => throw Unsupported($"holds values of type {MessageText.Quote(type)}"),
            };
        }

        public int[] TakeShape()
        {
            List<int> shape = [];
            Expect('(');
            while (!TryTake(')'))
            {
                shape.Add(TakeSize());
                if (TryTake(',')) continue;
                if (shape.Count == 1) throw Malformed("',' was expected");
                Expect(')');
                break;
            }

            return shape.Count <= NpyArray.MaxRank
                ? [.. shape]
                : throw new EngineException($"{name} has {shape.Count} axes; at most {NpyArray.MaxRank} are read.");
        }

        public readonly EngineException Malformed(string problem) =>
            new($"{name} has a malformed .npy header: {problem} (character {position}); save it again with numpy.save.");

        private readonly EngineException Unsupported(string problem) =>
            new($"{name} {problem}; only little-endian float32 ('<f4') and float64 ('<f8') are read: convert it with astype.");

        private int TakeSize()
        {
            bool negative = TryTake('-');
            SkipBlanks();
            int length = text[position..].IndexOfAnyExceptInRange('0', '9');
            ReadOnlySpan<char> digits = length < 0 ? text[position..] : text.Slice(position, length);
            if (digits.IsEmpty) throw Malformed("a size was expected");
            if (negative) throw new EngineException($"{name} has a negative size in its shape; save it again with numpy.save.");
            if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int size))
            {
                throw new EngineException(
                    $"{name} has an axis of {MessageText.Quote(digits)} values, more than can be held; save a smaller array.");
            }

            position += digits.Length;
            TryTake('L'); // Python 2 wrote long integers like this.
            return size;
        }

        private void SkipBlanks()
        {
            while (position < text.Length && text[position] is ' ' or '\n') position++;
        }
    }
}
