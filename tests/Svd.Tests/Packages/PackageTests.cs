using System.Diagnostics;
using Engine.Tests;

namespace Engine.Svd.Tests.Packages;

/// <summary>The packages, made as a user makes them, serve in an empty folder.</summary>
public sealed class PackageTests : IDisposable
{
    private const string Prefix = "SingingVoiceDetection";

    private readonly TempFolder _temp = new();

    private string Packages => _temp.PathOf("packages");

    public void Dispose() => _temp.Dispose();

    [PackageFact]
    public void TheToolAndTheLibraryServeInAnEmptyFolder()
    {
        string build = _temp.PathOf("build");
        foreach (string project in (string[])["Kernels", "Tensor", "Nn", "Svd"])
        {
            Dotnet(ReferenceData.Repository, "pack", Path.Combine("src", project), "-c", "Release", "-o", Packages, "--artifacts-path", build, "--nologo");
        }

        string[] names = [.. Directory.GetFiles(Packages, "*.nupkg").Select(file => Path.GetFileNameWithoutExtension(file)!)];
        Assert.All(
            ["Kernels", "Tensor", "Nn", "Tool"], name => Assert.Contains(names, package => package.StartsWith($"{Prefix}.{name}.", StringComparison.Ordinal)));
        const long most = 80 << 20;
        Assert.All(Directory.GetFiles(Packages), file => Assert.InRange(new FileInfo(file).Length, 1, most));
        Assert.Equal(4, Directory.GetFiles(Packages, "*.snupkg").Length);

        string empty = Directory.CreateDirectory(_temp.PathOf("empty")).FullName;
        File.WriteAllText(Path.Combine(empty, "NuGet.config"), $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="local" value="{Packages}" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
              </packageSources>
              <config><add key="globalPackagesFolder" value="{_temp.PathOf("restored")}" /></config>
              <fallbackPackageFolders><add key="user" value="{PackageFactAttribute.UserPackages}" /></fallbackPackageFolders>
            </configuration>
            """);
        Dotnet(empty, "tool", "install", $"{Prefix}.Tool", "--tool-path", "tools", "--source", Packages);
        string explained = Run(Path.Combine(empty, "tools", OperatingSystem.IsWindows() ? "svd.exe" : "svd"), empty, "explain", "--out", "out");
        Assert.Contains("singing (P = 1.000)", explained, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.Combine(empty, "out"), "sample_at_*s.png"));

        UseTheLibrary(empty);
    }

    private void UseTheLibrary(string folder)
    {
        string program = Directory.CreateDirectory(Path.Combine(folder, "program")).FullName;
        string version = Path.GetFileNameWithoutExtension(Directory.GetFiles(Packages, $"{Prefix}.Nn.*.nupkg").Single())[$"{Prefix}.Nn.".Length..];
        File.Copy(Path.Combine(ReferenceData.Repository, "samples", "ExplainSong", "Program.cs"), Path.Combine(program, "Program.cs"));
        File.WriteAllText(Path.Combine(program, "program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="{Prefix}" Version="{version}" />
              </ItemGroup>
            </Project>
            """);
        string sample = Path.Combine(ReferenceData.Repository, "samples", "sample.wav");
        Assert.Contains("P(singing) = 1.000", Dotnet(program, "run", "--", sample), StringComparison.Ordinal);
    }

    private static string Dotnet(string folder, params string[] arguments) => Run("dotnet", folder, arguments);

    private static string Run(string program, string folder, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };

        // What the test host was started with is not the new process's business.
        foreach (string name in (string[])["MSBUILD_EXE_PATH", "MSBuildSDKsPath", "MSBuildExtensionsPath", "DOTNET_HOST_PATH"]) start.Environment.Remove(name);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}{errors.Result}");
        return output;
    }
}

/// <summary>A fact that restores packages: skipped where the public registry cannot be reached.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PackageFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> _isReachable = new(IsReachable);

    public PackageFactAttribute() => Skip = _isReachable.Value ? null : "packages cannot be restored: api.nuget.org cannot be reached";

    /// <summary>The user's packages: what is there is not fetched again.</summary>
    public static string UserPackages { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static bool IsReachable()
    {
        try
        {
            using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(10) };
            using HttpResponseMessage answer = client.GetAsync(new Uri("https://api.nuget.org/v3/index.json")).GetAwaiter().GetResult();
            return answer.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
