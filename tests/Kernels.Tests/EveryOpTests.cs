namespace Engine.Kernels.Tests;

/// <summary>What holds for every operation, on every case of <see cref="OpCases"/>.</summary>
public class EveryOpTests
{
    // A value that no kernel writes by accident.
    private const float Sentinel = 12345.678f;

    [Theory, EveryCase(OnGpusToo = true)]
    public void VsReference(Device device, string name)
    {
        OpCase op = OpCases.ByName[name];
        using IBackend backend = device.Open();
        op.AssertExpected(op.Run(backend, op.RandomInputs()), backend.Name);
    }

    /// <summary>
    /// Views inside larger buffers, at odd places: what lies around an input does not matter, what lies around the output stays.
    /// </summary>
    [Theory, EveryCase(OnGpusToo = true)]
    public void MindsOnlyItsViews(Device device, string name)
    {
        const int Margin = 67;
        OpCase op = OpCases.ByName[name];
        using IBackend backend = device.Open();
        float[][] inputs = op.RandomInputs();
        View[] views = [.. inputs.Select(input =>
        {
            DeviceBuffer buffer = backend.Allocate(input.Length + 2 * Margin);
            backend.Upload(Enumerable.Repeat(float.NaN, buffer.Length).ToArray(), buffer.All);
            View view = new(buffer, Margin, input.Length);
            backend.Upload(input, view);
            return view;
        })];
        using DeviceBuffer output = backend.Allocate(op.Output + 2 * Margin);
        backend.Upload(Enumerable.Repeat(Sentinel, output.Length).ToArray(), output.All);

        op.Body(backend, views, new View(output, Margin, op.Output));

        float[] result = new float[output.Length];
        backend.Download(output.All, result);
        op.AssertExpected(result[Margin..^Margin], backend.Name);
        Assert.All(result[..Margin].Concat(result[^Margin..]), value => Assert.Equal(Sentinel, value));
        foreach (View view in views) view.Buffer.Dispose();
    }

    [GuardedTheory, EveryCase]
    public void StaysInItsMemory(Device device, string name)
    {
        using IBackend backend = device.Open();
        AssertStaysInItsMemory(backend, OpCases.ByName[name]);
    }

    [GuardedTheory, EveryWidth]
    public void PointwiseOpsStayInTheirMemoryAtEveryLength(Device device)
    {
        using IBackend backend = device.Open();
        for (int length = 1; length <= 70; length++)
        {
            foreach (OpCase op in OpCases.Pointwise(length)) AssertStaysInItsMemory(backend, op);
        }
    }

    /// <summary>
    /// The readable tail behind the inputs is NaN, which must not show; beyond it, and before the start, no byte may be read.
    /// </summary>
    private static void AssertStaysInItsMemory(IBackend backend, OpCase op)
    {
        float[][] inputs = op.RandomInputs();
        foreach (bool atStart in new[] { false, true })
        {
            GuardedBuffer[] buffers = [.. inputs.Select(input => new GuardedBuffer(backend, input.Length, atStart, float.NaN))];
            using GuardedBuffer output = new(backend, op.Output, atStart, Sentinel);
            for (int i = 0; i < inputs.Length; i++) backend.Upload(inputs[i], buffers[i].All);

            op.Body(backend, [.. buffers.Select(buffer => buffer.All)], output.All);

            float[] result = new float[op.Output];
            backend.Download(output.All, result);
            op.AssertExpected(result, backend.Name);
            output.AssertSurroundings($"output of {op} on {backend.Name}");
            for (int i = 0; i < inputs.Length; i++)
            {
                float[] after = new float[inputs[i].Length];
                backend.Download(buffers[i].All, after);
                Compare.SameBits(inputs[i], after, $"input {i} of {op} on {backend.Name}");
                buffers[i].AssertSurroundings($"input {i} of {op} on {backend.Name}");
                buffers[i].Dispose();
            }
        }
    }

    [Theory, EveryCase]
    public void GivesTheSameBitsAtAnyThreadCount(Device device, string name)
    {
        OpCase op = OpCases.ByName[name];
        float[][] inputs = op.RandomInputs();
        using IBackend alone = device.Open(threads: 1);
        float[] expected = op.Run(alone, inputs);
        foreach (int threads in new[] { 2, 3, 7 })
        {
            using IBackend team = device.Open(threads);
            Compare.SameBits(expected, op.Run(team, inputs), $"{op} on {team.Name}");
        }
    }

    /// <summary>An operation that may work in place gives the same bits in place.</summary>
    [Theory, EveryDevice]
    public void PointwiseOpsMayOverwriteTheirInput(Device device)
    {
        using IBackend backend = device.Open();
        foreach (OpCase op in OpCases.Pointwise(16384 + 70).Where(op => op.MayOverwriteInput))
        {
            float[][] inputs = op.RandomInputs();
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inputs[i].Length != op.Output) continue;
                int over = i;
                OpCase inPlace = op with
                {
                    Body = (b, x, y) =>
                    {
                        b.Copy(x[over], y);
                        op.Body(b, [.. x[..over], y, .. x[(over + 1)..]], y);
                    },
                };
                Compare.SameBits(op.Run(backend, inputs), inPlace.Run(backend, inputs), $"{op} over input {i} on {backend.Name}");
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AllocatesNothingOnceWarm(int threads)
    {
        const int Calls = 50, Attempts = 5;
        using IBackend backend = Backends.CreateCpu(threads);
        foreach (OpCase op in OpCases.ByName.Values)
        {
            DeviceBuffer[] buffers = [.. op.RandomInputs().Select(input => Uploaded(backend, input))];
            View[] inputs = [.. buffers.Select(buffer => buffer.All)];
            using DeviceBuffer output = backend.Allocate(op.Output);
            op.Body(backend, inputs, output.All);
            op.Body(backend, inputs, output.All);

            // On a crowded machine, with several threads, the count was seen to grow by some thousand bytes once in many thousand calls, of whatever
            // operation; the reason is not known. What an operation allocates itself, it allocates in every attempt.
            long allocated = long.MaxValue;
            for (int attempt = 0; attempt < Attempts && allocated != 0; attempt++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < Calls; i++) op.Body(backend, inputs, output.All);
                allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.True(allocated == 0, $"{op} on {backend.Name} allocated {allocated} bytes in {Calls} calls");
            foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        }
    }

    [Theory, EveryDevice]
    public void RejectsViewsOfTheWrongLength(Device device)
    {
        using IBackend backend = device.Open();
        foreach (OpCase op in OpCases.ByName.Values)
        {
            DeviceBuffer[] buffers = [.. op.Inputs.Append(op.Output).Select(length => backend.Allocate(length + 1))];
            for (int wrong = op.TakesAnyLength ? 1 : 0; wrong < buffers.Length; wrong++)
            {
                foreach (int off in new[] { -1, 1 })
                {
                    View[] views = [.. buffers.Select((buffer, i) => buffer.All.Slice(0, buffer.Length - 1 + (i == wrong ? off : 0)))];
                    ArgumentException thrown = Assert.Throws<ArgumentException>(() => op.Body(backend, views[..^1], views[^1]));

                    // A pointwise operation goes by its output, so a wrong one may make it complain of its inputs.
                    int[] lengths = [.. views.Select(view => view.Length), op.LastPart + off];
                    Assert.Contains(lengths, length => thrown.Message.Contains($"{length}", StringComparison.Ordinal));
                }
            }

            foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        }
    }

    private static DeviceBuffer Uploaded(IBackend backend, float[] values)
    {
        DeviceBuffer buffer = backend.Allocate(values.Length);
        backend.Upload(values, buffer.All);
        return buffer;
    }
}
