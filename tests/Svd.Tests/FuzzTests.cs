using System.Globalization;
using System.IO.Compression;
using System.Text;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Tests.Cli;
using Engine.Svd.Train;
using Engine.Tensors;
using Engine.Tests;
using Xunit.Abstractions;

namespace Engine.Svd.Tests;

/// <summary>
/// Damages every kind of file that is read, and command lines, at random, the same way in every run: whatever comes of it is a result or an
/// <see cref="EngineException"/>, soon, in little memory, with nothing written elsewhere. SVD_FUZZ is the number of mutations of each kind, without it some
/// hundreds; SVD_FUZZ_SEED other ones.
/// </summary>
[Collection(ConsoleTests.Name)]
public sealed class FuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int UsualMutations = 400;
    private const long MostBytes = 256 << 20;

    // A machine under load may take long for anything; a hang takes for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TempFolder _temp = new();

    private static int Mutations => int.Parse(Environment.GetEnvironmentVariable("SVD_FUZZ") ?? $"{UsualMutations}", CultureInfo.InvariantCulture);

    private static ulong Seed => ulong.Parse(Environment.GetEnvironmentVariable("SVD_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Npy()
    {
        byte[] file = Bytes(path => NpyFile.Write(path, new NpyArray([3, 2], [1f, 2f, 3f, 4f, 5f, 6f])));
        Fuzz(1, random => Mutate(random, file), path => NpyFile.Read(path));
    }

    [Fact]
    public void Npz()
    {
        byte[] statistics = Bytes(path => NpzFile.Write(path, [("mean", Bands(0.5)), ("std", Bands(2))], "a comment"));
        Fuzz(2, random => Mutate(random, statistics), path => Assert.All(BandStatistics.Read(path).Std, std => Assert.True(std > 0 && double.IsFinite(std))));

        byte[] weights = Bytes(path => NpzFile.Write(path, [("param0", new NpyArray([2, 3], new float[6])), ("param1", new NpyArray([3], new float[3]))]));
        Fuzz(3, random => random.Next(2) == 0 ? Mutate(random, weights) : Repack(random, weights), path =>
        {
            WeightFile file = WeightFile.Read(path);
            WeightNotes.Of(file);
            Assert.All(file.Arrays, array => Assert.True(array.ToSingle().All(float.IsFinite)));
        });
    }

    [Fact]
    public void Notes()
    {
        byte[] notes = Encoding.ASCII.GetBytes(new WeightNotes { Detector = "ab", ClassThreshold = 0.5, Training = "t" }.ToString());
        string comment = "";
        Fuzz(
            4,
            random =>
            {
                comment = new string([.. Mutate(random, notes).Select(value => (char)(value & 0x7F))]);
                return Bytes(path => NpzFile.Write(path, [("param0", new NpyArray([1], [1f]))], comment));
            },
            path => Assert.True(WeightNotes.Of(WeightFile.Read(path))?.ClassThreshold is null or >= 0 and <= 1));
    }

    [Fact]
    public void KeptResults()
    {
        int[] starts = [0, 35];
        double[] thresholds = [0, 0.5];
        byte[] song = Bytes(path => new SongEvaluation(starts, thresholds, [0.5f, 1], new float[12], new float[4]).Write(path, 7));
        Fuzz(5, random => Repack(random, song), path => Assert.True(SongEvaluation.TryRead(path, 7, starts, thresholds) is not { } read
            || read.Probability.Concat(read.MaskedProbability).Concat(read.RelativeArea).All(share => share is >= 0 and <= 1)));

        double[][] values = [.. MethodScores.Measures.Select(measure => new double[MethodScores.RowsOf(measure, 1, 1) * 2])];
        byte[] scores = Bytes(path => new MethodScores(2, values, 0.5).Write(path, [1, 2]));
        Fuzz(6, random => Repack(random, scores), path => Assert.True(MethodScores.TryRead(path, [1, 2], 1, 1, 2) is not { } read
            || (double.IsFinite(read.Seconds) && read.Values.All(row => Array.TrueForAll(row, double.IsFinite)))));
    }

    [Fact]
    public void Checkpoints()
    {
        byte[] file = Bytes(path =>
        {
            string folder = Path.GetDirectoryName(path)!;
            Train(folder, stopAfter: 3);
            File.Move(TrainingRun.CheckpointIn(folder), path, overwrite: true);
        });
        Fuzz(7, random => random.Next(8) == 0 ? Mutate(random, file) : Repack(random, file), path =>
        {
            string folder = Path.GetDirectoryName(path)!;
            File.Move(path, TrainingRun.CheckpointIn(folder), overwrite: true);
            Assert.All(Train(folder), value => Assert.True(float.IsFinite(value)));
        });
    }

    [Fact]
    public void Wav()
    {
        byte[] file = Audio.Wav.File(1, 16, Audio.Wav.Noise(500));
        Fuzz(8, random => Mutate(random, file), Hear);
    }

    [Theory]
    [InlineData(13, "tone.mp3")]
    [InlineData(14, "bursts.mp3")]
    [InlineData(15, "tone.ogg")]
    public void Compressed(ulong kind, string name)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(ReferenceData.Repository, "tests", "Svd.Tests", "Audio", name));
        Fuzz(kind, random => Mutate(random, file), Hear);
    }

    [Fact]
    public void Lab() => Fuzz(
        9, random => Mutate(random, "# a comment\n0.000 1.250 nosing\n1.250\t17.5 sing\r\n17.5 1e2 nosing\n"u8.ToArray()),
        path => Assert.All(LabelTrack.Read(path).Segments, segment => Assert.True(segment.StartSeconds >= 0 && segment.EndSeconds > segment.StartSeconds)));

    [Fact]
    public void Curves() => Fuzz(
        10,
        random => Mutate(
            random, "dataset,case,threshold,excerpts,changed,explanation_loss_percent,relative_area_percent\na,M1,0.5,4,1,25.00,10.5\n"u8.ToArray()),
        path => Assert.All(EvaluationCurves.Read(path), point => Assert.InRange(point.ExplanationLossPercent, 0, 100)));

    [Fact]
    public void FileLists()
    {
        string corpus = _temp.PathOf("corpus"), results = _temp.PathOf("results");
        NoiseCorpus.Make(corpus);
        string list = Path.Combine(corpus, "filelists", "test");
        byte[] text = Encoding.UTF8.GetBytes($"one.wav\n../audio/two.wav\r\n{Path.Combine(corpus, "audio", "three.wav")}\n./one.wav\n");
        Fuzz(11, random => Mutate(random, text), path =>
        {
            File.Move(path, list, overwrite: true);
            foreach (Song song in Corpus.Open(corpus).Split("test"))
            {
                string result = Path.GetFullPath(Path.Combine(results, $"{ResultName.Of(song.Name)}.npz"));
                Assert.StartsWith(results + Path.DirectorySeparatorChar, result, StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public void CommandLines()
    {
        string folder = _temp.PathOf("out");
        string[] commands =
        [
            "explain", "predict", "score", "calibrate", "evaluate", "localise", "logmel", "stats", "export", "weights", "train inverter", "train classifier",
            "train masker",
        ];
        string[] words =
        [
            "--at", "--method", "--threshold", "--area", "--listen", "--class-threshold", "--out", "--classifier", "--inverter", "--masker", "--stats",
            "--device", "--device-index", "--threads", "--json", "--data", "--split", "--thresholds", "--start", "--excerpts", "--seed", "--methods", "--fill",
            "--judge", "--compare", "--cache", "--stems", "--architecture", "--epochs", "--hop", "--batch", "--batches", "--augment", "--checkpoint",
            "--overwrite", "--force", "--whole-song", "--training", "--folds", "--hold-out", "--channel", "--", "-x", "@a", "", " ", "\u001b[2J", "0", "-1",
            "1e308", "NaN", "2147483647", "99999999999", "0:1.1:0.1", "0:1:1e28",
            "0:1:0.0000000000000000000000000001", "all", "random,loud", "auto", "cpu", "both", "0.5", "0.4,0.2", ",", "on", "paper", folder, "a.csv",
        ];
        string[] arguments = [];
        Fuzz(
            12,
            random =>
            {
                List<string> line = [.. commands[random.Next(commands.Length)].Split(' ')];
                for (int count = random.Next(7); count > 0; count--) line.Add(words[random.Next(words.Length)]);

                // No work begins: what is read is not there.
                arguments = [.. line, "--classifier", _temp.PathOf("missing.npz"), _temp.PathOf("missing.wav")];
                return [];
            },
            _ =>
            {
                ProgramResult result = SvdProgram.Call(arguments);
                Assert.True(
                    result.ExitCode is 1 or 2 && !result.Errors.Contains("a bug in svd", StringComparison.Ordinal)
                        && !result.Errors.Contains('\u001b', StringComparison.Ordinal),
                    $"{string.Join('|', arguments)} ends with {result.ExitCode}: {result.Errors}");
            });
    }

    // Without a search path there is no ffmpeg, whose own failings are not ours.
    private static void Hear(string path)
    {
        float[] samples = new float[1 << 12];
        using AudioStream audio = AudioStream.Open(path, "");
        for (int count; (count = audio.Read(samples)) > 0;) Assert.True(samples.AsSpan(0, count).ToArray().All(float.IsFinite));
    }

    private void Fuzz(ulong kind, Func<Random, byte[]> make, Action<string> read)
    {
        string folder = Directory.CreateDirectory(_temp.PathOf($"fuzz{kind}")).FullName, path = Path.Combine(folder, "file");
        int done = 0, refused = 0;
        long most = 0;
        Task work = Task.Run(() =>
        {
            for (; done < Mutations; Volatile.Write(ref done, done + 1))
            {
                byte[] bytes = make(new Random(HashCode(kind, done)));
                File.WriteAllBytes(path, bytes);
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    read(path);
                }
                catch (EngineException)
                {
                    refused++;
                }
                catch (Exception escaped)
                {
                    throw new InvalidOperationException($"mutation {done} of kind {kind}: {Convert.ToHexString(bytes)}", escaped);
                }

                most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
                if (most > MostBytes) throw new InvalidOperationException($"mutation {done} of kind {kind} takes {most} bytes: {Convert.ToHexString(bytes)}");
            }
        });
        for (int last = -1; !work.Wait(Patience); last = done)
        {
            Assert.False(last == Volatile.Read(ref done), $"mutation {last} of kind {kind} takes more than {Patience}");
        }

        output.WriteLine($"kind {kind}: {done} mutations, {refused} refused, at most {most} bytes allocated by one");
        Assert.Empty(Directory.GetFiles(folder, ".*"));
    }

    private static int HashCode(ulong kind, int number) => (int)new RandomSource(Seed, (kind << 40) + (ulong)number).NextUInt64();

    private static byte[] Mutate(Random random, byte[] original)
    {
        List<byte> bytes = [.. original];
        for (int count = 1 + random.Next(4); count > 0; count--)
        {
            int at = random.Next(bytes.Count + 1), length = Math.Min(random.Next(1, 9), bytes.Count - at);
            switch (random.Next(9))
            {
                case 0 when length > 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1 when length > 0: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 6)).Select(_ => (byte)random.Next(256))); break;
                case 3: bytes.RemoveRange(at, length); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                case 5: bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count - length + 1), length)); break;
                case 6: for (int i = 0; i < length; i++) bytes[at + i] = random.Next(2) == 0 ? (byte)0xFF : (byte)0; break;
                case 7: for (int i = 0; i < length; i++) if (char.IsAsciiDigit((char)bytes[at + i])) bytes[at + i] = (byte)('0' + random.Next(10)); break;
                default:
                    string[] texts =
                    [
                        "-1", "0", "1e999", "nan", "inf", "99999999999999999999", "\n", "\r", "\0", "../", "/", ".", " ", "'", "\"", "{", ",", "\u00e9",
                    ];
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(texts[random.Next(texts.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }

    // The same archive with right checksums around an array that was damaged, left out, replaced or repeated.
    private static byte[] Repack(Random random, byte[] original)
    {
        List<(string Name, byte[] Content)> entries = [];
        using (ZipArchive archive = new(new MemoryStream(original)))
        {
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                using Stream stream = entry.Open();
                using MemoryStream content = new();
                stream.CopyTo(content);
                entries.Add((entry.FullName, content.ToArray()));
            }
        }

        int at = random.Next(entries.Count);
        (string name, byte[] bytes) = entries[at];
        switch (random.Next(6))
        {
            case 0: entries[at] = (name, Mutate(random, bytes)); break;
            case 1: entries.RemoveAt(at); break;
            case 2: entries[at] = (Encoding.UTF8.GetString(Mutate(random, Encoding.UTF8.GetBytes(name))), bytes); break;
            case 3: entries[at] = (name, entries[random.Next(entries.Count)].Content); break;
            default: entries[at] = (name, WithNumbers(random, bytes)); break;
        }

        using MemoryStream packed = new();
        using (ZipArchive archive = new(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string entry, byte[] content) in entries)
            {
                using Stream stream = archive.CreateEntry(entry.Length > 0 ? entry : "a").Open();
                stream.Write(content);
            }
        }

        return packed.ToArray();
    }

    // Another number, or several, in an array that stays whole.
    private static byte[] WithNumbers(Random random, byte[] npy)
    {
        double[] numbers = [0, -1, 1, 0.5, 2, 3, 1e300, -1e300, 1e-300, double.NaN, double.PositiveInfinity, int.MaxValue, long.MaxValue, -0.0];
        NpyArray array;
        try
        {
            array = NpyFile.Read(new MemoryStream(npy), "array", npy.Length);
        }
        catch (EngineException)
        {
            return npy;
        }

        double[] values = array.ToDouble();
        for (int count = Math.Min(values.Length, 1 + random.Next(3)); count > 0; count--)
        {
            values[random.Next(values.Length)] = numbers[random.Next(numbers.Length)];
        }

        int[] shape = array.Shape.ToArray();
        NpyArray changed = array.IsDouble ? new NpyArray(shape, values) : new NpyArray(shape, Array.ConvertAll(values, value => (float)value));
        using MemoryStream written = new();
        NpyFile.Write(written, changed);
        return written.ToArray();
    }

    private static NpyArray Bands(double value) => new([80], [.. Enumerable.Repeat(value, 80)]);

    private byte[] Bytes(Action<string> write)
    {
        string path = _temp.PathOf("whole");
        write(path);
        return File.ReadAllBytes(path);
    }

    // Two epochs of a tiny network; gives its parameters.
    private static float[] Train(string folder, int stopAfter = int.MaxValue)
    {
        const int batches = 2;
        using IBackend backend = Backends.CreateCpu(1);
        using Sequential network = new(new Dense(2, 1) { Name = "dense" });
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(5));
        using TrainableParameters parameters = new(network, backend);
        using Adam adam = new(parameters);
        using Tape tape = new();
        using Tensor x = tape.Watch(Tensor.From(backend, new Shape(1, 2), [1f, 2f])), target = Tensor.From(backend, new Shape(1, 1), [1f]);
        using CancellationTokenSource cancellation = new();
        int done = 0;
        TrainingPlan plan = new(network, adam, new HalveOnPlateau(0.01), 2, batches, 1, [("seed", 5)])
        {
            Step = (_, _) =>
            {
                tape.Reset();
                Tensor loss = network.Forward(x).MeanSquaredError(target);
                tape.Backward(loss);
                return loss.ToArray()[0];
            },
        };
        try
        {
            new TrainingRun(plan, folder, Path.Combine(folder, "log.csv")).Run(_ =>
            {
                if (++done == stopAfter) cancellation.Cancel();
            }, cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            // The checkpoint is what is wanted.
        }

        return [.. network.Parameters.SelectMany(parameter => parameter.Value.ToArray())];
    }
}
