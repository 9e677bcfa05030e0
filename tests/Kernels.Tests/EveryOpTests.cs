namespace Engine.Kernels.Tests;

/// <summary>What holds for every operation, on every case of <see cref="Ops"/>.</summary>
public class EveryOpTests
{
    // A value that no kernel writes by accident.
    private const float Sentinel = 12345.678f;

    [Theory, EveryCase(OnGpusToo = true)]
    public void VsReference(Device device, string name)
    {
        OpCase op = Ops.ByName[name];
        using IBackend backend = device.Open();
        op.AssertExpected(op.Run(backend, op.RandomInputs()), backend.Name);
    }

    /// <summary>
    /// Views inside larger buffers, at odd places. What lies around an input must not matter, and what lies around the output must stay.
    /// </summary>
    [Theory, EveryCase(OnGpusToo = true)]
    public void MindsOnlyItsViews(Device device, string name)
    {
        const int Margin = 67;
        OpCase op = Ops.ByName[name];
        using IBackend backend = device.Open();
        View[] views = [.. op.Spec.Operands.Select(operand =>
        {
            DeviceBuffer buffer = backend.Allocate(operand.Length + 2 * Margin);
            backend.Upload(Enumerable.Repeat(Around(operand), buffer.Length).ToArray(), buffer.All);
            return new View(buffer, Margin, operand.Length);
        })];
        op.Upload(backend, views, op.RandomInputs());

        op.Spec.Run(backend, views);

        op.AssertExpected(op.Download(backend, views), backend.Name);
        foreach ((OperandInfo operand, View view) in op.Spec.Operands.Zip(views))
        {
            float[] all = new float[view.Buffer.Length];
            backend.Download(view.Buffer.All, all);
            Assert.All(all[..Margin].Concat(all[^Margin..]), value => Assert.Equal(Around(operand), value));
            view.Buffer.Dispose();
        }
    }

    [GuardedTheory, EveryCase]
    public void StaysInItsMemory(Device device, string name)
    {
        using IBackend backend = device.Open();
        AssertStaysInItsMemory(backend, Ops.ByName[name]);
    }

    [GuardedTheory, EveryWidth]
    public void PointwiseOpsStayInTheirMemoryAtEveryLength(Device device)
    {
        using IBackend backend = device.Open();
        for (int length = 1; length <= 70; length++)
        {
            foreach (OpCase op in Ops.Pointwise(length)) AssertStaysInItsMemory(backend, op);
        }
    }

    /// <summary>
    /// The readable tail after the inputs is NaN, which must not show. Beyond it, and before the start, no byte may be read.
    /// </summary>
    private static void AssertStaysInItsMemory(IBackend backend, OpCase op)
    {
        float[][] inputs = op.RandomInputs();
        foreach (bool atStart in new[] { false, true })
        {
            GuardedBuffer[] buffers = [.. op.Spec.Operands.Select(operand => new GuardedBuffer(backend, operand.Length, atStart, Around(operand)))];
            View[] views = [.. buffers.Select(buffer => buffer.All)];
            op.Upload(backend, views, inputs);

            op.Spec.Run(backend, views);

            op.AssertExpected(op.Download(backend, views), backend.Name);
            int next = 0;
            foreach ((OperandInfo operand, GuardedBuffer buffer) in op.Spec.Operands.Zip(buffers))
            {
                string what = $"{operand.Name} of {op} on {backend.Name}";
                buffer.AssertSurroundings(what);
                if (OpCase.IsInput(operand))
                {
                    float[] before = inputs[next++], after = new float[operand.Length];
                    backend.Download(buffer.All, after);
                    if (!OpCase.IsOutput(operand)) Compare.SameBits(before, after, what);
                }

                buffer.Dispose();
            }
        }
    }

    // NaN around inputs, because it must not show; around outputs a value that no kernel writes.
    private static float Around(OperandInfo operand) => operand.Role == OperandRole.In ? float.NaN : Sentinel;

    [Theory, EveryCase]
    public void GivesTheSameBitsAtAnyThreadCount(Device device, string name)
    {
        OpCase op = Ops.ByName[name];
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
        foreach (OpCase op in Ops.Pointwise(16384 + 70).Where(op => op.MayOverwriteInput))
        {
            float[][] inputs = op.RandomInputs();
            float[] expected = op.Run(backend, inputs);
            OperandInfo output = op.Spec.Operands.First(operand => operand.Role == OperandRole.Out);
            foreach (OperandInfo input in op.Spec.Operands.Where(operand => operand.Role == OperandRole.In && operand.Length == output.Length))
            {
                Compare.SameBits(expected, op.RunInPlace(backend, output.Name, input.Name, inputs), $"{op} over {input.Name} on {backend.Name}");
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
        foreach (OpCase op in Ops.ByName.Values)
        {
            DeviceBuffer[] buffers = [.. op.Spec.Operands.Select(operand => backend.Allocate(operand.Length))];
            View[] views = [.. buffers.Select(buffer => buffer.All)];
            op.Upload(backend, views, op.RandomInputs());
            op.Spec.Run(backend, views);
            op.Spec.Run(backend, views);

            // On a crowded machine with several threads, the count sometimes grew by some thousand bytes, once in many thousand calls and with any operation.
            // The reason is not known. An operation that allocates does so in every attempt.
            long allocated = long.MaxValue;
            for (int attempt = 0; attempt < Attempts && allocated != 0; attempt++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < Calls; i++) op.Spec.Run(backend, views);
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
        foreach (OpCase op in Ops.ByName.Values)
        {
            DeviceBuffer[] buffers = [.. op.Spec.Operands.Select(operand => backend.Allocate(operand.Length + 1))];
            for (int wrong = op.TakesAnyLength ? 1 : 0; wrong < buffers.Length; wrong++)
            {
                foreach (int off in new[] { -1, 1 })
                {
                    View[] views = [.. buffers.Select((buffer, i) => buffer.All.Slice(0, buffer.Length - 1 + (i == wrong ? off : 0)))];
                    ArgumentException thrown = Assert.Throws<ArgumentException>(() => op.Spec.Run(backend, views));

                    // A pointwise operation takes its length from its output, so with a wrong output it may complain about its inputs.
                    int[] lengths = [.. views.Select(view => view.Length)];
                    Assert.Contains(lengths, length => thrown.Message.Contains($"{length}", StringComparison.Ordinal));
                }
            }

            foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        }
    }

    /// <summary>No operation is missing from the table, nor from the cases that the tests above go through.</summary>
    [Fact]
    public void EveryOperationIsInTheTableAndHasCases()
    {
        string[] operations =
            [.. typeof(IOp).Assembly.GetTypes().Where(type => type.IsValueType && typeof(IOp).IsAssignableFrom(type)).Select(type => type.Name[..^2]).Order()];
        Assert.Equal(operations, OpTable.All.Keys.Order());
        Assert.Equal(operations, Ops.ByName.Values.Select(op => op.Spec.Name).Distinct().Order());
    }
}
