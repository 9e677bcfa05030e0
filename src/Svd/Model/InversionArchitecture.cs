using Engine.Kernels;
using Engine.Nn;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>A step of an inversion network: a linear map, then batch normalisation or a bias, then ELU.</summary>
/// <param name="Channels">Channels or features of the result.</param>
/// <param name="IsNormalized">Whether there is a normalisation.</param>
public abstract record InversionStep(int Channels, bool IsNormalized)
{
    /// <summary>What the layer with this number is called.</summary>
    internal abstract string NameOf(int number);

    /// <summary>Rows and columns of the result.</summary>
    internal virtual (int Rows, int Columns) SizeOf((int Rows, int Columns) input) => input;

    /// <summary>The first so many elements along an axis of the result depend on so many of the input.</summary>
    internal virtual int NeededFor(int output) => output;
}

/// <summary>A dense layer.</summary>
public sealed record DenseStep(int Units) : InversionStep(Units, IsNormalized: true)
{
    /// <inheritdoc/>
    internal override string NameOf(int number) => $"fc{number}";
}

/// <summary>A dense layer's result as maps; nothing is computed.</summary>
public sealed record MapsStep(int Channels, int Rows, int Columns) : InversionStep(Channels, IsNormalized: false)
{
    /// <inheritdoc/>
    internal override string NameOf(int number) => "reshape";

    /// <inheritdoc/>
    internal override (int Rows, int Columns) SizeOf((int Rows, int Columns) input) => (Rows, Columns);
}

/// <summary>A convolution 3×3 with padding 1.</summary>
public sealed record ConvStep(int Channels, bool IsNormalized = true) : InversionStep(Channels, IsNormalized)
{
    /// <inheritdoc/>
    internal override string NameOf(int number) => $"conv{number}";

    /// <inheritdoc/>
    internal override int NeededFor(int output) => output + 1;
}

/// <summary>A transposed convolution. The default, 4×4 with stride 2 and padding 1, doubles both axes.</summary>
public sealed record UConvStep(int Channels, bool IsNormalized = true, int Kernel = 4, int Stride = 2, int Padding = 1)
    : InversionStep(Channels, IsNormalized)
{
    /// <inheritdoc/>
    internal override string NameOf(int number) => $"uconv{number}";

    /// <inheritdoc/>
    internal override (int Rows, int Columns) SizeOf((int Rows, int Columns) input) => (LengthOf(input.Rows), LengthOf(input.Columns));

    /// <inheritdoc/>
    internal override int NeededFor(int output) => (output - 1 + Padding) / Stride + 1;

    private int LengthOf(int input) => (input - 1) * Stride + Kernel - 2 * Padding;
}

/// <summary>
/// An inversion network as a description: the layer whose output it takes in, its steps, and the margin with which the last map is put into 115×80.
/// </summary>
public sealed class InversionArchitecture
{
    private const string PublishedName = "published", MatchedName = "matched";

    private static readonly InversionStep[] PublishedDecoder =
        [new MapsStep(16, 4, 4), .. Pairs(64, 32, 16, 8), new UConvStep(1, IsNormalized: false)];

    // The way back from mp3: pooling 3×3, then two convolutions 3×3 that see 7×7.
    private static readonly InversionStep[] MatchedDecoder = [new UConvStep(16, Kernel: 9, Stride: 3, Padding: 0), new ConvStep(16), new ConvStep(1)];

    private InversionArchitecture(string name, SvdNetLayer layer, int margin, IReadOnlyList<InversionStep> steps) =>
        (Name, Layer, Margin, Steps) = (name, layer, margin, steps);

    /// <summary>The paper's Table I: 31 887 parameters. The final Conv from one channel to one follows from that number.</summary>
    public static InversionArchitecture Paper { get; } = new(
        "paper", SvdNetLayer.Fc8, 0,
        [
            new DenseStep(64), new DenseStep(256), new MapsStep(16, 4, 4), .. Pairs(16, 8, 4, 2), new UConvStep(1, IsNormalized: false),
            new ConvStep(1, IsNormalized: false),
        ]);

    /// <summary>The published code and weights for fc8: 131 201 parameters.</summary>
    public static InversionArchitecture Published { get; } =
        new(PublishedName, SvdNetLayer.Fc8, 0, [new DenseStep(64), new DenseStep(256), .. PublishedDecoder]);

    /// <summary>
    /// Every network; the arrays of any two differ in number or shape. First that of the paper (EUSIPCO 2018), then the eight published ones (Mishra, Sturm
    /// and Dixon, "Understanding a deep machine listening model through feature inversion", ISMIR 2018), then those of a design of our own, matched. The
    /// published ones enlarge by 4 or 16 what SVDNet's pooling made smaller by 3 or 9, so that rows and columns drift apart, and leave the border of conv1's
    /// and conv2's zero. The matched ones go back through SVDNet's stages: 3×3 without padding for a convolution, stride 3 for a pooling.
    /// </summary>
    public static IReadOnlyList<InversionArchitecture> All { get; } =
    [
        Paper,
        Published,
        new(PublishedName, SvdNetLayer.Fc7, 0, [new DenseStep(256), .. PublishedDecoder]),
        new(PublishedName, SvdNetLayer.Pool6, 0, [new ConvStep(64), new UConvStep(32), new UConvStep(16), new UConvStep(8), new UConvStep(1)]),
        new(PublishedName, SvdNetLayer.Conv5, 0, [.. Convs(3, 64), new UConvStep(32), new UConvStep(1)]),
        new(PublishedName, SvdNetLayer.Conv4, 0, [.. Convs(3, 128), new UConvStep(64), new UConvStep(1)]),
        new(PublishedName, SvdNetLayer.Pool3, 0, [.. Convs(4, 32), new UConvStep(16), new UConvStep(1)]),
        new(PublishedName, SvdNetLayer.Conv2, 2, [.. Convs(3, 32), new ConvStep(1)]),
        new(PublishedName, SvdNetLayer.Conv1, 1, [new ConvStep(64), new ConvStep(1)]),
        new(MatchedName, SvdNetLayer.Fc8, -1, [new DenseStep(616), new MapsStep(8, 11, 7), Pool6Up(32), Up(32), .. MatchedDecoder]),
        new(MatchedName, SvdNetLayer.Fc7, -1, [new DenseStep(616), new MapsStep(8, 11, 7), Pool6Up(32), Up(32), .. MatchedDecoder]),
        new(MatchedName, SvdNetLayer.Pool6, -1, [new ConvStep(64), Pool6Up(32), Up(32), .. MatchedDecoder]),
        new(MatchedName, SvdNetLayer.Conv5, -1, [new ConvStep(64), Up(64), Up(32), .. MatchedDecoder]),
        new(MatchedName, SvdNetLayer.Conv4, -1, [new ConvStep(64), Up(32), new ConvStep(32), .. MatchedDecoder]),
        new(MatchedName, SvdNetLayer.Pool3, -1, [.. Convs(2, 32), .. MatchedDecoder]),
        new(MatchedName, SvdNetLayer.Conv2, 0, [new ConvStep(32), Up(32), Up(1)]),
        new(MatchedName, SvdNetLayer.Conv1, 0, [new ConvStep(64), Up(1)]),
    ];

    /// <summary>The name of the design, on the command line and in messages.</summary>
    public string Name { get; }

    /// <summary>The layer whose output is inverted.</summary>
    public SvdNetLayer Layer { get; }

    /// <summary>The steps, from the layer's output on.</summary>
    public IReadOnlyList<InversionStep> Steps { get; }

    /// <summary>
    /// Rows of zeros above the last map, and columns of zeros left of it; if negative, how many are cut off. Below and on the right it is filled up or cut off
    /// to 115×80.
    /// </summary>
    public int Margin { get; }

    /// <summary>The names of the designs.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(architecture => architecture.Name).Distinct()];

    /// <summary>The network for a layer; by default the one in the paper's size if there is one, else the published one. Null if the design has none.</summary>
    public static InversionArchitecture? Of(SvdNetLayer layer, string? name = null) =>
        All.FirstOrDefault(architecture => architecture.Layer == layer && (name is null || architecture.Name == name));

    /// <summary>The network whose arrays a weight file holds; null if there is none.</summary>
    public static InversionArchitecture? In(WeightFile file) => All.FirstOrDefault(architecture => file.Fits(architecture.Build()));

    /// <inheritdoc/>
    public override string ToString() => $"the inversion network for {Layer} ({Name} size)";

    /// <summary>The layers for training, with batch normalisation.</summary>
    /// <remarks>Steps after the last normalisation do not compute what is cut off. Before it, every element counts in the batch's statistics.</remarks>
    internal Sequential Build() => Build(isFolded: false);

    /// <summary>
    /// The trained layers for inference. Batch normalisation, which is affine then, is folded into each layer's weights and bias, and what does not reach the
    /// output is cut off on the way. The caller owns the result, which has its own parameters.
    /// </summary>
    internal Sequential Fold(Sequential trained, IBackend backend)
    {
        Sequential folded = Build(isFolded: true);
        using IEnumerator<Parameter> target = folded.Parameters.GetEnumerator();
        void Load(ReadOnlySpan<float> values)
        {
            target.MoveNext();
            target.Current.Load(backend, values);
        }

        IReadOnlyList<Parameter> parameters = trained.Parameters;
        for (int i = 0; i < parameters.Count;)
        {
            float[] weight = parameters[i].ToFileLayout();
            if (parameters[i + 1].Role == ParameterRole.Bias)
            {
                Load(weight);
                Load(parameters[i + 1].ToFileLayout());
                i += 2;
                continue;
            }

            // γ·i·(w·x − mean) + β, where i is the inverse of the standard deviation.
            Parameter[] norm = [.. parameters.Skip(i + 1).Take(4)];
            float[] Values(ParameterRole role) => norm.Single(parameter => parameter.Role == role).ToFileLayout();
            float[] gamma = Values(ParameterRole.Gamma), mean = Values(ParameterRole.RunningMean), inverseStd = Values(ParameterRole.RunningInverseStd);
            float[] bias = Values(ParameterRole.Beta);
            int inner = weight.Length / parameters[i].Shape[0] / (parameters[i].OutputAxis == 0 ? 1 : bias.Length);
            for (int k = 0; k < bias.Length; k++) bias[k] = (float)(bias[k] - (double)gamma[k] * inverseStd[k] * mean[k]);
            for (int j = 0; j < weight.Length; j++)
            {
                int k = j / inner % bias.Length;
                weight[j] = (float)((double)weight[j] * gamma[k] * inverseStd[k]);
            }

            Load(weight);
            Load(bias);
            i += 1 + norm.Length;
        }

        return folded;
    }

    // The way back through a convolution, and through conv5's pooling, whose maxima are over 3×3.
    private static UConvStep Up(int channels) => new(channels, Kernel: 3, Stride: 1, Padding: 0);

    private static UConvStep Pool6Up(int channels) => new(channels, Kernel: 6, Stride: 3, Padding: 0);

    private static IEnumerable<InversionStep> Pairs(params int[] channels) =>
        channels.SelectMany(count => (InversionStep[])[new UConvStep(count), new ConvStep(count)]);

    private static IEnumerable<InversionStep> Convs(int count, int channels) => Enumerable.Repeat(new ConvStep(channels), count);

    private Sequential Build(bool isFolded)
    {
        List<Module> modules = [];
        int channels = Layer.Sizes[0], number = 0, lastNormalized = isFolded ? -1 : Steps.ToList().FindLastIndex(step => step.IsNormalized);
        (int Rows, int Columns)[] needed = Needed();
        (int Rows, int Columns) size = SizeOfInput;
        if (Layer.HasMaps) modules.Add(new ToLayout(BatchLayout.Last) { Name = "batch_last" });
        for (int i = 0; i < Steps.Count; i++)
        {
            InversionStep step = Steps[i];
            bool isNormalized = step.IsNormalized && !isFolded;
            Activation activation = isNormalized ? Activation.None : Activation.Elu;
            bool isCut = step is ConvStep or UConvStep && i > lastNormalized && needed[i + 1] != step.SizeOf(size);
            (int Rows, int Columns)? kept = isCut ? needed[i + 1] : null;

            // A Conv has the number of the UConv that it follows.
            if (step is not MapsStep && !(step is ConvStep && i > 0 && Steps[i - 1] is UConvStep)) number++;
            string name = step.NameOf(number);
            modules.Add(step switch
            {
                DenseStep => new Dense(channels, step.Channels, !isNormalized, activation) { Name = name },
                MapsStep maps => new Reshape(maps.Channels, maps.Rows, maps.Columns) { Name = name },
                UConvStep up => new ConvTranspose2d(channels, up.Channels, up.Kernel, up.Stride, up.Padding, !isNormalized, activation)
                {
                    Name = name, Kept = kept,
                },
                _ => new Conv2d(channels, step.Channels, 3, stride: 1, padding: 1, !isNormalized, activation) { Name = name, Kept = kept },
            });
            if (step is MapsStep) modules.Add(new ToLayout(BatchLayout.Last) { Name = "batch_last" });
            if (isNormalized) modules.Add(new BatchNorm(step.Channels, Activation.Elu) { Name = $"{name}.bn" });
            (channels, size) = (step.Channels, kept ?? step.SizeOf(size));
        }

        if (Margin != 0) modules.Add(new Pad2d(Margin, Margin, ExcerptFrames, Bands) { Name = "margin" });
        else if (size != (ExcerptFrames, Bands)) modules.Add(new Crop2d(ExcerptFrames, Bands) { Name = "crop" });
        modules.Add(new ToLayout(BatchLayout.First) { Name = "batch_first" });
        return new Sequential([.. modules]);
    }

    private (int Rows, int Columns) SizeOfInput => Layer.HasMaps ? (Layer.Sizes[1], Layer.Sizes[2]) : (1, 1);

    // How much of each step's input, and of the last one's result, from the upper left corner on, reaches the 115×80 that are kept.
    private (int Rows, int Columns)[] Needed()
    {
        (int Rows, int Columns)[] sizes = new (int, int)[Steps.Count + 1];
        sizes[0] = SizeOfInput;
        for (int i = 0; i < Steps.Count; i++) sizes[i + 1] = Steps[i].SizeOf(sizes[i]);
        sizes[^1] = Least(sizes[^1], (ExcerptFrames - Margin, Bands - Margin));
        for (int i = Steps.Count - 1; i >= 0; i--)
        {
            sizes[i] = Least(sizes[i], (Steps[i].NeededFor(sizes[i + 1].Rows), Steps[i].NeededFor(sizes[i + 1].Columns)));
        }

        return sizes;

        static (int, int) Least((int Rows, int Columns) a, (int Rows, int Columns) b) => (Math.Min(a.Rows, b.Rows), Math.Min(a.Columns, b.Columns));
    }
}
