using Engine.Tensors;

namespace Engine.Nn.Onnx;

/// <summary>An array that flows through an ONNX graph.</summary>
/// <param name="Name">What the graph calls it.</param>
/// <param name="Shape">Its sizes for the smallest input.</param>
/// <param name="DynamicAxis">The axis that grows by as much as the input's dynamic axis.</param>
public readonly record struct OnnxValue(string Name, Shape Shape, int DynamicAxis);
