namespace Engine.Svd.Audio.Formats;

/// <summary>Looks ahead in a file that is read from its start to its end.</summary>
internal sealed class ByteWindow(FileStream file)
{
    private readonly byte[] _buffer = new byte[1 << 18];
    private int _start;
    private int _end;

    /// <summary>Where the next byte stands in the file.</summary>
    public long Position => file.Position - (_end - _start);

    /// <summary>The file's length in bytes.</summary>
    public long Length => file.Length;

    /// <summary>The next bytes, as many as asked for if the file has them. They stay where they are until the next call.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        if (_end - _start < count)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            _end += file.ReadAtLeast(_buffer.AsSpan(_end), count - _end, throwOnEndOfStream: false);
        }

        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Goes on, to the file's end at most.</summary>
    public void Skip(long count)
    {
        if (count <= _end - _start) _start += (int)count;
        else MoveTo(Position + count);
    }

    /// <summary>Goes to a place in the file.</summary>
    public void MoveTo(long position)
    {
        file.Position = Math.Min(position, file.Length);
        _start = _end = 0;
    }
}
