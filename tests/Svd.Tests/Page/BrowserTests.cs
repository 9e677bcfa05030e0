using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Svd.Tests.Audio;
using Engine.Svd.Tests.Cli;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Pages;

/// <summary>Pages that the browser tests open, made once, and the browser.</summary>
public sealed class BrowserPages : IDisposable
{
    private readonly TempFolder _temp = new();
    private readonly Lazy<Browser> _browser = new(() => new Browser());
    private readonly Lazy<string> _page;

    public BrowserPages() => _page = new Lazy<string>(() =>
    {
        File.Copy(Sample, PathOf($"{OddName}.wav"));
        File.WriteAllText(PathOf($"{OddName}.lab"), "0 4.5 nosing\n4.5 12 sing\n");
        File.Copy(Sample, PathOf("other.wav"));
        ProgramResult result = SvdProgram.Call("page", PathOf($"{OddName}.wav"), PathOf("other.wav"), "--out", PathOf("out"), "--json");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return JsonDocument.Parse(result.Output.Split('\n')[0]).RootElement.GetProperty("page").GetString()!;
    });

    /// <summary>16 seconds of music.</summary>
    public static string Sample { get; } = Path.Combine(AppContext.BaseDirectory, "samples", "sample.wav");

    /// <summary>What would break a page that took it for markup.</summary>
    public static string OddName { get; } = OperatingSystem.IsWindows() ? "a 'tune' & 🎵 %41#" : "a \"tune\" & <img src=x onerror=alert(1)> 🎵 %41#";

    /// <summary>The page of the song with the odd name, and labels.</summary>
    public string Page => _page.Value;

    /// <summary>The index beside it.</summary>
    public string Index => Path.Combine(Path.GetDirectoryName(Page)!, "index.html");

    internal Browser Browser => _browser.Value;

    public string PathOf(string name) => _temp.PathOf(name);

    public void Dispose()
    {
        if (_browser.IsValueCreated) Browser.Dispose();
        _temp.Dispose();
    }
}

/// <summary>What a page does in a browser.</summary>
[Collection(ConsoleTests.Name)]
public sealed class BrowserTests(BrowserPages pages) : IClassFixture<BrowserPages>
{
    // Float32 samples; sums of a few of them.
    private const double SampleTolerance = 1e-6;

    // What was promised.
    private const double SumTolerance = 1e-4;

    private Browser Browser => pages.Browser;

    [BrowserFact]
    public void LoadsWithoutAWordOnTheConsole()
    {
        Open();
        Assert.Equal($"{BrowserPages.OddName}.wav – what the detector listens to", Browser.Title);
        Assert.Equal($"{BrowserPages.OddName}.wav", Browser.Element("h1").Text);
        Assert.Equal(0L, Browser.Run("return document.images.length"));
        Assert.Contains("0:16 long, singing in", Browser.Element("#summary").Text, StringComparison.Ordinal);
        Assert.Contains("differ from the labels", Browser.Element("#summary").Text, StringComparison.Ordinal);
        string threshold = FormattableString.Invariant($"P = {Golden.BundledThreshold}, tuned for the detector");
        Assert.Contains(threshold, Browser.Element("#card").Text, StringComparison.Ordinal);
        Assert.Equal("", Browser.Complaints);
    }

    [BrowserFact]
    public void ThePlayheadMovesAndStops()
    {
        Open();
        Browser.Element("#play").Click();
        Browser.Wait("return page.picture.time > 0.3");
        Browser.Press(" ");
        double time = Number("return page.picture.time");
        Thread.Sleep(200);
        Assert.Equal(time, Number("return page.picture.time"));
        Browser.Element("#overlay").SendKeys(OpenQA.Selenium.Keys.ArrowRight);
        Assert.Equal(time + 5, Number("return page.picture.time"), 1e-6);
        Browser.Element("#overlay").SendKeys(OpenQA.Selenium.Keys.Home);
        Assert.Equal(0, Number("return page.picture.time"));
        Assert.Equal("", Browser.Complaints);
    }

    [BrowserFact]
    public void TheSongEndsAndALoopDoesNot()
    {
        Open();
        Browser.Element("#overlay").SendKeys(OpenQA.Selenium.Keys.End);
        Browser.Element("#overlay").SendKeys(OpenQA.Selenium.Keys.Shift + OpenQA.Selenium.Keys.ArrowLeft);
        Browser.Element("#play").Click();
        Browser.Wait("return page.player?.playing && page.picture.time > 15");
        Browser.Wait("return !page.player.playing && page.picture.time === 0");
        Browser.Run("page.picture.selection = { from: 2, to: 2.5 }; document.getElementById('loop').click(); document.getElementById('play').click();");
        Browser.Wait("return page.player.playing");
        object? turns = Browser.RunAsync(
            "let turns = 0, before = 0; const end = performance.now() + 20000; while (turns < 2 && performance.now() < end) { "
            + "await new Promise(requestAnimationFrame); const now = page.picture.time; if (now < before - 0.2) turns++; before = now; } return turns;");
        Assert.Equal(2L, turns);
        Browser.Element("#play").Click();
    }

    [BrowserFact]
    public void TheSliderChangesTheMask()
    {
        Open();
        PageFile page = new(pages.Page);
        double[] shares = page.Shares;
        string picture = Picture();
        foreach (string method in (string[])["mask", "inversion"])
        foreach (int share in (int[])[2, 8, shares.Length - 1])
        {
            double[] gains = Browser.Numbers($"return Array.from(await page.gainsOf('{method}', {share}, 1))");
            float[] expected = MeanMask(page, method, share)[(1024 * Bands)..];
            Golden.AssertAbsolute([.. gains], expected, SampleTolerance, $"{method} {share}");
        }

        Browser.Run("const share = document.getElementById('share'); share.value = 10; share.dispatchEvent(new Event('input'));");
        Assert.Equal($"{100 * shares[10]:F0} %", Browser.Element("#shareValue").Text);
        Browser.RunAsync("await new Promise(resolve => setTimeout(resolve, 500)); return 0;");
        Assert.NotEqual(picture, Picture());
    }

    [BrowserFact]
    public void KeptAndLeftAreTheSong()
    {
        Open();
        double[] worst = Browser.Numbers(
            """
            const sound = await page.sound(), from = sound.rate * 2, length = sound.rate * 3;
            const whole = await sound.kept(from, length, 'mask', page.song.shares.length - 1), part = await sound.kept(from, length, 'mask', 5);
            const all = page.song.shares.length - 1;
            const start = await sound.kept(0, 5000, 'mask', all), end = await sound.kept(sound.length - 5000, 5000, 'mask', all);
            const far = (a, b, shift) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i + shift])), 0);
            const pieces = await Promise.all([0, 1, 2, 3, 4, 5].map(i => sound.kept(from + i * length / 6, length / 6, 'mask', 5)));
            return [far(whole[0], sound.channels[0], from), far(start[0], sound.channels[0], 0), far(end[0], sound.channels[0], sound.length - 5000),
              Math.max(...pieces.map((piece, i) => far(piece[0], part[0], i * length / 6))), far(part[0], sound.channels[0], from)];
            """);
        Assert.All(worst[..3], difference => Assert.InRange(difference, 0, SumTolerance));

        // No click where two pieces meet: they are the parts of one sound. And a fifth of the bins is not the song.
        Assert.InRange(worst[3], 0, SampleTolerance);
        Assert.InRange(worst[4], 0.01, 2);
    }

    // By the definition, in C#, at some samples.
    [BrowserFact]
    public void KeptIsWhatTheMasksLetThrough()
    {
        Open();
        PageFile page = new(pages.Page);
        const int factor = 2, length = FrameLength * factor, hop = Hop * factor, share = 5, from = 100 * hop, count = 20 * hop;
        Assert.Equal(factor * SampleRate, Number("return (await page.sound()).rate", isAsync: true));
        double[] song = Browser.Numbers($"return Array.from((await page.sound()).channels[0].subarray({from - length}, {from + count + length}))");
        double[] kept = Browser.Numbers($"return Array.from((await (await page.sound()).kept({from}, {count}, 'mask', {share}))[0])");
        float[] masks = MeanMask(page, "mask", share);
        double[] window = [.. Enumerable.Range(0, length).Select(i => 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / (length - 1)))], gains = new double[SpectrumBins];
        Complex[] turns = [.. Enumerable.Range(0, length).Select(i => Complex.FromPolarCoordinates(1, -2 * Math.PI * i / length))];
        foreach (int sample in (int[])[0, 777, 3 * hop, count - 1])
        {
            double sum = 0, weight = 0;
            for (int frame = (from + sample - length) / hop + 1; frame * hop <= from + sample; frame++)
            {
                int at = from + sample - frame * hop;
                BinMask.Spread(masks.AsSpan(frame * Bands, Bands), gains);
                double value = 0;
                for (int k = 0; k <= length / 2; k++)
                {
                    Complex x = 0;
                    for (int i = 0; i < length; i++) x += window[i] * song[frame * hop - from + length + i] * turns[k * i % length];
                    value += gains[Math.Min(k, SpectrumBins - 1)] * (x * Complex.Conjugate(turns[k * at % length])).Real * (k is 0 or length / 2 ? 1 : 2);
                }

                sum += window[at] * value / length;
                weight += window[at] * window[at];
            }

            Assert.Equal(sum / weight, kept[sample], SampleTolerance);
        }
    }

    [BrowserFact]
    public void TheThreeSoundsSwitchInStepToTheSample()
    {
        Open();

        // From the third second on, switched at 1, 2 and 3 s, rendered faster than it sounds.
        double[] worst = Browser.Numbers(
            """
            const sound = await page.sound(), rate = sound.rate, context = new OfflineAudioContext(2, 4 * rate, rate);
            const player = new page.Player(context, sound, () => ({ method: 'mask', share: 5 })), from = 3;
            await player.play(from);
            player.choose('kept', 1);
            player.choose('left', 2);
            player.choose('song', 3);
            await player.fill(10);
            const heard = (await context.startRendering()).getChannelData(0);
            player.stop();
            const song = sound.channels[0], first = from * rate - Math.ceil(0.04 * rate), kept = (await sound.kept(first, 4 * rate, 'mask', 5))[0];
            const far = (begin, end, expected) => {
              let most = 0;
              for (let i = Math.ceil((begin + 0.021) * rate); i < end * rate; i++) most = Math.max(most, Math.abs(heard[i] - expected(i)));
              return most;
            };
            return [far(0.04, 1, i => song[first + i]), far(1, 2, i => kept[i]), far(2, 3, i => song[first + i] - kept[i]), far(3, 4, i => song[first + i]),
              far(1, 2, i => song[first + i])];
            """);
        Assert.All(worst[..4], difference => Assert.InRange(difference, 0, SampleTolerance));
        Assert.InRange(worst[4], 0.01, 2);
    }

    // A change of the masks while it plays is heard without a step in the song.
    [BrowserFact]
    public void AChangeOfTheMasksDoesNotTouchTheSong()
    {
        Open();
        double[] worst = Browser.Numbers(
            """
            const sound = await page.sound(), rate = sound.rate, context = new OfflineAudioContext(2, 2 * rate, rate), masks = { method: 'mask', share: 5 };
            const player = new page.Player(context, sound, () => masks);
            await player.play(3);
            await player.fill(10);
            context.suspend(1).then(async () => {
              masks.share = 9;
              await player.masksChanged();
              await player.fill(10);
              context.resume();
            });
            const heard = (await context.startRendering()).getChannelData(0);
            player.stop();
            const first = 3 * rate - Math.ceil(0.04 * rate);
            let most = 0;
            for (let i = Math.ceil(0.061 * rate); i < heard.length; i++) most = Math.max(most, Math.abs(heard[i] - sound.channels[0][first + i]));
            return [most];
            """);
        Assert.InRange(worst[0], 0, SampleTolerance);
    }

    // Of the excerpt at frame 220, the detector was not asked about the masks: those of the neighbour at 210 are shown, and the page says so.
    [BrowserTheory]
    [InlineData(210, 210)]
    [InlineData(220, 210)]
    [InlineData(230, 240)]
    public void AClickExplainsTheExcerptAsTheProgramDoes(int frame, int asked)
    {
        Open();
        double middle = (frame + (ExcerptFrames - 1) / 2) / (double)FramesPerSecond;
        double x = Number(FormattableString.Invariant($"return page.picture.x({middle}) / document.getElementById('overlay').clientWidth"));
        Browser.Click("#overlay", x, 0.3);
        Browser.Wait("return !document.getElementById('moment').hidden && document.querySelector('canvas[data-is=explanation]').width === 115");
        using JsonDocument shown = JsonDocument.Parse((string)Browser.Run("return JSON.stringify(page.moment.numbers)")!);
        JsonElement numbers = shown.RootElement, neighbour = numbers.GetProperty("asked"), masked = neighbour.GetProperty("masked");
        string start = numbers.GetProperty("start").GetDouble().ToString("F6", CultureInfo.InvariantCulture);
        JsonElement explained = Explain(frame), other = Explain(asked), mask = other.GetProperty("by_mask");
        void Same(double expected, JsonElement actual) => Assert.Equal(expected, actual.GetDouble(), SumTolerance);
        Same(explained.GetProperty("start_seconds").GetDouble(), numbers.GetProperty("start"));
        Same(explained.GetProperty("probability").GetDouble(), numbers.GetProperty("probability"));
        Same(other.GetProperty("start_seconds").GetDouble(), neighbour.GetProperty("start"));
        Same(other.GetProperty("probability").GetDouble(), neighbour.GetProperty("probability"));
        Same(other.GetProperty("probability_masked").GetDouble(), masked.GetProperty("inversion"));
        Same(mask.GetProperty("probability_masked").GetDouble(), masked.GetProperty("mask"));

        string Verdict(JsonElement of, string probability, string label) =>
            $"{(of.GetProperty(label).GetString() == "sing" ? "singing" : "no singing")}, P = {of.GetProperty(probability).GetDouble():F3}";
        string Fate(JsonElement of) => of.GetProperty("label_masked").GetString() == other.GetProperty("label").GetString() ? "stays" : "changes";
        string Text(string name) => Browser.Element($"#moment [data-is={name}]").Text.Replace('\u00a0', ' ');
        Assert.Equal(Verdict(explained, "probability", "label"), Text("probability"));
        Assert.Equal($"{Verdict(other, "probability_masked", "label_masked")}: the label {Fate(other)}", Text("says-inversion"));
        Assert.Equal($"{Verdict(mask, "probability_masked", "label_masked")}: the label {Fate(mask)}", Text("says-mask"));
        Assert.Contains($"--at {start} --method both --area 0.2", Text("command"), StringComparison.Ordinal);
        if (asked == frame) Assert.Equal("", Text("asked"));
        else Assert.Contains(FormattableString.Invariant($"about the one at {asked / (double)FramesPerSecond:F2} s"), Text("asked"), StringComparison.Ordinal);
        Assert.Equal("", Browser.Complaints);
    }

    private JsonElement Explain(int frame)
    {
        string start = (frame / (double)FramesPerSecond).ToString("F6", CultureInfo.InvariantCulture);
        ProgramResult result = SvdProgram.Call(
            "explain", BrowserPages.Sample, "--at", start, "--method", "both", "--area", "0.2", "--json",
            "--out", pages.PathOf($"explained{Guid.NewGuid():N}"));
        return JsonDocument.Parse(result.Output).RootElement;
    }

    [BrowserFact]
    public void FitsAPhoneAndHasNamesAndContrast()
    {
        foreach ((int width, string scheme) in ((int, string)[])[(360, "light"), (360, "dark"), (1300, "light"), (1300, "dark")])
        {
            Browser.Emulate(width, 900, scheme);
            Open();
            Browser.Click("#overlay", 0.5, 0.3);
            Assert.True((bool)Browser.Run("return document.documentElement.scrollWidth <= innerWidth")!, $"wider than {width} pixels");
            object? nameless = Browser.Run(
                """
                const isNamed = element => element.ariaLabel || element.textContent.trim() || element.labels?.[0]?.textContent.trim();
                return [...document.querySelectorAll('button, input, canvas:not([aria-hidden])')].filter(element => !isNamed(element)).length;
                """);
            Assert.Equal(0L, nameless);
            double[] contrasts = Browser.Numbers(
                """
                const style = getComputedStyle(document.documentElement), g = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
                const luminance = name => {
                  g.fillStyle = style.getPropertyValue(`--${name}`);
                  g.fillRect(0, 0, 1, 1);
                  const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
                  const [r, green, b] = [...g.getImageData(0, 0, 1, 1).data].map(c => linear(c / 255));
                  return 0.2126 * r + 0.7152 * green + 0.0722 * b;
                };
                const pairs = [
                  ['text', 'page'], ['text', 'surface'], ['muted', 'page'], ['muted', 'surface'], ['threshold', 'surface'], ['on-accent', 'accent'],
                ];
                return pairs.map(pair => pair.map(luminance).sort((a, b) => b - a)).map(([light, dark]) => (light + 0.05) / (dark + 0.05));
                """);
            Assert.All(contrasts, contrast => Assert.InRange(contrast, 4.5, 21));
        }

        Browser.Emulate(1300, 900, "light");
    }

    [BrowserFact]
    public void TabGoesThroughTheControlsInOrder()
    {
        Open();
        List<string> order = [];
        for (int i = 0; i < 9; i++)
        {
            Browser.Press(OpenQA.Selenium.Keys.Tab);
            order.Add((string)Browser.Run("return document.activeElement.id || document.activeElement.name")!);
        }

        Assert.Equal(["play", "loop", "listen", "method", "share", "out", "in", "all", "overlay"], order);
    }

    [BrowserFact]
    public void TheIndexLeadsToThePages()
    {
        Browser.Open(File.Exists(pages.Page) ? pages.Index : "", until: null);
        Browser.Wait("return document.querySelectorAll('#songsTable tbody tr').length === 2");
        Assert.Equal($"{BrowserPages.OddName}.wav", Browser.Element("#songsTable a").Text);
        Assert.Equal("", Browser.Complaints);
        Browser.Element("#songsTable a").Click();
        Browser.Wait("return document.documentElement.dataset.ready === 'true'");
        Assert.Equal($"{BrowserPages.OddName}.wav", Browser.Element("h1").Text);
    }

    // Encoders put samples before the first one, and browsers do not all take them away.
    [BrowserFfmpegTheory]
    [InlineData("mp3", "the song's own file", "-c:a", "libmp3lame", "-b:a", "96k")]
    [InlineData("mp3", "the song's own file", "-c:a", "libmp3lame", "-b:a", "96k", "-write_xing", "0")]
    [InlineData("m4a", "the song's own file", "-c:a", "aac", "-ar", "48000")]
    [InlineData("ogg", "the song's own file", "-c:a", "libvorbis", "-ac", "2")]
    [InlineData("opus", "the song's own file", "-c:a", "libopus")]
    [InlineData("aiff", "MP3, made by ffmpeg")]
    public void TheBrowsersSoundIsInStepWithTheDetectors(string extension, string kind, params string[] encoder)
    {
        string name = $"step{Guid.NewGuid():N}", song = pages.PathOf($"{name}.{extension}"), heard = pages.PathOf($"{name}.wav");
        Ffmpeg(["-v", "error", "-i", BrowserPages.Sample, .. encoder, song]);
        Assert.Equal(0, SvdProgram.Call("page", song, "--out", pages.PathOf("steps"), "--every", "200").ExitCode);
        Browser.Open(Path.Combine(pages.PathOf("steps"), $"{name}.html"));
        PageFile page = new(Path.Combine(pages.PathOf("steps"), $"{name}.html"));
        Assert.Equal(kind, page.Song.GetProperty("sound").GetProperty("kind").GetString());

        // What the browser plays, at the detector's rate, against what the detector heard.
        double[] played = Browser.Numbers(
            """
            const sound = await page.sound(), factor = sound.rate / 22050;
            const mean = i => sound.channels.reduce((sum, channel) => sum + channel.subarray(i * factor, (i + 1) * factor).reduce((a, b) => a + b, 0), 0);
            return Array.from({ length: 44100 }, (_, i) => mean(5 * 22050 + i));
            """);
        float[] detector = Samples.Of(song);
        double Fit(int lag)
        {
            double xy = 0, xx = 0, yy = 0;
            for (int i = 0; i < played.Length; i++)
            {
                double y = detector[5 * SampleRate + i + lag];
                (xy, xx, yy) = (xy + played[i] * y, xx + played[i] * played[i], yy + y * y);
            }

            return xy / Math.Sqrt(xx * yy);
        }

        Assert.InRange(Fit(0), 0.95, 1.0001);
        Assert.Equal(0, Enumerable.Range(-50, 101).MaxBy(Fit), 1.0);
        Assert.Equal("", Browser.Complaints);
    }

    private static void Ffmpeg(string[] arguments)
    {
        using AudioTool ffmpeg = new(AudioTool.Find(FfmpegSkip.SearchPath, "ffmpeg")!, arguments, AudioTool.UsualPatience);
        ffmpeg.Read(new byte[1]);
        Assert.Equal(0, ffmpeg.ExitCode);
    }

    // The mean of the masks of all excerpts there, frames×80.
    private static float[] MeanMask(PageFile page, string method, int share)
    {
        float[] sum = new float[page.Frames * Bands];
        int[] covers = new int[page.Frames];
        foreach ((byte[] levels, int start) in page.Levels(method).Zip(page.Starts))
        {
            for (int i = 0; i < ExcerptLength; i++) sum[start * Bands + i] += levels[i] <= share ? 1 : 0;
            for (int frame = 0; frame < ExcerptFrames; frame++) covers[start + frame]++;
        }

        Assert.All(covers, count => Assert.True(count > 0));
        for (int i = 0; i < sum.Length; i++) sum[i] /= covers[i / Bands];
        return sum;
    }

    private void Open() => Browser.Open(pages.Page);

    private string Picture() => (string)Browser.Run("return document.getElementById('picture').toDataURL()")!;

    private double Number(string script, bool isAsync = false) => Convert.ToDouble(isAsync ? Browser.RunAsync(script) : Browser.Run(script));
}
