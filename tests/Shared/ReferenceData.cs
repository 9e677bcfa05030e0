namespace Engine.Tests;

/// <summary>Where the reference material lies: a folder <c>shared</c> beside the checkout, absent on most machines.</summary>
internal static class ReferenceData
{
    /// <summary>The checkout: the nearest folder above the test assembly that holds <c>Engine.sln</c>.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The folder <c>shared</c> beside the checkout, or null where there is none.</summary>
    public static string? Folder { get; } =
        Path.Combine(Repository, "..", "shared") is var folder && Directory.Exists(folder) ? Path.GetFullPath(folder) : null;

    /// <summary>The path of a reference file, for example <c>reference/clip.wav</c>.</summary>
    public static string PathOf(string name) =>
        Path.Combine(Folder ?? throw new InvalidOperationException("the reference material is absent"), name);

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Engine.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("Engine.sln was not found above the test assembly");
    }
}

/// <summary>A fact that needs the reference material, and is skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ReferenceFactAttribute : FactAttribute
{
    public ReferenceFactAttribute() => Skip = ReferenceSkip.Reason;
}

/// <summary>A theory that needs the reference material, and is skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ReferenceTheoryAttribute : TheoryAttribute
{
    public ReferenceTheoryAttribute() => Skip = ReferenceSkip.Reason;
}

internal static class ReferenceSkip
{
    public static string? Reason => ReferenceData.Folder is null ? "needs the reference material in ../shared" : null;
}
