using Engine.Tensors;

namespace Engine.Nn.Onnx;

/// <summary>An array that flows through an ONNX graph.</summary>
/// <param name="Name">What the graph calls it.</param>
/// <param name="Shape">Its sizes for the smallest input.</param>
/// <param name="DynamicAxis">The axis that is as much longer as the input's is.</param>
public readonly record struct OnnxValue(string Name, Shape Shape, int DynamicAxis);
