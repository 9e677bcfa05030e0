using Engine.Kernels;
using Engine.Svd.Explain.Methods;

namespace Engine.Svd.Evaluate;

/// <summary>What a <see cref="MethodRun{TScores}"/> measures of a method's explanations, song by song.</summary>
internal interface IMethodMeasure<TScores>
    where TScores : class
{
    /// <summary>About how many times an excerpt runs the detector, for the explanation and for measuring it.</summary>
    double WorkOf(IExplanationMethod method);

    /// <summary>Explains a song's excerpts and measures the explanations. Progress is the number of excerpts that are done.</summary>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    TScores Measure(IExplanationMethod method, int song, Action<int> progress);

    /// <summary>Writes a song's scores, with numbers that stand for everything they depend on.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    void Write(TScores scores, string path, double[] identity);

    /// <summary>Reads a song's scores; null if there is no file, or if it is damaged or belongs to something else.</summary>
    TScores? TryRead(string path, double[] identity, int song);
}
