using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form of the gradients follows argmax. Only one of the sums in each window has a gradient, so with 3×3 pooling a ninth of the convolution's
/// arithmetic remains. Each output (n, k, p, q) has a patch of R×S pixels of x, and argmax says where its corner is.
/// <code>dx: patch(n, k, p, q) += dy[n,k,p,q] · w[k]     dw: dw[k] += dy[n,k,p,q] · patch(n, k, p, q)</code>
/// The lanes are input channels. A block of channels, one for each lane, is copied to (or from) N H W C order with the padding around it, one band of rows at a
/// time, which stays in the first-level cache. If x lies N H W C itself, its pixels are read and written whole: a task goes through all blocks of a band. For
/// dx, the output channels of each window are sorted by where their maximum lies. Those that share a patch add to its nine pixels in registers, so that few
/// sums are stored. dx is parallel over samples and blocks of channels; rows that the next band also reaches are carried over. For dw, the nine vectors of one
/// output channel's 3×3 filter stay in registers while all patches of the band are processed. It is parallel over pieces of the batch (at most <see
/// cref="MaxPieces"/>, fixed by the shape) and blocks; the pieces' sums are then added in order. Filters of other sizes take one tap at a time. Loads bound
/// both: one for each multiply-add.
/// </content>
internal static unsafe partial class ConvMaxPool2d
{
    // The filter gradient keeps at most this many separate sums. Together with the blocks, that is enough for many threads.
    private const int MaxPieces = 16;

    // Floats that the sums of all pieces may take together, 64 MB. A single piece may take more.
    private const int MaxSumsLength = 16 * 1024 * 1024;

    // Floats in a band of pixels, 32 KB: the band and the places and gradients of its patches should fit into a first-level cache.
    private const int BandLength = 8 * 1024;

    /// <summary>The gradient with respect to the input. Overwrites dx.</summary>
    public static void BackwardData<TV>(CpuContext cpu, in ConvMaxPool2dShape shape, float* argmax, float* dy, float* w, float* dx)
        where TV : unmanaged, IVector<TV>
    {
        Patches patches = PatchesOf<TV>(shape);
        long filters = (long)patches.Blocks * shape.Conv.K * patches.Taps * TV.Width;
        int cells = shape.Pool.P * shape.Pool.Q;
        long terms = (long)shape.Pool.N * cells * shape.Conv.K, ends = (long)shape.Pool.N * cells * shape.Pool.R * shape.Pool.S;
        Begin(cpu, ref patches, argmax, dy, Workspace.Aligned(2 * terms) + Workspace.Aligned(ends) + Workspace.Aligned(filters));
        patches.Terms = (Term*)cpu.Workspace.Take(2 * terms);
        patches.Ends = (int*)cpu.Workspace.Take(ends);
        patches.Filters = cpu.Workspace.Take(filters);
        patches.W = w;
        patches.X = dx;
        cpu.Run(shape.Conv.K, &PackFilter<TV>, ref patches);
        cpu.Run(shape.Pool.N * shape.Pool.P, &SortRow<TV>, ref patches);
        cpu.Run(shape.Conv.N * patches.Blocks / patches.Together, &AddPatches<TV>, ref patches);
    }

    /// <summary>The gradient with respect to the filters, and with respect to the bias unless <paramref name="db"/> is null. Overwrites both.</summary>
    public static void BackwardFilter<TV>(CpuContext cpu, in ConvMaxPool2dShape shape, float* x, float* argmax, float* dy, float* dw, float* db)
        where TV : unmanaged, IVector<TV>
    {
        if (db is not null) Reduction.Channels<TV>(cpu, shape.Conv.Layout, shape.Pool.N, shape.Pool.C, shape.Pool.P * shape.Pool.Q, dy, db);

        Patches patches = PatchesOf<TV>(shape);
        long sums = (long)patches.Blocks * shape.Conv.K * patches.Taps * TV.Width;
        patches.Pieces = (int)Math.Clamp(MaxSumsLength / sums, 1, Math.Min(shape.Conv.N, MaxPieces));
        if (patches.Pieces < MaxPieces) patches.Together = 1;
        Begin(cpu, ref patches, argmax, dy, Workspace.Aligned(2L * shape.YLength) + Workspace.Aligned(patches.Pieces * sums));
        patches.Terms = (Term*)cpu.Workspace.Take(2L * shape.YLength);
        patches.Filters = cpu.Workspace.Take(patches.Pieces * sums);
        patches.W = dw;
        patches.X = x;
        cpu.Run(shape.Pool.N * shape.Pool.P, &FindPatchesOfRow, ref patches);
        cpu.Run(patches.Pieces * patches.Blocks / patches.Together, &SumPatches<TV>, ref patches);
        cpu.Run(shape.Conv.K, &MergePieces<TV>, ref patches);
    }

    private static Patches PatchesOf<TV>(in ConvMaxPool2dShape shape)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape conv = shape.Conv;
        MaxPool2dShape pool = shape.Pool;
        int columns = (conv.Q - 1) * conv.StrideW + (conv.S - 1) * conv.DilationW + 1;
        long rowsOfOne = (pool.R - 1L) * pool.DilationH * conv.StrideH + (conv.R - 1L) * conv.DilationH + 1;
        long rowsPerRow = (long)pool.StrideH * conv.StrideH;
        int bandRows = (int)Math.Clamp((BandLength / ((long)columns * TV.Width) - rowsOfOne) / rowsPerRow + 1, 1, pool.P);
        int imageRows = (int)((bandRows - 1) * rowsPerRow + rowsOfOne);
        int blocks = (conv.C + TV.Width - 1) / TV.Width;
        return new Patches
        {
            Shape = shape,
            Outputs = shape.YStrides,
            Blocks = blocks,

            // Small batches, and the filter gradient in few pieces, have too few tasks for that.
            Together = conv.Layout == BatchLayout.ChannelsLast && conv.N >= MaxPieces ? blocks : 1,
            Taps = conv.R * conv.S,
            BandRows = bandRows,
            Bands = (pool.P + bandRows - 1) / bandRows,
            Rows = imageRows,
            Columns = columns,
            Pixel = TV.Width,
            Line = checked(columns * TV.Width),
            ImageLength = checked((int)((long)imageRows * columns * TV.Width)),
        };
    }

    // Finds where the places of a window and the taps of a patch lie in an image. Room for `more` floats is left.
    private static void Begin(CpuContext cpu, ref Patches patches, float* argmax, float* dy, long more)
    {
        Conv2dShape conv = patches.Shape.Conv;
        MaxPool2dShape pool = patches.Shape.Pool;
        int window = pool.R * pool.S;
        cpu.Workspace.Begin(Workspace.Aligned(window) + Workspace.Aligned(patches.Taps) + more, (long)patches.Together * patches.ImageLength);
        patches.Window = (int*)cpu.Workspace.Take(window);
        patches.TapOffsets = (int*)cpu.Workspace.Take(patches.Taps);
        patches.Images = cpu.Workspace.OfThreads;
        patches.Argmax = argmax;
        patches.Dy = dy;
        for (int i = 0; i < window; i++)
        {
            patches.Window[i] = i / pool.S * pool.DilationH * conv.StrideH * patches.Line + i % pool.S * pool.DilationW * conv.StrideW * patches.Pixel;
        }

        for (int tap = 0; tap < patches.Taps; tap++)
        {
            patches.TapOffsets[tap] = tap / conv.S * conv.DilationH * patches.Line + tap % conv.S * conv.DilationW * patches.Pixel;
        }
    }

    // Where each output's patch begins in the image of its band, and its gradient, channel by channel of each band. One task is one row of the windows of a
    // sample.
    private static void FindPatchesOfRow(ref Patches patches, int task, int worker)
    {
        MaxPool2dShape pool = patches.Shape.Pool;
        int n = task / pool.P, p = task % pool.P, pitch = patches.Outputs.Pixel;
        int* window = patches.Window;
        int rowStep = pool.StrideH * patches.Shape.Conv.StrideH * patches.Line, step = pool.StrideW * patches.Shape.Conv.StrideW * patches.Pixel;
        for (int k = 0; k < pool.C; k++)
        {
            int outputs = patches.Outputs.At(n, k, p * pool.Q), first = p % patches.BandRows * rowStep;
            float* argmax = patches.Argmax + outputs, dy = patches.Dy + outputs;
            Term* terms = patches.TermsOf(n, k, p / patches.BandRows) + p % patches.BandRows * pool.Q;
            for (int q = 0; q < pool.Q; q++, first += step) terms[q] = new Term(first + window[(int)argmax[q * pitch]], dy[q * pitch]);
        }
    }

    // One task is one row of the windows of a sample. The terms of each window are sorted by where its maximum lies, and ends are where those of a place end.
    private static void SortRow<TV>(ref Patches patches, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        MaxPool2dShape pool = patches.Shape.Pool;
        int channels = pool.C, window = pool.R * pool.S, filter = patches.Taps * TV.Width, pitch = patches.Outputs.Pixel;
        int outputs = patches.Outputs.At(task / pool.P, 0, task % pool.P * pool.Q);
        Term* terms = patches.Terms + (long)task * pool.Q * channels;
        int* ends = patches.Ends + (long)task * pool.Q * window;
        new Span<int>(ends, pool.Q * window).Clear();
        for (int k = 0; k < channels; k++)
        {
            float* argmax = patches.Argmax + outputs + k * patches.Outputs.Channel;
            for (int q = 0; q < pool.Q; q++) ends[q * window + (int)argmax[q * pitch]]++;
        }

        for (int q = 0; q < pool.Q; q++)
        for (int i = 0, sum = 0; i < window; i++)
        {
            int count = ends[q * window + i];
            ends[q * window + i] = sum;
            sum += count;
        }

        // What was the beginning of a place moves on to its end.
        for (int k = 0; k < channels; k++)
        {
            int first = outputs + k * patches.Outputs.Channel;
            float* argmax = patches.Argmax + first, dy = patches.Dy + first;
            for (int q = 0; q < pool.Q; q++)
            {
                terms[q * channels + ends[q * window + (int)argmax[q * pitch]]++] = new Term(k * filter, dy[q * pitch]);
            }
        }
    }

    // One task is one output channel. The order is block, output channel, tap, channel within the block; channels past the end are zero.
    private static void PackFilter<TV>(ref Patches patches, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int channels = patches.Shape.Conv.C, taps = patches.Taps;
        for (int c = 0; c < patches.Blocks * TV.Width; c++)
        {
            float* filter = patches.FilterOf<TV>(c / TV.Width, task) + c % TV.Width, w = patches.W + ((long)task * channels + c) * taps;
            for (int tap = 0; tap < taps; tap++) filter[tap * TV.Width] = c < channels ? w[tap] : 0;
        }
    }

    // One task is one (sample, block of channels), or all blocks together.
    private static void AddPatches<TV>(ref Patches patches, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape conv = patches.Shape.Conv;
        int first = task * patches.Together, n = first / patches.Blocks, top = 0;
        float* images = patches.Images.Of(worker);
        new Span<float>(images, patches.Together * patches.ImageLength).Clear();
        for (int band = 0; band < patches.Bands; band++)
        {

            // No later band reaches the rows above its own first row, so these are finished. The other rows are carried over.
            int end = band == patches.Bands - 1
                ? conv.H + conv.PadH
                : (band + 1) * patches.BandRows * patches.Shape.Pool.StrideH * conv.StrideH;
            int done = Math.Min(end - top, patches.Rows) * patches.Line, rest = patches.ImageLength - done;
            for (int i = 0; i < patches.Together; i++)
            {
                int block = first % patches.Blocks + i;
                float* image = images + (long)i * patches.ImageLength;
                AddBand<TV>(patches, image, n, band, patches.FilterOf<TV>(block, 0));
                WriteRows<TV>(patches, image, n, block, top, end);
                new Span<float>(image + done, rest).CopyTo(new Span<float>(image, rest));
                new Span<float>(image + rest, done).Clear();
            }

            top = end;
        }
    }

    // Rows of the padded input from top to end − 1. The first is the first row of the image.
    private static void WriteRows<TV>(in Patches patches, float* image, int n, int block, int top, int end)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape conv = patches.Shape.Conv;
        int firstChannel = block * TV.Width, channels = Math.Min(TV.Width, conv.C - firstChannel);
        int covered = Math.Clamp(patches.Columns - conv.PadW, 0, conv.W);
        for (int h = Math.Max(0, top - conv.PadH); h < Math.Min(conv.H, end - conv.PadH); h++)
        {
            int row = h + conv.PadH - top, width = row < patches.Rows ? covered : 0;
            float* line = image + (long)row * patches.Line + conv.PadW * TV.Width;
            if (conv.Layout == BatchLayout.ChannelsLast)
            {
                float* pixel = patches.X + (((long)n * conv.H + h) * conv.W) * conv.C + firstChannel;
                for (int v = 0; v < conv.W; v++, line += TV.Width, pixel += conv.C)
                {
                    TV sum = v < width ? TV.Load(line) : TV.Zero;
                    if (channels == TV.Width) TV.Store(sum, pixel);
                    else TV.StoreFirst(sum, pixel, channels);
                }

                continue;
            }

            long plane = (long)conv.H * conv.W;
            float* dx = patches.X + ((long)n * conv.C + firstChannel) * plane + (long)h * conv.W;
            Transposition.Run(line, TV.Width, width, channels, dx, plane);
            for (int c = 0; c < channels; c++) new Span<float>(dx + c * plane + width, conv.W - width).Clear();
        }
    }

    // One task is one (piece of the batch, block of channels), or all blocks together.
    private static void SumPatches<TV>(ref Patches patches, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape conv = patches.Shape.Conv;
        int first = task * patches.Together, piece = first / patches.Blocks;
        int firstSample = (int)((long)conv.N * piece / patches.Pieces), endSample = (int)((long)conv.N * (piece + 1) / patches.Pieces);
        float* images = patches.Images.Of(worker);
        new Span<float>(images, patches.Together * patches.ImageLength).Clear();
        new Span<float>(patches.FilterOf<TV>(first, 0), patches.Together * conv.K * patches.Taps * TV.Width).Clear();
        int step = patches.BandRows * patches.Shape.Pool.StrideH * conv.StrideH, shared = Math.Max(0, patches.Rows - step);
        for (int n = firstSample; n < endSample; n++)
        for (int band = 0; band < patches.Bands; band++)
        for (int i = 0; i < patches.Together; i++)
        {
            float* image = images + (long)i * patches.ImageLength;

            // The rows that this band shares with the band before are already there.
            int known = band > 0 ? shared : 0;
            new Span<float>(image + (long)(patches.Rows - known) * patches.Line, known * patches.Line).CopyTo(new Span<float>(image, known * patches.Line));
            ReadRows<TV>(patches, image, n, first % patches.Blocks + i, band * step - conv.PadH, known);
            for (int k = 0; k < conv.K; k++)
            {
                SumOfPatches<TV>(patches, image, patches.TermsOf(n, k, band), patches.CountOf(band), patches.FilterOf<TV>(first + i, k));
            }
        }
    }

    // Fills the image of a band, starting at a given row; the first row of the band is row `top` of x. Lanes past the last channel stay zero.
    private static void ReadRows<TV>(in Patches patches, float* image, int n, int block, int top, int first)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape conv = patches.Shape.Conv;
        int firstChannel = block * TV.Width, channels = Math.Min(TV.Width, conv.C - firstChannel);
        int left = Math.Min(conv.PadW, patches.Columns), covered = Math.Clamp(patches.Columns - left, 0, conv.W);
        long plane = (long)conv.H * conv.W;
        bool channelsLast = conv.Layout == BatchLayout.ChannelsLast;
        float* x = patches.X + (long)n * conv.C * plane + (channelsLast ? firstChannel : firstChannel * plane);
        for (int row = first; row < patches.Rows; row++)
        {
            int h = top + row;
            float* line = image + (long)row * patches.Line;
            int width = h >= 0 && h < conv.H ? covered : 0, start = width > 0 ? left * TV.Width : 0, end = start + width * TV.Width;
            new Span<float>(line, start).Clear();
            new Span<float>(line + end, patches.Line - end).Clear();
            if (!channelsLast)
            {
                Transposition.Run(x + (long)h * conv.W, plane, channels, width, line + start, TV.Width);
                continue;
            }

            float* pixel = x + (long)h * conv.W * conv.C, to = line + start;
            for (int v = 0; v < width; v++, pixel += conv.C, to += TV.Width)
            {
                TV.Store(channels == TV.Width ? TV.Load(pixel) : TV.LoadFirst(pixel, channels), to);
            }
        }
    }

    // One task is one output channel. It adds the channel's sums over the pieces and writes each to the place of its filter tap.
    private static void MergePieces<TV>(ref Patches patches, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int channels = patches.Shape.Conv.C, taps = patches.Taps;
        for (int block = 0; block < patches.Blocks; block++)
        {
            float* sums = patches.FilterOf<TV>(block, task);
            for (int tap = 0; tap < taps; tap++)
            {
                TV sum = TV.Load(sums + tap * TV.Width);
                for (int piece = 1; piece < patches.Pieces; piece++)
                {
                    sum += TV.Load(patches.FilterOf<TV>(piece * patches.Blocks + block, task) + tap * TV.Width);
                }

                TV.Store(sum, sums + tap * TV.Width);
            }

            int first = block * TV.Width, count = Math.Min(TV.Width, channels - first);
            Transposition.Run(sums, TV.Width, taps, count, patches.W + ((long)task * channels + first) * taps, taps);
        }
    }

    // patch += Σ_k dy[k] · filter[k] for every place of every window of a band, k being the channels whose maximum lies there.
    private static void AddBand<TV>(in Patches patches, float* image, int n, int band, float* filters)
        where TV : unmanaged, IVector<TV>
    {
        MaxPool2dShape pool = patches.Shape.Pool;
        int window = pool.R * pool.S, channels = pool.C, first = band * patches.BandRows;
        int rowStep = pool.StrideH * patches.Shape.Conv.StrideH * patches.Line, step = pool.StrideW * patches.Shape.Conv.StrideW * patches.Pixel;
        long cell = ((long)n * pool.P + first) * pool.Q;
        Term* terms = patches.Terms + cell * channels;
        int* ends = patches.Ends + cell * window;
        int rows = Math.Min(patches.BandRows, pool.P - first);
        for (int p = 0; p < rows; p++)
        for (int q = 0; q < pool.Q; q++, terms += channels, ends += window)
        {
            float* corner = image + p * rowStep + q * step;
            for (int place = 0, start = 0; place < window; place++)
            {
                int end = ends[place];
                if (start == end) continue;
                if (patches.IsNine) AddToNine<TV>(patches, corner + patches.Window[place], terms + start, end - start, filters);
                else AddToPatch<TV>(patches, corner + patches.Window[place], terms + start, end - start, filters);
                start = end;
            }
        }
    }

    private static void AddToPatch<TV>(in Patches patches, float* patch, Term* terms, int count, float* filters)
        where TV : unmanaged, IVector<TV>
    {
        for (int tap = 0; tap < patches.Taps; tap++)
        {
            float* place = patch + patches.TapOffsets[tap], weights = filters + tap * TV.Width;
            TV sum = TV.Load(place);
            for (int i = 0; i < count; i++) TV.Fma(ref sum, TV.Broadcast(terms[i].Dy), TV.Load(weights + terms[i].Place));
            TV.Store(sum, place);
        }
    }

    private static void AddToNine<TV>(in Patches patches, float* patch, Term* terms, int count, float* filters)
        where TV : unmanaged, IVector<TV>
    {
        long step = patches.TapOffsets[1];
        float* middle = patch + patches.TapOffsets[3], bottom = patch + patches.TapOffsets[6];
        TV s0 = TV.Load(patch), s1 = TV.Load(patch + step), s2 = TV.Load(patch + 2 * step);
        TV s3 = TV.Load(middle), s4 = TV.Load(middle + step), s5 = TV.Load(middle + 2 * step);
        TV s6 = TV.Load(bottom), s7 = TV.Load(bottom + step), s8 = TV.Load(bottom + 2 * step);
        for (int i = 0; i < count; i++)
        {
            TV gradient = TV.Broadcast(terms[i].Dy);
            float* filter = filters + terms[i].Place;
            TV.Fma(ref s0, gradient, TV.Load(filter));
            TV.Fma(ref s1, gradient, TV.Load(filter + TV.Width));
            TV.Fma(ref s2, gradient, TV.Load(filter + 2 * TV.Width));
            TV.Fma(ref s3, gradient, TV.Load(filter + 3 * TV.Width));
            TV.Fma(ref s4, gradient, TV.Load(filter + 4 * TV.Width));
            TV.Fma(ref s5, gradient, TV.Load(filter + 5 * TV.Width));
            TV.Fma(ref s6, gradient, TV.Load(filter + 6 * TV.Width));
            TV.Fma(ref s7, gradient, TV.Load(filter + 7 * TV.Width));
            TV.Fma(ref s8, gradient, TV.Load(filter + 8 * TV.Width));
        }

        TV.Store(s0, patch);
        TV.Store(s1, patch + step);
        TV.Store(s2, patch + 2 * step);
        TV.Store(s3, middle);
        TV.Store(s4, middle + step);
        TV.Store(s5, middle + 2 * step);
        TV.Store(s6, bottom);
        TV.Store(s7, bottom + step);
        TV.Store(s8, bottom + 2 * step);
    }

    // filter += dy · patch for every patch.
    private static void SumOfPatches<TV>(in Patches patches, float* image, Term* terms, int count, float* filter)
        where TV : unmanaged, IVector<TV>
    {
        if (!patches.IsNine)
        {
            for (int tap = 0; tap < patches.Taps; tap++)
            {
                TV sum = TV.Load(filter + tap * TV.Width);
                float* moved = image + patches.TapOffsets[tap];
                for (int i = 0; i < count; i++) TV.Fma(ref sum, TV.Load(moved + terms[i].Place), TV.Broadcast(terms[i].Dy));
                TV.Store(sum, filter + tap * TV.Width);
            }

            return;
        }

        TV s0 = TV.Load(filter), s1 = TV.Load(filter + TV.Width), s2 = TV.Load(filter + 2 * TV.Width);
        TV s3 = TV.Load(filter + 3 * TV.Width), s4 = TV.Load(filter + 4 * TV.Width), s5 = TV.Load(filter + 5 * TV.Width);
        TV s6 = TV.Load(filter + 6 * TV.Width), s7 = TV.Load(filter + 7 * TV.Width), s8 = TV.Load(filter + 8 * TV.Width);
        long step = patches.TapOffsets[1], rowStep = patches.TapOffsets[3];
        for (int i = 0; i < count; i++)
        {
            TV gradient = TV.Broadcast(terms[i].Dy);
            float* top = image + terms[i].Place, middle = top + rowStep, bottom = middle + rowStep;
            TV.Fma(ref s0, gradient, TV.Load(top));
            TV.Fma(ref s1, gradient, TV.Load(top + step));
            TV.Fma(ref s2, gradient, TV.Load(top + 2 * step));
            TV.Fma(ref s3, gradient, TV.Load(middle));
            TV.Fma(ref s4, gradient, TV.Load(middle + step));
            TV.Fma(ref s5, gradient, TV.Load(middle + 2 * step));
            TV.Fma(ref s6, gradient, TV.Load(bottom));
            TV.Fma(ref s7, gradient, TV.Load(bottom + step));
            TV.Fma(ref s8, gradient, TV.Load(bottom + 2 * step));
        }

        TV.Store(s0, filter);
        TV.Store(s1, filter + TV.Width);
        TV.Store(s2, filter + 2 * TV.Width);
        TV.Store(s3, filter + 3 * TV.Width);
        TV.Store(s4, filter + 4 * TV.Width);
        TV.Store(s5, filter + 5 * TV.Width);
        TV.Store(s6, filter + 6 * TV.Width);
        TV.Store(s7, filter + 7 * TV.Width);
        TV.Store(s8, filter + 8 * TV.Width);
    }

    // An output's gradient, and the offset in floats of what it is multiplied with: a filter for dx, a patch for dw.
    private readonly record struct Term(int Place, float Dy);

    private struct Patches
    {
        public ConvMaxPool2dShape Shape;
        public float* X;
        public float* W;
        public float* Argmax;
        public float* Dy;

        // Where the elements of argmax and dy lie.
        public MapStrides Outputs;

        // Blocks of channels, and how many of them a task goes through together; taps of a filter; pieces of the batch.
        public int Blocks;
        public int Together;
        public int Taps;
        public int Pieces;

        // The rows of outputs that share an image, and the number of images.
        public int BandRows;
        public int Bands;

        // The image: its rows and columns, and the floats of a pixel, of a line, and of the whole.
        public int Rows;
        public int Columns;
        public int Pixel;
        public int Line;
        public int ImageLength;
        public ThreadScratch Images;

        // The terms of all outputs. Offsets in floats: within a pooling window, and within a patch.
        public Term* Terms;
        public int* Ends;
        public int* Window;
        public int* TapOffsets;
        public float* Filters;

        public readonly bool IsNine => Shape.Conv is { R: 3, S: 3 };

        public readonly float* FilterOf<TV>(int block, int k)
            where TV : unmanaged, IVector<TV> => Filters + ((long)block * Shape.Conv.K + k) * Taps * TV.Width;

        public readonly Term* TermsOf(int n, int k, int band) =>
            Terms + ((long)n * Shape.Pool.P + band * BandRows) * Shape.Pool.Q * Shape.Pool.C + (long)k * CountOf(band);

        // The outputs of one channel in a band.
        public readonly int CountOf(int band) => Math.Min(BandRows, Shape.Pool.P - band * BandRows) * Shape.Pool.Q;
    }
}
