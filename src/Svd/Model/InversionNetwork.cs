using Engine.Kernels;
using Engine.Nn;
using Engine.Nn.Onnx;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>One of the two sizes of the inversion network.</summary>
public sealed class InversionArchitecture
{
    private InversionArchitecture(string name, int[] filters, bool finalConv) => (Name, Filters, HasFinalConv) = (name, filters, finalConv);

    /// <summary>The paper's Table I: 31 887 parameters.</summary>
    public static InversionArchitecture Paper { get; } = new("paper", [16, 8, 4, 2], finalConv: true);

    /// <summary>The published code and weights: 131 201 parameters.</summary>
    public static InversionArchitecture Published { get; } = new("published", [64, 32, 16, 8], finalConv: false);

    /// <summary>Both sizes.</summary>
    public static IReadOnlyList<InversionArchitecture> All { get; } = [Paper, Published];

    /// <summary>The size's name on the command line.</summary>
    public string Name { get; }

    /// <summary>The number of filters in each pair of UConv and Conv.</summary>
    public IReadOnlyList<int> Filters { get; }

    /// <summary>Whether a Conv 3×3 from one channel to one follows the last UConv. The parameter count in Table I requires it.</summary>
    public bool HasFinalConv { get; }

    /// <summary>
    /// The layers. FC1 64→64, FC2 64→256, 16×4×4, then pairs of UConv (4×4, stride 2, padding 1: doubles both axes) and Conv (3×3, padding 1),
    /// each with batch normalisation and ELU; finally a UConv to one channel with a bias and ELU, cropped to 115×80. The maps have few channels, so their
    /// batch lies last.
    /// </summary>
    /// <remarks>The last UConv does not compute what the crop would cut off. Before it, every element counts in the batch's statistics.</remarks>
    internal Sequential Build() => Build(isFolded: false);

    /// <summary>
    /// The trained layers for inference. Batch normalisation, which is affine then, is folded into each layer's weights and bias, and each level is cropped to
    /// what reaches the output. The caller owns the result, which has its own parameters.
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

    private Sequential Build(bool isFolded)
    {
        List<Module> steps = [];
        Activation activation = isFolded ? Activation.Elu : Activation.None;
        void Normalized(Module linear, int channels)
        {
            steps.Add(linear);
            if (!isFolded) steps.Add(new BatchNorm(channels, Activation.Elu) { Name = $"{linear.Name}.bn" });
        }

        Normalized(new Dense(SvdNet.FeatureCount, 64, isFolded, activation) { Name = "fc1" }, 64);
        Normalized(new Dense(64, 256, isFolded, activation) { Name = "fc2" }, 256);
        steps.Add(new Reshape(16, 4, 4) { Name = "reshape" });
        steps.Add(new ToLayout(BatchLayout.Last) { Name = "batch_last" });
        int channels = 16, number = 3;
        foreach ((int filters, (int rows, int columns)) in Filters.Zip(Needed()))
        {
            Normalized(new ConvTranspose2d(channels, filters, 4, stride: 2, padding: 1, isFolded, activation) { Name = $"uconv{number}" }, filters);
            Normalized(new Conv2d(filters, filters, 3, stride: 1, padding: 1, isFolded, activation) { Name = $"conv{number}" }, filters);
            if (isFolded || filters == Filters[^1]) steps.Add(new Crop2d(rows, columns) { Name = $"conv{number}.crop" });
            (channels, number) = (filters, number + 1);
        }

        steps.Add(new ConvTranspose2d(channels, 1, 4, stride: 2, padding: 1, activation: Activation.Elu) { Name = $"uconv{number}" });
        if (HasFinalConv) steps.Add(new Conv2d(1, 1, 3, padding: 1, activation: Activation.Elu) { Name = $"conv{number}" });
        steps.Add(new Crop2d(ExcerptFrames, Bands) { Name = "crop" });
        steps.Add(new ToLayout(BatchLayout.First) { Name = "batch_first" });
        return new Sequential([.. steps]);
    }

    // How much of each pair's output, from the upper left corner, reaches the 115×80 that are kept. A Conv needs one row more than it computes, and row r of
    // a UConv needs the rows up to (r + 1)/2.
    private List<(int Rows, int Columns)> Needed()
    {
        List<(int Rows, int Columns)> needed = [];
        (int rows, int columns) = HasFinalConv ? (ExcerptFrames + 1, Bands + 1) : (ExcerptFrames, Bands);
        for (int size = 4 << Filters.Count; size > 4; size /= 2)
        {
            (rows, columns) = (Math.Min(rows / 2 + 1, size), Math.Min(columns / 2 + 1, size));
            needed.Insert(0, (rows, columns));
            (rows, columns) = (Math.Min(rows + 1, size), Math.Min(columns + 1, size));
        }

        return needed;
    }
}

/// <summary>The inversion network G: 64 features of fc8 to the expected normalised log-mel excerpt (the paper, section II.A).</summary>
public sealed class InversionNetwork : IDisposable
{
    private readonly Sequential _layers;

    // The same network, but faster.
    private readonly Sequential _folded;
    private readonly InferencePlan _plan = new();

    private InversionNetwork(InversionArchitecture architecture, Sequential layers, Sequential folded) =>
        (Architecture, _layers, _folded) = (architecture, layers, folded);

    /// <summary>The size of the weight file.</summary>
    public InversionArchitecture Architecture { get; }

    /// <summary>How many numbers the parameters hold, including running means and deviations.</summary>
    public int ParameterCount => _layers.ParameterCount;

    /// <summary>Reads the weights, finds the size from their shapes, and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or holds neither size.</exception>
    public static InversionNetwork Load(IBackend backend, string path) => Load(backend, WeightFile.Read(path));

    /// <summary>Finds the size from the shapes of the weights, and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file holds neither size.</exception>
    public static InversionNetwork Load(IBackend backend, WeightFile file)
    {
        if (SvdNet.IsIn(file)) throw new EngineException($"{file.Path} does not hold an inversion network: it holds SVDNet");
        (InversionArchitecture Architecture, Sequential Layers)[] candidates = [.. InversionArchitecture.All.Select(a => (a, a.Build()))];

        // If neither size fits, the one with the same number of arrays is the better guess for the message.
        (InversionArchitecture architecture, Sequential layers) =
            candidates.Where(candidate => file.Fits(candidate.Layers)).Concat(candidates.OrderBy(
                candidate => Math.Abs(candidate.Layers.Parameters.Count - file.Shapes.Count))).First();
        file.LoadInto(layers, $"the inversion network ({architecture.Name} size)", backend);
        return new InversionNetwork(architecture, layers, architecture.Fold(layers, backend));
    }

    /// <summary>The inverted representation x* = G(z): N×64 to N×1×115×80. The caller owns the result.</summary>
    public Tensor Forward(Tensor features)
    {
        using InferencePlan.Run run = _plan.Begin();
        return _folded.Forward(features);
    }

    /// <summary>Whether a weight file holds either size, by the shapes of its arrays.</summary>
    public static bool IsIn(WeightFile file) => InversionArchitecture.All.Any(architecture => file.Fits(architecture.Build()));

    /// <summary>The network as an ONNX model: <c>features</c> N×64 to <c>inverted</c> N×1×115×80.</summary>
    public OnnxGraph Export()
    {
        OnnxGraph graph = new(
            $"inversion-{Architecture.Name}",
            "The inversion network of Mishra, Sturm and Dixon (EUSIPCO 2018): the log-mel excerpt that is expected from SVDNet's features.");
        OnnxValue features = graph.Input("features", "What SVDNet's fc8 makes of an excerpt: batch, features.", new Shape(1, SvdNet.FeatureCount), 0, "N");
        graph.Output(
            "inverted", "Normalised log-mel excerpts: batch, 1, frames (70 a second), mel bands.", graph.Add(_layers, features));
        return graph;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _layers.Dispose();
        _folded.Dispose();
    }
}
