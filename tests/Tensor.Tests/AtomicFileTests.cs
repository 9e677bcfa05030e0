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

    // A pipe stands for the devices: were it replaced, no machine would lose its /dev/null.
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
}
