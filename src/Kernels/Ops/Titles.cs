namespace Engine.Kernels;

/// <summary>What follows the sizes in an operation's title.</summary>
internal static class Titles
{
    /// <summary>The bias and the activation, where there are any.</summary>
    public static string With(View? bias, Activation activation) => (bias is null ? "" : ", bias") + With(activation);

    /// <summary>The layout, unless it is the usual one.</summary>
    public static string Of(BatchLayout layout) => layout switch
    {
        BatchLayout.Last => ", batch last",
        BatchLayout.ChannelsLast => ", channels last",
        _ => "",
    };

    /// <summary>The activation, if there is one.</summary>
    public static string With(Activation activation) => activation.Kind switch
    {
        ActivationKind.None => "",
        ActivationKind.LeakyRelu => $", {activation.Kind} {activation.Slope}",
        _ => $", {activation.Kind}",
    };
}
