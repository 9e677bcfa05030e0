using Engine.Kernels;

namespace Engine.Tests;

/// <summary>Asserts that something fails the way a user can understand.</summary>
internal static class Failure
{
    /// <summary>Asserts that <paramref name="act"/> throws an <see cref="EngineException"/> of one line that has all these words.</summary>
    public static void Says(Action act, params string[] words) => Says<EngineException>(act, words);

    /// <summary>Asserts that <paramref name="act"/> throws an exception of this type and of one line that has all these words.</summary>
    public static void Says<TException>(Action act, params string[] words)
        where TException : Exception
    {
        string message = Assert.Throws<TException>(act).Message;
        Assert.DoesNotContain('\n', message);
        foreach (string word in words) Assert.True(message.Contains(word, StringComparison.Ordinal), $"no \"{word}\" in: {message}");
    }
}

/// <summary>A fact about file permissions, which do not bind root and are other ones on Windows.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PermissionFactAttribute : FactAttribute
{
    public PermissionFactAttribute() =>
        Skip = OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess ? "needs an ordinary user of a Unix system" : null;
}

/// <summary>A fact about pipes, links and signals of Unix, skipped on Windows.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute() => Skip = OperatingSystem.IsWindows() ? "needs a Unix system" : null;
}
