namespace Engine.Kernels;

/// <summary>
/// How a backward pass goes through rectifiers, leaky or not. Only <see cref="Derivative"/> gives the gradient; the others make pictures of what a network
/// reacts to. Max-pooling is the same by all three: the gradient goes to the place of the maximum.
/// </summary>
public enum RectifierRule
{
    /// <summary>By the chain rule: dx = activation′(x)·dy.</summary>
    Derivative,

    /// <summary>The deconvolutional network (Zeiler and Fergus, ECCV 2014): dx = max(dy, 0), whatever x was.</summary>
    Deconvolution,

    /// <summary>Guided back-propagation (Springenberg et al., ICLR 2015): dx = max(dy, 0) where x was above 0, else 0.</summary>
    Guided,
}
