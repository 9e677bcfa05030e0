using System.Buffers.Binary;
using System.IO.Compression;
using CsCheck;
using Engine.Kernels;
using Engine.Tests;

namespace Engine.Tensors.Tests;

public sealed class NpzFileTests : IDisposable
{
    private const int LocalHeaderBytes = 30;

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void WhatIsWrittenIsReadBack() => NpyFileTests.Arrays.Array[0, 4].Sample(
        arrays =>
        {
            string path = temp.PathOf("a.npz");
            NpzFile.Write(path, arrays.Select((array, i) => ($"param{i}", array)));
            using NpzFile file = NpzFile.Open(path);
            return file.Names.SequenceEqual(arrays.Select((_, i) => $"param{i}"))
                && arrays.Select((array, i) => NpyFileTests.Same(array, file.Read($"param{i}"))).All(same => same);
        },
        iter: 50,
        threads: 1);

    [Fact]
    public void TheSameArraysGiveTheSameBytes()
    {
        (string, NpyArray)[] arrays = [("a", NpyFileTests.Make([5], isDouble: true, seed: 1)), ("folder/b:0", new NpyArray([], [1f]))];
        NpzFile.Write(temp.PathOf("1.npz"), arrays);
        NpzFile.Write(temp.PathOf("2.npz"), arrays);
        Assert.Equal(File.ReadAllBytes(temp.PathOf("1.npz")), File.ReadAllBytes(temp.PathOf("2.npz")));
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.SmallestSize)]
    public void ReadsStoredAndDeflatedEntriesInFileOrder(CompressionLevel level)
    {
        using NpzFile file = NpzFile.Open(Zip(level, ("z.npy", Array), ("a.npy", Array)));
        Assert.Equal(["z", "a"], file.Names);
        Assert.True(file.Contains("a"));
        Assert.False(file.Contains("a.npy"));
        Assert.Equal([1f, 2f, 3f], file.Read("a").ToSingle());
    }

    [Fact]
    public void AnEntryOfAnotherTypeFailsOnlyWhenItIsAskedFor()
    {
        byte[] integers = NpyFileTests.Npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}", new byte[8]);
        using NpzFile file = NpzFile.Open(Zip(CompressionLevel.Optimal, ("label.npy", integers), ("a.npy", Array)));
        Assert.Equal(3, file.Read("a").Length);
        Failure.Says(() => file.Read("label"), "a.npz", "'label'", "'<i8'");
    }

    [Fact]
    public void SaysWhatThereIsInsteadOfAMissingArray()
    {
        using NpzFile file = NpzFile.Open(Zip(CompressionLevel.Optimal, ("mean.npy", Array), ("std.npy", Array)));
        Failure.Says(() => file.Read("median"), "a.npz", "no array 'median'", "it holds mean, std.");
    }

    [Fact]
    public void ListsOnlySomeOfManyNames()
    {
        IEnumerable<(string, byte[])> entries = Enumerable.Range(0, 54).Select(i => ($"param{i}.npy", Array));
        using NpzFile file = NpzFile.Open(Zip(CompressionLevel.Optimal, [.. entries]));
        Failure.Says(() => file.Read("x"), "param0, param1", "param7 and 46 more");
    }

    [Fact]
    public void SaysThatAFileIsMissing() => Failure.Says(() => NpzFile.Open(temp.PathOf("a.npz")), "a.npz", "does not exist");

    [Fact]
    public void SaysThatAFileIsNoZip() => Failure.Says(() => NpzFile.Open(temp.Put("a.npz", Array)), "a.npz", "is not a .npz file");

    [Fact]
    public void EveryTruncationIsNoticed()
    {
        byte[] bytes = File.ReadAllBytes(Zip(CompressionLevel.Optimal, ("a.npy", Array)));
        for (int length = 2; length < bytes.Length; length++)
        {
            string path = temp.Put("b.npz", bytes[..length]);
            Failure.Says(() => NpzFile.Open(path), "b.npz", "is truncated or damaged");
        }
    }

    [Theory]
    [InlineData("../a.npy", "leaves the archive")]
    [InlineData("a/../../b.npy", "leaves the archive")]
    [InlineData("/etc/a.npy", "leaves the archive")]
    [InlineData("C:/a.npy", "leaves the archive")]
    [InlineData("..\\a.npy", "leaves the archive")]
    [InlineData("a\nb.npy", "'a\\x0Ab.npy'", "malformed")]
    [InlineData(".npy", "malformed")]
    [InlineData("readme.txt", "'readme.txt'", "is not a .npy array")]
    [InlineData("folder/", "'folder/'", "is not a .npy array")]
    [InlineData("a.npy", "there twice")]
    public void RefusesAnEntryName(string name, params string[] words)
    {
        string path = Zip(CompressionLevel.Optimal, ("a.npy", Array), (name, Array));
        Failure.Says(() => NpzFile.Open(path), ["a.npz", .. words]);
        using FileStream freed = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }

    [Theory]
    [InlineData("../a")]
    [InlineData("")]
    [InlineData("same")]
    public void RefusesToWriteAName(string name)
    {
        NpyArray array = new([], [1f]);
        Assert.Throws<ArgumentException>(() => NpzFile.Write(temp.PathOf("a.npz"), [("same", array), (name, array)]));
        Assert.Empty(Directory.GetFiles(temp.Folder));
    }

    [Fact]
    public void NoticesAWrongChecksum()
    {
        string path = Zip(CompressionLevel.NoCompression, ("a.npy", Array));
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().IndexOf(Array) + Array.Length - 1] ^= 1;
        using NpzFile file = NpzFile.Open(temp.Put("b.npz", bytes));
        Failure.Says(() => file.Read("a"), "b.npz", "'a'", "checksum");
    }

    [Fact]
    public void NoticesDeflatedDataThatCannotBe()
    {
        byte[] bytes = File.ReadAllBytes(Zip(CompressionLevel.Optimal, ("a.npy", Array)));
        bytes[LocalHeaderBytes + "a.npy".Length] = 0xFF; // A block of a type that does not exist.
        using NpzFile file = NpzFile.Open(temp.Put("b.npz", bytes));
        Failure.Says(() => file.Read("a"), "b.npz", "'a'", "is damaged");
    }

    [Fact]
    public void RefusesAnotherCompression()
    {
        const byte Lzma = 14;
        byte[] bytes = File.ReadAllBytes(Zip(CompressionLevel.Optimal, ("a.npy", Array)));
        bytes[8] = bytes[CentralDirectory(bytes) + 10] = Lzma;
        using NpzFile file = NpzFile.Open(temp.Put("b.npz", bytes));
        Failure.Says(() => file.Read("a"), "b.npz", "'a'", "another method than stored or deflated");
    }

    [Fact]
    public void RefusesAnEntryThatClaimsTooMuch()
    {
        byte[] bytes = File.ReadAllBytes(Zip(CompressionLevel.Optimal, ("a.npy", Array)));

        // The largest size that needs no zip64 field is a byte short of 4 GiB, so the claim goes into one: its tag, its length, the size.
        int directory = CentralDirectory(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(directory + 24), uint.MaxValue);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(directory + 30), 12);
        byte[] zip64 = [1, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0];
        int end = bytes.AsSpan().LastIndexOf("PK\x05\x06"u8);
        bytes = [.. bytes[..end], .. zip64, .. bytes[end..]];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(end + zip64.Length + 12), end + zip64.Length - directory);

        using NpzFile file = NpzFile.Open(temp.Put("b.npz", bytes));
        Failure.Says(() => file.Read("a"), "b.npz", "'a'", "claims 1099511627776 bytes");
    }

    [Fact]
    public void RefusesAnEncryptedEntry()
    {
        byte[] bytes = File.ReadAllBytes(Zip(CompressionLevel.Optimal, ("a.npy", Array)));
        bytes[6] |= 1;
        bytes[CentralDirectory(bytes) + 8] |= 1;
        using NpzFile file = NpzFile.Open(temp.Put("b.npz", bytes));
        Failure.Says(() => file.Read("a"), "b.npz", "'a'", "encrypted");
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void DamageIsNoticedAndNeverEscapesAsAnotherException(CompressionLevel level)
    {
        byte[] bytes = File.ReadAllBytes(Zip(level, ("a.npy", Array)));
        for (int bit = 0; bit < 8 * bytes.Length; bit++)
        {
            byte[] damaged = (byte[])bytes.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            string path = temp.Put("b.npz", damaged);
            try
            {
                using NpzFile file = NpzFile.Open(path);
                foreach (string name in file.Names) Assert.Equal([1f, 2f, 3f], file.Read(name).ToSingle());
            }
            catch (EngineException)
            {
            }
        }
    }

    [ReferenceFact]
    public void ReadsWhatNumPyWrote()
    {
        using NpzFile published = NpzFile.Open(ReferenceData.PathOf("reference/inverter_fc8_published.npz"));
        Assert.Equal(52, published.Names.Count);
        Assert.Equal(["param43", "param22", "param23"], published.Names.Take(3));
        Assert.Equal(131_201, published.Names.Sum(name => published.Read(name).Length));
        Assert.Equal([64, 32, 4, 4], published.Read("param20").Shape);

        // Every triangle of the filterbank was divided by its sum, in float32.
        using NpzFile frontEnd = NpzFile.Open(ReferenceData.PathOf("reference/frontend_golden.npz"));
        NpyArray filterbank = frontEnd.Read("filterbank");
        Assert.Equal([372, 80], filterbank.Shape);
        double[] sums = new double[80];
        foreach ((int i, double value) in filterbank.ToDouble().Index()) sums[i % 80] += value;
        Assert.All(sums, sum => Assert.Equal(1, sum, 1e-7));

        using NpzFile step = NpzFile.Open(ReferenceData.PathOf("reference/svdnet_step_golden.npz"));
        Assert.Equal(0, step.Read("loss").Shape.Length);

        using NpzFile song = NpzFile.Open(ReferenceData.PathOf("reference/song_golden.npz"));
        Assert.Equal(20_177, song.Read("probability").Length);
        Failure.Says(() => song.Read("label"), "song_golden.npz", "'label'", "'|u1'");
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a git-LFS pointer", "git lfs pull")]
    [InlineData("<!DOCTYPE html>\n<html><title>Sign in</title></html>", "a web page", "download")]
    [InlineData("\r\n <HTML lang=\"en\">", "a web page", "download")]
    public void SaysWhatADownloadBrought(string content, params string[] words)
    {
        string path = temp.Put("a.npz", System.Text.Encoding.ASCII.GetBytes(content));
        Failure.Says(() => NpzFile.Open(path), [path, .. words]);
        Failure.Says(() => NpyFile.Read(path), [path, .. words]);
    }

    [Fact]
    public void ACommentGoesBesideTheArrays()
    {
        string path = temp.PathOf("a.npz");
        NpyArray array = new([3], [1f, 2f, 3f]);
        NpzFile.Write(path, [("a", array)], "first");
        byte[] before = File.ReadAllBytes(path);
        NpzFile.WriteComment(path, "{\"second\":2}");
        byte[] after = File.ReadAllBytes(path);
        Assert.Equal(before[..^"xxfirst".Length], after[..^"xx{\"second\":2}".Length]);
        using (NpzFile file = NpzFile.Open(path))
        {
            Assert.Equal(["a"], file.Names);
            Assert.Equal("{\"second\":2}", file.Comment);
            Assert.Equal([3], file.Describe("a").Shape);
            Assert.False(file.Describe("a").IsDouble);
            Assert.Equal([1f, 2f, 3f], file.Read("a").ToSingle());
        }

        NpzFile.WriteComment(path, "");
        NpzFile.WriteComment(path, "first");
        Assert.Equal(before, File.ReadAllBytes(path));
        Failure.Says(() => NpzFile.WriteComment(temp.Put("b.npz", before[..^2]), "x"), "b.npz", "damaged");
    }

    [Fact]
    public void ReadsBytes()
    {
        byte[] bytes = NpyFileTests.ToBytes(new NpyArray([2], [1f, 2f]));
        "|u1"u8.CopyTo(bytes.AsSpan(bytes.AsSpan().IndexOf("<f4"u8)));
        using NpzFile file = NpzFile.Open(Zip(CompressionLevel.Optimal, ("text.npy", bytes[..^6]), ("numbers.npy", Array)));
        Assert.Equal(bytes[^8..^6], file.ReadBytes("text"));
        Failure.Says(() => file.Read("text"), "'text'", "'|u1'");
        Failure.Says(() => file.ReadBytes("numbers"), "'numbers'", "'<f4'", "not bytes");
    }

    // 4 MB on the disk, 4 GB in memory.
    [Fact]
    public void AFileOfZerosDoesNotFillTheMemory()
    {
        const int arrays = 6, length = 8 << 20;
        NpzFile.Write(temp.PathOf("zeros.npz"), Enumerable.Range(0, arrays).Select(i => ($"a{i}", new NpyArray([length], new float[length]))));
        using NpzFile file = NpzFile.Open(temp.PathOf("zeros.npz"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < arrays; i++) Assert.Equal([length], file.Describe($"a{i}").Shape);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 << 20);
        Failure.Says(() => file.Read("a0", 80), "zeros.npz", "'a0'", $"{length} values, not 80");
        file.Read("a0", length);
        Failure.Says(() => file.Read("a1"), "zeros.npz", "'a1'", "more than 64 MiB");
    }

    private static byte[] Array => NpyFileTests.ToBytes(new NpyArray([3], [1f, 2f, 3f]));

    private string Zip(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using FileStream stream = File.Create(temp.PathOf("a.npz"));
        using ZipArchive archive = new(stream, ZipArchiveMode.Create);
        foreach ((string name, byte[] content) in entries)
        {
            using Stream entry = archive.CreateEntry(name, level).Open();
            entry.Write(content);
        }

        return stream.Name;
    }

    private static int CentralDirectory(byte[] zip) => zip.AsSpan().IndexOf("PK\x01\x02"u8);
}
