using Engine.Svd;

using Detector detector = Detector.LoadBundled();
SongExplanation found = detector.Explain(args[0]);
Console.WriteLine($"At {found.StartSeconds:F2} s: P(singing) = {found.Explanation.Probability:F3}.");
Console.WriteLine($"{found.Explanation.RelativeArea:P0} of the bins alone: P = {found.Explanation.ProbabilityMasked:F3}, "
    + $"the label {(found.LabelStays ? "stays" : "changes")}.");
