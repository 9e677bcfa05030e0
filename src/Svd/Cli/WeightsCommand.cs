using System.CommandLine;
using System.Text.Json;
using Engine.Nn;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary><c>svd weights</c>: shows what a weight file belongs to, and notes it in the file.</summary>
internal static class WeightsCommand
{
    public static Command Create()
    {
        Argument<string> file = new("WEIGHTS") { Description = "A weight file (.npz)." };
        Option<string?> classifier = new("--classifier") { Description = "Note that the weights were trained with this detector (.npz).", HelpName = "FILE" };
        Option<string?> statistics = new("--stats") { Description = "Note that the weights were trained with these statistics (.npz).", HelpName = "FILE" };
        Option<double?> threshold = new("--class-threshold") { Description = "Note that frames with P >= this count as singing.", HelpName = "P" };
        Options.Require(threshold, p => p is >= 0 and <= 1, "a number from 0 to 1");
        Option<string?> training = new("--training") { Description = "Note how the weights were trained.", HelpName = "TEXT" };
        Option<bool> json = Options.Json();
        Command command = new(
            "weights",
            "Shows what a weight file belongs to: the digests of the detector and of the statistics that it was trained with, its class threshold, the layer "
            + "that an inversion network inverts, and its training. With options it notes these in the file. The arrays do not change by a byte.\n\n"
            + "Example:\n  svd weights inverter.npz --classifier svdnet.npz --stats meanstd.npz")
        {
            file, classifier, statistics, threshold, training, json,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(file), parsed.GetValue(classifier), parsed.GetValue(statistics), parsed.GetValue(threshold), parsed.GetValue(training),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(string path, string? classifier, string? statistics, double? threshold, string? training, bool json)
    {
        OutputFolder.RequireApart([path], classifier, statistics);
        WeightFile file = WeightFile.Read(path);
        bool changes = classifier is not null || statistics is not null || threshold is not null || training is not null;

        // Damaged notes may be replaced.
        WeightNotes? old = changes && file.Comment.Length > 0 ? TryRead(file) : WeightNotes.Of(file), notes = old;
        if (changes)
        {
            old ??= new WeightNotes();
            notes = old with
            {
                Detector = classifier is null ? old.Detector : SvdNet.DigestOfFeatures(WeightFile.Read(classifier)),
                Statistics = statistics is null ? old.Statistics : BandStatistics.Read(statistics).Digest,
                ClassThreshold = threshold ?? old.ClassThreshold, Training = training ?? old.Training,
            };
            NpzFile.WriteComment(path, notes.ToString());
        }

        Report report = new(path, file.Shapes.Count, file.Digest, notes?.Detector, notes?.Statistics, notes?.ClassThreshold,
            notes?.Layer ?? InversionArchitecture.In(file)?.Layer.Name, notes?.Training);
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report);
        return 0;
    }

    private static WeightNotes? TryRead(WeightFile file)
    {
        try
        {
            return WeightNotes.Of(file);
        }
        catch (Kernels.EngineException)
        {
            return null;
        }
    }

    private static void Print(Report report)
    {
        const string unknown = "not noted";
        Console.WriteLine($"{report.File}: {report.Arrays} arrays");
        Console.WriteLine($"  digest           {report.Digest}");
        Console.WriteLine($"  detector         {report.Detector ?? unknown}");
        Console.WriteLine($"  statistics       {report.Statistics ?? unknown}");
        Console.WriteLine($"  class threshold  {(report.ClassThreshold is { } threshold ? FormattableString.Invariant($"{threshold:0.######}") : unknown)}");
        if (report.Layer is { } layer) Console.WriteLine($"  layer            {layer}, which it inverts");
        Console.WriteLine($"  training         {Kernels.MessageText.Line(report.Training ?? unknown)}");
    }

    internal sealed record Report(
        string File, int Arrays, string Digest, string? Detector, string? Statistics, double? ClassThreshold, string? Layer,
        string? Training);
}
