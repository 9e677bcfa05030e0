using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Convolutions and transposed convolutions of maps whose batch is last, so that x and y are C H W N for each block of samples:
/// <code>y[k,p,q,·] = activation(b[k] + Σ_c,r,s x[c, h(p,r), v(q,s), ·] · w[k,c,r,s])</code>
/// A vector holds the samples of one pixel. Weights are broadcast from where they lie, and nothing is copied or packed. Padding is a tap that is left out.
/// The phases of a stride are output pixels one stride apart, so a transposed 4×4 filter with stride 2 becomes four 2×2 filters. A single channel fills
/// vectors as well as many do. A tile is 6 pixels of a line by 4 output channels (2 with 16 registers), which makes 24 accumulators; each step loads 6
/// vectors, broadcasts 4 weights and does 24 multiply-adds. What is left over of a line is cut into tiles of 4, 3 and 2 pixels. Pixels at the ends of
/// lines, which lack taps, share a tile with those below. Where a single pixel is left, its vectors of samples take the place of pixels. Parallel over
/// blocks, output rows and groups of channels. Memory bandwidth bounds it with up to 4 channels, compute with more.
/// </summary>
/// <remarks>SIMD Monte Carlo codes and Arm's CHWN kernels use the same layout, with samples in the lanes, for few channels.</remarks>
internal static unsafe class BatchLastProduct
{
    // A layer is cut into about 32 tasks, by its shape alone: this many groups of rows of all blocks, and this many channels for each task.
    private const int RowTasks = 32;
    private const int ChannelsPerTask = 16;

    public static void Run<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new()
        {
            Rows = TapAxis.RowsOf(shape),
            Columns = TapAxis.ColumnsOf(shape),
            Blocks = shape.Blocks, N = shape.BlockSamples,
            C = shape.C, H = shape.H, W = shape.W, K = shape.K, R = shape.R, S = shape.S, P = shape.P, Q = shape.Q,
            WeightsOfOutput = shape.C * shape.R * shape.S, WeightsOfInput = shape.R * shape.S,
            Input = x, Weights = w, Bias = b, Activation = activation, Output = y,
        };
        Run<TV>(cpu, ref arguments);
    }

    public static void Run<TV>(
        CpuContext cpu, in ConvTranspose2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new()
        {
            Rows = TapAxis.RowsOf(shape),
            Columns = TapAxis.ColumnsOf(shape),
            Blocks = shape.Blocks, N = shape.BlockSamples,
            C = shape.C, H = shape.H, W = shape.W, K = shape.K, R = shape.R, S = shape.S, P = shape.P, Q = shape.Q,
            WeightsOfOutput = shape.R * shape.S, WeightsOfInput = shape.K * shape.R * shape.S,
            Input = x, Weights = w, Bias = b, Activation = activation, Output = y,
        };
        Run<TV>(cpu, ref arguments);
    }

    /// <summary>
    /// y[k, i, ·] = Σ_c,t w[k · weightsOfOutput + c · weightsOfInput + wOffsets[t]]·x[c, i, ·], x beginning at xOffsets[t], with one vector for each c and i.
    /// This is one thread's part of a product. x and y have no gaps.
    /// </summary>
    public static void RunMatrix<TV>(
        float* x, int inputs, int pixels, int* xOffsets, float* w, int weightsOfOutput, int weightsOfInput, int* wOffsets, int taps, int outputs, float* y)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new()
        {
            N = TV.Width, C = inputs, H = 1, W = pixels, K = outputs, R = 1, S = 1, P = 1, Q = pixels,
            WeightsOfOutput = weightsOfOutput, WeightsOfInput = weightsOfInput, Input = x, Weights = w, Output = y,
        };
        Line line = new()
        {
            XOffsets = xOffsets, WOffsets = wOffsets, TapCount = taps, Pixels = pixels, Samples = TV.Width, XPitch = TV.Width, YPitch = TV.Width,
        };
        RunBlocks<TV>(arguments, line, 0, outputs, y);
    }

    private static void Run<TV>(CpuContext cpu, ref Arguments arguments)
        where TV : unmanaged, IVector<TV>
    {
        int taps = arguments.R * arguments.S;
        cpu.Workspace.Begin(0, 2 * taps);
        arguments.Taps = cpu.Workspace.OfThreads;
        arguments.RowsPerTask = Math.Min(arguments.P, (arguments.P * arguments.Blocks + RowTasks - 1) / RowTasks);
        arguments.ChannelGroups = (arguments.K + ChannelsPerTask - 1) / ChannelsPerTask;
        arguments.TasksPerBlock = (arguments.P + arguments.RowsPerTask - 1) / arguments.RowsPerTask * arguments.ChannelGroups;
        cpu.Run(arguments.Blocks * arguments.TasksPerBlock, &RunRows<TV>, ref arguments);
    }

    private static void RunRows<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        long pixels = (long)(task / arguments.TasksPerBlock) * arguments.N;
        arguments.Input += pixels * arguments.C * arguments.H * arguments.W;
        arguments.Output += pixels * arguments.K * arguments.P * arguments.Q;
        task %= arguments.TasksPerBlock;
        int first = task / arguments.ChannelGroups * arguments.RowsPerTask, end = Math.Min(arguments.P, first + arguments.RowsPerTask);
        int firstChannel = task % arguments.ChannelGroups * ChannelsPerTask, endChannel = Math.Min(arguments.K, firstChannel + ChannelsPerTask);
        Line line = new()
        {
            XOffsets = (int*)arguments.Taps.Of(worker),
            FirstChannel = firstChannel,
            EndChannel = endChannel,
        };
        line.WOffsets = line.XOffsets + arguments.R * arguments.S;
        TapAxis columns = arguments.Columns;
        for (int phase = 0; phase < columns.Phases; phase++)
        {
            columns.Interior(phase, out int left, out int right);
            int count = columns.Count(phase), seen = count;
            while (seen > right && !columns.SeesAny(phase + (seen - 1) * columns.Pitch)) seen--;
            RunLines<TV>(arguments, ref line, first, end, phase, left, right);
            RunLines<TV>(arguments, ref line, first, end, phase, seen, count);
            for (int i = 0; i < left; i++) RunColumn<TV>(arguments, ref line, first, end, phase + i * columns.Pitch);
            for (int i = right; i < seen; i++) RunColumn<TV>(arguments, ref line, first, end, phase + i * columns.Pitch);
        }

        if (arguments.Activation.Kind == ActivationKind.None) return;
        for (int k = firstChannel; k < endChannel; k++)
        {
            float* y = arguments.Output + ((long)k * arguments.P + first) * arguments.Q * arguments.N;
            Elementwise.RunLine<TV>(arguments.Activation, y, (end - first) * arguments.Q * arguments.N);
        }
    }

    // Columns of a phase that see the same taps: all of them or none.
    private static void RunLines<TV>(in Arguments arguments, ref Line line, int first, int end, int phase, int left, int right)
        where TV : unmanaged, IVector<TV>
    {
        TapAxis columns = arguments.Columns;
        int xPitch = columns.Step * arguments.N, yPitch = columns.Pitch * arguments.N;
        for (int p = first; p < end && left < right; p++)
        {
            RunPixels<TV>(arguments, ref line, p, phase + left * columns.Pitch, right - left, xPitch, yPitch);
        }
    }

    // A column at the end of the lines, which lacks taps, from the top down: so its pixels share a tile, too.
    private static void RunColumn<TV>(in Arguments arguments, ref Line line, int first, int end, int q)
        where TV : unmanaged, IVector<TV>
    {
        TapAxis rows = arguments.Rows;
        int xPitch = rows.Step * arguments.W * arguments.N, yPitch = rows.Pitch * arguments.Q * arguments.N;
        for (int phase = 0; phase < rows.Phases; phase++)
        {
            rows.Interior(phase, out int top, out int bottom);
            int last = BatchLastWinograd.PartsOf(Math.Max(0, end - phase), rows.Pitch), run;
            for (int i = BatchLastWinograd.PartsOf(Math.Max(0, first - phase), rows.Pitch); i < last; i += run)
            {
                run = i >= top && i < bottom ? Math.Min(bottom, last) - i : 1;
                RunPixels<TV>(arguments, ref line, phase + i * rows.Pitch, q, run, xPitch, yPitch);
            }
        }
    }

    // Pixels in equal steps that see the same taps.
    private static void RunPixels<TV>(in Arguments arguments, ref Line line, int p, int q, int count, int xPitch, int yPitch)
        where TV : unmanaged, IVector<TV>
    {
        int taps = 0;
        for (int r = 0; r < arguments.R; r++)
        {
            int h = arguments.Rows.InputOf(p, r);
            for (int s = 0; h >= 0 && s < arguments.S; s++)
            {
                int v = arguments.Columns.InputOf(q, s);
                if (v < 0) continue;
                line.XOffsets[taps] = checked((h * arguments.W + v) * arguments.N);
                line.WOffsets[taps++] = r * arguments.S + s;
            }
        }

        // The vectors of a single pixel follow each other, so they can take the place of pixels.
        bool isSingle = count == 1 && arguments.N % TV.Width == 0;
        line.TapCount = taps;
        line.Pixels = isSingle ? arguments.N / TV.Width : count;
        line.Samples = isSingle ? TV.Width : arguments.N;
        line.XPitch = isSingle ? TV.Width : xPitch;
        line.YPitch = isSingle ? TV.Width : yPitch;
        long pixel = ((long)p * arguments.Q + q) * arguments.N;
        RunBlocks<TV>(arguments, line, line.FirstChannel, line.EndChannel, arguments.Output + pixel);
    }

    // Blocks of output channels.
    private static void RunBlocks<TV>(in Arguments arguments, in Line line, int k, int end, float* y)
        where TV : unmanaged, IVector<TV>
    {
        long plane = (long)arguments.P * arguments.Q * arguments.N;
        if (TV.HasManyRegisters)
        {
            for (; k <= end - 4; k += 4) RunChannels<TV, Four>(arguments, line, k, y + k * plane);
        }

        for (; k <= end - 2; k += 2) RunChannels<TV, Two>(arguments, line, k, y + k * plane);
        for (; k < end; k++) RunChannels<TV, One>(arguments, line, k, y + k * plane);
    }

    private static void RunChannels<TV, TChannels>(in Arguments arguments, in Line line, int k, float* y)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        for (int i = 0; i < line.Pixels;)
        {
            // What is left over of tiles of six is cut so that no tile has a single pixel, whose few accumulators would wait for each other.
            i = (line.Pixels - i) switch
            {
                1 => RunPixels<TV, TChannels, One>(arguments, line, k, i, y),
                2 => RunPixels<TV, TChannels, Two>(arguments, line, k, i, y),
                3 or 5 => RunPixels<TV, TChannels, Three>(arguments, line, k, i, y),
                4 or 7 => RunPixels<TV, TChannels, Four>(arguments, line, k, i, y),
                _ => RunPixels<TV, TChannels, Six>(arguments, line, k, i, y),
            };
        }
    }

    private static int RunPixels<TV, TChannels, TPixels>(in Arguments arguments, in Line line, int k, int i, float* y)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
        where TPixels : IExtent
    {
        for (int n = 0; n < line.Samples; n += TV.Width) RunTile<TV, TChannels, TPixels>(arguments, line, k, i, n, y);
        return i + TPixels.Count;
    }

    // Not inlined, so that each form keeps its accumulators in registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunTile<TV, TChannels, TPixels>(in Arguments arguments, in Line line, int k, int i, int n, float* y)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
        where TPixels : IExtent
    {
        TV a0 = TV.Zero, a1 = TV.Zero, a2 = TV.Zero, a3 = TV.Zero, a4 = TV.Zero, a5 = TV.Zero;
        TV b0 = TV.Zero, b1 = TV.Zero, b2 = TV.Zero, b3 = TV.Zero, b4 = TV.Zero, b5 = TV.Zero;
        TV c0 = TV.Zero, c1 = TV.Zero, c2 = TV.Zero, c3 = TV.Zero, c4 = TV.Zero, c5 = TV.Zero;
        TV d0 = TV.Zero, d1 = TV.Zero, d2 = TV.Zero, d3 = TV.Zero, d4 = TV.Zero, d5 = TV.Zero;
        long pitch = line.XPitch, next = arguments.WeightsOfOutput, plane = (long)arguments.H * arguments.W * arguments.N;
        float* x = arguments.Input + i * pitch + n;
        float* w = arguments.Weights + k * next;
        int* xOffsets = line.XOffsets;
        int* wOffsets = line.WOffsets;
        int taps = line.TapCount, weightsOfInput = arguments.WeightsOfInput;
        for (int c = arguments.C; c > 0; c--, x += plane, w += weightsOfInput)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                float* at = x + xOffsets[tap];
                float* weights = w + wOffsets[tap];
                TV wa = TV.Broadcast(weights[0]);
                TV wb = TChannels.Count > 1 ? TV.Broadcast(weights[next]) : wa;
                TV wc = TChannels.Count > 2 ? TV.Broadcast(weights[2 * next]) : wa;
                TV wd = TChannels.Count > 3 ? TV.Broadcast(weights[3 * next]) : wa;
                Step<TV, TChannels>(at, wa, wb, wc, wd, ref a0, ref b0, ref c0, ref d0);
                if (TPixels.Count == 1) continue;
                Step<TV, TChannels>(at + pitch, wa, wb, wc, wd, ref a1, ref b1, ref c1, ref d1);
                if (TPixels.Count == 2) continue;
                Step<TV, TChannels>(at + 2 * pitch, wa, wb, wc, wd, ref a2, ref b2, ref c2, ref d2);
                if (TPixels.Count == 3) continue;
                at += 3 * pitch;
                Step<TV, TChannels>(at, wa, wb, wc, wd, ref a3, ref b3, ref c3, ref d3);
                if (TPixels.Count == 4) continue;
                Step<TV, TChannels>(at + pitch, wa, wb, wc, wd, ref a4, ref b4, ref c4, ref d4);
                Step<TV, TChannels>(at + 2 * pitch, wa, wb, wc, wd, ref a5, ref b5, ref c5, ref d5);
            }
        }

        float* bias = arguments.Bias is null ? null : arguments.Bias + k;
        int lanes = arguments.N - n;
        long yPlane = (long)arguments.P * arguments.Q * arguments.N;
        y += (long)i * line.YPitch + n;
        Store<TV, TPixels>(y, line.YPitch, lanes, bias, 0, a0, a1, a2, a3, a4, a5);
        if (TChannels.Count > 1) Store<TV, TPixels>(y + yPlane, line.YPitch, lanes, bias, 1, b0, b1, b2, b3, b4, b5);
        if (TChannels.Count > 2) Store<TV, TPixels>(y + 2 * yPlane, line.YPitch, lanes, bias, 2, c0, c1, c2, c3, c4, c5);
        if (TChannels.Count > 3) Store<TV, TPixels>(y + 3 * yPlane, line.YPitch, lanes, bias, 3, d0, d1, d2, d3, d4, d5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TV, TChannels>(float* x, TV wa, TV wb, TV wc, TV wd, ref TV a, ref TV b, ref TV c, ref TV d)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        TV value = TV.Load(x);
        TV.Fma(ref a, value, wa);
        if (TChannels.Count > 1) TV.Fma(ref b, value, wb);
        if (TChannels.Count > 2) TV.Fma(ref c, value, wc);
        if (TChannels.Count > 3) TV.Fma(ref d, value, wd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TV, TPixels>(float* y, long pitch, int lanes, float* bias, int k, TV v0, TV v1, TV v2, TV v3, TV v4, TV v5)
        where TV : unmanaged, IVector<TV>
        where TPixels : IExtent
    {
        TV b = TV.Broadcast(bias is null ? 0 : bias[k]);
        Store(v0 + b, y, lanes);
        if (TPixels.Count == 1) return;
        Store(v1 + b, y + pitch, lanes);
        if (TPixels.Count == 2) return;
        Store(v2 + b, y + 2 * pitch, lanes);
        if (TPixels.Count == 3) return;
        Store(v3 + b, y + 3 * pitch, lanes);
        if (TPixels.Count == 4) return;
        Store(v4 + b, y + 4 * pitch, lanes);
        Store(v5 + b, y + 5 * pitch, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TV>(TV value, float* y, int lanes)
        where TV : unmanaged, IVector<TV>
    {
        if (lanes >= TV.Width) TV.Store(value, y);
        else TV.StoreFirst(value, y, lanes);
    }

    private struct Arguments
    {
        public TapAxis Rows;
        public TapAxis Columns;
        public int Blocks;

        // Of a block.
        public int N;
        public int C;
        public int H;
        public int W;
        public int K;
        public int R;
        public int S;
        public int P;
        public int Q;
        public int WeightsOfOutput;
        public int WeightsOfInput;
        public float* Input;
        public float* Weights;
        public float* Bias;
        public Activation Activation;
        public float* Output;
        public ThreadScratch Taps;
        public int RowsPerTask;
        public int ChannelGroups;
        public int TasksPerBlock;
    }

    // What the tiles of a run of pixels share: the taps' places in a channel of the input and of the filters, and the floats from pixel to pixel.
    private struct Line
    {
        public int* XOffsets;
        public int* WOffsets;
        public int TapCount;
        public int Pixels;

        // Of a pixel, in steps of a vector.
        public int Samples;
        public int XPitch;
        public int YPitch;
        public int FirstChannel;
        public int EndChannel;
    }
}
