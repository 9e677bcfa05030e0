using Engine.Svd.Audio;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;

namespace Engine.Svd.Tests.Pages;

/// <summary>A fact that needs Chromium and its driver, and is skipped, saying so, where they are not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Browser.SkipReason;
}

/// <summary>A theory that needs Chromium and its driver, and is skipped, saying so, where they are not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute() => Skip = Browser.SkipReason;
}

/// <summary>A theory that needs Chromium, its driver and ffmpeg, and is skipped, saying so, where one is not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFfmpegTheoryAttribute : TheoryAttribute
{
    public BrowserFfmpegTheoryAttribute() => Skip = Browser.SkipReason ?? Audio.FfmpegSkip.Reason;
}

/// <summary>A browser without a window.</summary>
internal sealed class Browser : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly string? _browser = Find("chromium", "chromium-browser", "google-chrome", "chrome"), _driver = Find("chromedriver");

    private readonly ChromeDriver _chrome;

    public Browser()
    {
        ChromeOptions options = new() { BinaryLocation = _browser! };
        options.AddArguments(
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1300,1000",
            "--autoplay-policy=no-user-gesture-required");
        options.SetLoggingPreference(LogType.Browser, LogLevel.All);
        ChromeDriverService service = ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(_driver), Path.GetFileName(_driver));
        service.SuppressInitialDiagnosticInformation = true;
        _chrome = new ChromeDriver(service, options, _patience);
        _chrome.Manage().Timeouts().AsynchronousJavaScript = _patience;
    }

    public static string? SkipReason => _browser is null || _driver is null ? "needs chromium and chromedriver on the PATH" : null;

    /// <summary>What the console said that is an error or a warning.</summary>
    public string Complaints => string.Join(
        '\n', _chrome.Manage().Logs.GetLog(LogType.Browser).Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Message));

    public string Title => _chrome.Title;

    public string Address => _chrome.Url;

    /// <summary>Opens a page from the disk and waits until its scripts are done.</summary>
    public void Open(string path, string? until = "return document.documentElement.dataset.ready === 'true'")
    {
        _chrome.Navigate().GoToUrl(AddressOf(Path.GetFullPath(path)));
        if (until is not null) Wait(until);
    }

    /// <summary>Waits until a script returns true.</summary>
    public void Wait(string script)
    {
        DateTime end = DateTime.UtcNow + _patience;
        while (Run(script) is not true)
        {
            Assert.True(DateTime.UtcNow < end, $"it did not come true: {script}");
            Thread.Sleep(50);
        }
    }

    /// <summary>Runs a script and returns what it returns.</summary>
    public object? Run(string script, params object[] arguments) => _chrome.ExecuteScript(script, arguments);

    /// <summary>Runs the body of an asynchronous function and returns what it returns.</summary>
    public object? RunAsync(string body) => _chrome.ExecuteAsyncScript(
        $"const done = arguments[arguments.length - 1]; (async () => {{ {body} }})().then(done, failure => done('failed: ' + failure.stack));");

    /// <summary>The numbers that an asynchronous function returns.</summary>
    public double[] Numbers(string body) => RunAsync(body) switch
    {
        IReadOnlyCollection<object> numbers => [.. numbers.Select(Convert.ToDouble)],
        object other => throw new InvalidOperationException($"{other}"),
        null => throw new InvalidOperationException("it returned nothing"),
    };

    public IWebElement Element(string selector) => _chrome.FindElement(By.CssSelector(selector));

    public void Press(string keys) => new OpenQA.Selenium.Interactions.Actions(_chrome).SendKeys(keys).Perform();

    /// <summary>Clicks at a place of an element, from 0 to 1 from its left and from its top.</summary>
    public void Click(string selector, double x, double y)
    {
        IWebElement element = Element(selector);
        (int dx, int dy) = ((int)((x - 0.5) * element.Size.Width), (int)((y - 0.5) * element.Size.Height));
        new OpenQA.Selenium.Interactions.Actions(_chrome).MoveToElement(element, dx, dy).Click().Perform();
    }

    /// <summary>Pretends to have another size, in pixels, and another colour scheme.</summary>
    public void Emulate(int width, int height, string scheme)
    {
        _chrome.ExecuteCdpCommand(
            "Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        Dictionary<string, object> feature = new() { ["name"] = "prefers-color-scheme", ["value"] = scheme };
        _chrome.ExecuteCdpCommand("Emulation.setEmulatedMedia", new() { ["features"] = new object[] { feature } });
    }

    public void Dispose() => _chrome.Quit();

    // Uri takes %41 in a name for an A.
    private static string AddressOf(string path) =>
        "file://" + string.Concat(path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Select(
            part => "/" + (part.EndsWith(':') ? part : Uri.EscapeDataString(part))));

    private static string? Find(params string[] programs) =>
        programs.Select(program => AudioTool.Find(Environment.GetEnvironmentVariable("PATH"), program)).FirstOrDefault(found => found is not null);
}
