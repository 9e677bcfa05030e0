using System.Diagnostics;
using System.Runtime.Versioning;
using Engine.Tests;

namespace Engine.Tensors.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void MakesFoldersAndReplacesFiles()
    {
        string path = temp.PathOf("new/folder/a.bin");
        AtomicFile.Write(path, stream => stream.Write([1, 2, 3]));
        AtomicFile.Write(path, stream => stream.WriteByte(4));

        Assert.Equal([4], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void TakesANameWithoutAFolder()
    {
        string name = $"{Path.GetRandomFileName()}.tmp";
        AtomicFile.Write(name, stream => stream.WriteByte(1));
        Assert.Equal([1], File.ReadAllBytes(name));
        File.Delete(name);
    }

    [Fact]
    public void AFailureLeavesTheOldFileAndNothingElse()
    {
        string path = temp.Put("a.bin", [1, 2, 3]);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(9);
            throw new InvalidOperationException();
        }));

        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(temp.Folder));
    }

    [Fact]
    public void AnInputOrOutputErrorNamesTheFile()
    {
        Failure.Says(() => AtomicFile.Write(temp.PathOf("a.bin"), _ => throw new IOException("No space left.")), "a.bin", "No space left");
        Assert.Empty(Directory.GetFiles(temp.Folder));
    }

    [Fact]
    public void SaysThatTheTargetIsAFolder()
    {
        Failure.Says(() => AtomicFile.Write(temp.Folder, _ => { }), temp.Folder, "is a folder");
        Failure.Says(() => AtomicFile.Write(temp.PathOf("new/"), _ => { }), "is a folder");
    }

    [Fact]
    public void ReplacesAnEmptyFile()
    {
        string path = temp.Put("a.bin", []);
        AtomicFile.Write(path, stream => stream.WriteByte(1));
        Assert.Equal([1], File.ReadAllBytes(path));
    }

    [UnixFact]
    public void ALinkStaysOne()
    {
        string target = temp.Put("target.bin", [1]), link = File.CreateSymbolicLink(temp.PathOf("link.bin"), "target.bin").FullName;
        AtomicFile.Write(link, stream => stream.WriteByte(2));
        Assert.Equal("target.bin", new FileInfo(link).LinkTarget);
        Assert.Equal([2], File.ReadAllBytes(target));
    }

    // A pipe stands in for a device, so that a failure does not cost the machine its /dev/null.
    [UnixFact]
    public void WhatIsNoRegularFileIsNotReplaced()
    {
        string pipe = temp.PathOf("pipe");
        using (Process make = Process.Start("mkfifo", [pipe])) make.WaitForExit();
        Failure.Says(() => AtomicFile.Write(pipe, _ => { }), "pipe cannot be written", "not a regular file");
        Assert.Equal([pipe], Directory.GetFiles(temp.Folder));
    }

    [Fact]
    public void SaysThatAFileIsInTheWayOfAFolder() =>
        Failure.Says(() => AtomicFile.Write(Path.Combine(temp.Put("a.bin", [1]), "b.bin"), _ => { }), "b.bin", "cannot be written");

    [PermissionFact]
    [UnsupportedOSPlatform("windows")]
    public void SaysThatAFolderMayNotBeWritten()
    {
        string folder = Directory.CreateDirectory(temp.PathOf("locked")).FullName;
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Failure.Says(() => AtomicFile.Write(Path.Combine(folder, "a.bin"), _ => { }), "a.bin", "cannot be written", "permissions");
    }

    [Fact]
    public void WhatKilledProcessesLeftIsDeletedAndNothingElse()
    {
        string folder = Directory.CreateDirectory(temp.PathOf("crowded")).FullName;
        string left = Path.Combine(folder, ".engine-abcdefgh.ijk.tmp"), empty = Path.Combine(folder, ".engine-empty.tmp");
        string old = Path.Combine(folder, ".engine-old.tmp"), busy = Path.Combine(folder, ".engine-busy.tmp");
        string[] others = [Path.Combine(folder, ".abcdefgh.ijk.tmp"), Path.Combine(folder, "engine-a.tmp"), Path.Combine(folder, ".engine-a.npz")];
        foreach (string file in (string[])[left, busy, .. others]) File.WriteAllBytes(file, [1]);
        foreach (string file in (string[])[empty, old]) File.WriteAllBytes(file, []);
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-1));
        using FileStream writing = new(busy, FileMode.Open, FileAccess.Write, FileShare.Delete);
        AtomicFile.Write(Path.Combine(folder, "a.bin"), stream => stream.WriteByte(1));
        Assert.Equal([.. ((string[])[Path.Combine(folder, "a.bin"), empty, busy, .. others]).Order()], Directory.GetFiles(folder).Order());
    }

    [Fact]
    public void FindsOutWhetherItCouldWriteAndWritesNothing()
    {
        string path = temp.PathOf("new/a.bin"), file = temp.Put("b.bin", [1]);
        AtomicFile.RequireWritable(path);
        AtomicFile.RequireWritable(file);
        Assert.Empty(Directory.GetFiles(temp.PathOf("new")));
        Assert.Equal([1], File.ReadAllBytes(file));
        Failure.Says(() => AtomicFile.RequireWritable(temp.Folder), temp.Folder, "is a folder");
        Failure.Says(() => AtomicFile.RequireWritable(Path.Combine(file, "c.bin")), "c.bin", "cannot be written");
        foreach (string blank in (string[])["", " ", "a\0b"]) Failure.Says(() => AtomicFile.RequireWritable(blank), "blank");
    }
}
