using Engine.Nn.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Engine.Bench.Peers;

/// <summary>A model in ONNX Runtime with its input and outputs in place, ready to be run again and again.</summary>
internal sealed class OnnxPeer : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly string[] _inputNames;
    private readonly OrtValue[] _inputs;
    private readonly OrtValue[] _outputs;

    /// <summary>Opens a model, in a file for the moment, and runs it once.</summary>
    public OnnxPeer(OnnxGraph graph, int threads, long[] shape, float[] input)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            graph.Save(path);
            using SessionOptions options = new() { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
            _session = new InferenceSession(path, options);
        }
        finally
        {
            File.Delete(path);
        }

        _inputNames = [.. _session.InputNames];
        _inputs = [OrtValue.CreateTensorValueFromMemory(input, shape)];
        _outputs = [.. _session.Run(_options, _inputNames, _inputs, _session.OutputNames)];
    }

    /// <summary>Its name and version.</summary>
    public static string Version => $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    /// <summary>One run.</summary>
    public void Run() => _session.Run(_options, _inputNames, _inputs, _session.OutputNames, _outputs);

    /// <summary>The named output of the last run.</summary>
    public float[] Output(string name) => _outputs[_session.OutputNames.ToList().IndexOf(name)].GetTensorDataAsSpan<float>().ToArray();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OrtValue value in _inputs.Concat(_outputs)) value.Dispose();
        _options.Dispose();
        _session.Dispose();
    }
}
