using Engine.Svd;
using Engine.Svd.Data;

using Detector detector = Detector.LoadBundled();
foreach (Segment segment in detector.Predict(args[0]).Segments)
    Console.WriteLine($"{segment.StartSeconds:F2} s to {segment.EndSeconds:F2} s: {(segment.Singing ? "singing" : "no singing")}");
