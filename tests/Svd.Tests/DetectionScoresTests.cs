using Engine.Svd.Predict;

namespace Engine.Svd.Tests;

/// <summary>Scores and thresholds of a few frames, worked by hand, and of many, by their definitions.</summary>
public class DetectionScoresTests
{
    // Ratios of small integers: nothing but the last digit of a double.
    private const double Tolerance = 1e-15;

    // From 0.5 on: three of four sung frames are found, and one of six others.
    private static readonly float[] Probabilities = [0.9f, 0.8f, 0.7f, 0.6f, 0.4f, 0.3f, 0.2f, 0.2f, 0.1f, 0];
    private static readonly float[] Labels = [1, 1, 0, 1, 0, 1, 0, 0, 0, 0];

    [Fact]
    public void KnownAnswer()
    {
        DetectionScores scores = DetectionScores.Of(Probabilities, Labels, 0.5);
        Assert.Equal((3, 1, 5, 1, 10), (scores.TruePositives, scores.FalsePositives, scores.TrueNegatives, scores.FalseNegatives, scores.Frames));
        Assert.Equal(2 / 10.0, scores.Error!.Value, Tolerance);
        Assert.Equal(3 / 4.0, scores.Precision!.Value, Tolerance);
        Assert.Equal(3 / 4.0, scores.Recall!.Value, Tolerance);
        Assert.Equal(5 / 6.0, scores.Specificity!.Value, Tolerance);
        Assert.Equal(3 / 4.0, scores.F1!.Value, Tolerance);

        // Of the 24 pairs three are in the wrong order: 0.6 below 0.7, and 0.3 below 0.7 and 0.4.
        Assert.Equal(21 / 24.0, scores.RocArea!.Value, Tolerance);
    }

    [Fact]
    public void TheBestErrorIsThatOfTheBestThreshold()
    {
        // From 0.75 on two of four sung frames are missed, from 0.5 on one and one is wrong: two of ten is the best at any threshold.
        DetectionScores scores = DetectionScores.Of(Probabilities, Labels, 0.95);
        Assert.Equal(4 / 10.0, scores.Error!.Value, Tolerance);
        Assert.Equal(2 / 10.0, scores.BestError!.Value, Tolerance);
        Assert.Equal(ClassThreshold.Tune(Probabilities, Labels), scores.BestThreshold);
    }

    [Fact]
    public void BrierScoreAndCalibrationError()
    {
        // Squares: 1/4², 3/4², 1/4², 1/4², 0.
        float[] probabilities = [0.75f, 0.75f, 0.75f, 0.25f, 1], labels = [1, 0, 1, 0, 1];
        DetectionScores scores = DetectionScores.Of(probabilities, labels, 0.5);
        Assert.Equal((1 + 9 + 1 + 1) / 16.0 / 5, scores.BrierScore!.Value, Tolerance);

        // Three frames are called 3/4 and two of them are sung; one is called 1/4 and is not.
        Assert.Equal((3 * (3 / 4.0 - 2 / 3.0) + 1 / 4.0) / 5, scores.CalibrationError!.Value, Tolerance);
        ReliabilityCurve curve = ReliabilityCurve.Of(probabilities, labels);
        Assert.Equal([0, 0, 1, 0, 0, 0, 0, 3, 0, 1], curve.Bins.Select(bin => bin.Frames));
        Assert.Equal(new ReliabilityBin(0.7, 0.8, 3, 0.75, 2 / 3.0), curve.Bins[7]);
        Assert.Equal(new ReliabilityBin(0, 0.1, 0, null, null), curve.Bins[0]);
        Assert.Null(ReliabilityCurve.Of([], []).CalibrationError);
        Assert.Throws<ArgumentException>(() => ReliabilityCurve.Of([0.5f], []));
    }

    [Fact]
    public void CalibratedProbabilitiesHaveASmallCalibrationError()
    {
        Random random = new(3);
        float[] probabilities = [.. Enumerable.Range(0, 20_000).Select(_ => random.NextSingle())];
        float[] labels = [.. probabilities.Select(p => random.NextSingle() < p ? 1f : 0f)];
        Assert.InRange(ReliabilityCurve.Of(probabilities, labels).CalibrationError!.Value, 0, 0.02);

        // ∫ p(1 − p) dp = 1/6; all too sure of themselves, they miss.
        Assert.InRange(DetectionScores.Of(probabilities, labels, 0.5).BrierScore!.Value, 1 / 6.0 - 0.01, 1 / 6.0 + 0.01);
        float[] sure = [.. probabilities.Select(p => p > 0.5f ? 0.99f : 0.01f)];
        Assert.InRange(ReliabilityCurve.Of(sure, labels).CalibrationError!.Value, 0.2, 0.3);
    }

    [Fact]
    public void AProbabilityAtTheThresholdCountsAsSinging() =>
        Assert.Equal((1, 1), (DetectionScores.Of([0.5f], [1], 0.5).TruePositives, DetectionScores.Of([0.5f], [1], 0.51).FalseNegatives));

    [Fact]
    public void PrecisionIsNotRecall()
    {
        DetectionScores scores = DetectionScores.Of([0.9f, 0.9f, 0.9f, 0.1f], [1, 0, 0, 1], 0.5);
        Assert.Equal(1 / 3.0, scores.Precision!.Value, Tolerance);
        Assert.Equal(1 / 2.0, scores.Recall!.Value, Tolerance);
        Assert.Equal(2 / 5.0, scores.F1!.Value, Tolerance);
        Assert.Equal(0, scores.Specificity!.Value);
    }

    // Perfect, reversed, all tied, and two frames of which one ties: (1 + 1 + 1/2 + 0) / 4.
    [Theory]
    [InlineData(1, new[] { 0.1f, 0.2f, 0.3f, 0.4f })]
    [InlineData(0, new[] { 0.4f, 0.3f, 0.2f, 0.1f })]
    [InlineData(0.5, new[] { 0.3f, 0.3f, 0.3f, 0.3f })]
    [InlineData(0.625, new[] { 0.1f, 0.3f, 0.3f, 0.2f })]
    public void RocAreaOfTwoSungFramesBehindTwoOthers(double area, float[] probabilities) =>
        Assert.Equal(area, DetectionScores.Of(probabilities, [0, 0, 1, 1], 0.5).RocArea!.Value, Tolerance);

    [Fact]
    public void WhatHasNoDenominatorIsNull()
    {
        DetectionScores silent = DetectionScores.Of([0.1f, 0.2f], [0, 0], 0.5), sung = DetectionScores.Of([0.9f], [1], 0.5);
        Assert.Equal((0, null, null, 1, null, null), (silent.Error, silent.Precision, silent.Recall, silent.Specificity, silent.F1, silent.RocArea));
        Assert.Equal((0, 1, 1, null, 1, null), (sung.Error, sung.Precision, sung.Recall, sung.Specificity, sung.F1, sung.RocArea));
        DetectionScores nothing = DetectionScores.Of([], [], 0.5);
        Assert.Equal((null, null, null), (nothing.Error, nothing.BestError, nothing.BrierScore));
    }

    [Theory]
    [InlineData(0.5, new[] { 0.25f, 0.75f }, new[] { 0f, 1f })]
    [InlineData(0.375, new[] { 0.125f, 0.25f, 0.5f, 0.75f }, new[] { 1f, 0f, 1f, 1f })]
    [InlineData(0.125, new[] { 0.25f, 0.5f }, new[] { 1f, 1f })] // All are sung: from 0 to the least probable.
    [InlineData(0.75, new[] { 0.25f, 0.5f }, new[] { 0f, 0f })] // None is: from the most probable to 1.
    [InlineData(0, new[] { 0f, 0f }, new[] { 1f, 1f })]
    [InlineData(0.5, new[] { 0f, 1f, 1f }, new[] { 0f, 0f, 1f })] // Nothing is above 1: 1 always counts as singing.
    [InlineData(0.625, new[] { 0.125f, 0.25f, 0.5f, 0.75f, 0.875f }, new[] { 0f, 1f, 0f, 1f, 1f })] // 1/8 to 1/4 is shorter than 1/2 to 3/4.
    [InlineData(0.1875, new[] { 0.125f, 0.25f, 0.75f, 0.8125f }, new[] { 0f, 1f, 0f, 1f })] // 1/8 to 1/4, longer than 3/4 to 13/16.
    [InlineData(0.5, new[] { 0.25f, 0.5f, 0.5f, 0.75f }, new[] { 0f, 0f, 1f, 1f })] // At 1/2 one error is made for another: the interval goes on.
    [InlineData(0.1875, new[] { 0.125f, 0.25f, 0.75f, 0.875f }, new[] { 0f, 1f, 0f, 1f })] // Equally long: the lower.
    public void TunedThreshold(double threshold, float[] probabilities, float[] labels) =>
        Assert.Equal(threshold, ClassThreshold.Tune(probabilities, labels));

    [Fact]
    public void NoThresholdMakesFewerErrorsThanTheTunedOne()
    {
        Random random = new(1);
        for (int trial = 0; trial < 200; trial++)
        {
            // Of few different values in every second trial, so that many are tied.
            int frames = random.Next(1, 40), values = trial % 2 == 0 ? 8 : 1 << 20;
            float[] probabilities = [.. Enumerable.Range(0, frames).Select(_ => random.Next(values + 1) / (float)values)];
            float[] labels = [.. probabilities.Select(p => random.NextDouble() < 0.2 + 0.6 * p ? 1f : 0f)];
            double tuned = ClassThreshold.Tune(probabilities, labels);
            Assert.InRange(tuned, 0, 1);
            int fewest = probabilities.Select(p => (double)p).Append(Math.Min(1, probabilities.Max() + 1e-3)).Min(Errors);
            Assert.Equal(fewest, Errors(tuned));

            int Errors(double threshold) => probabilities.Zip(labels, (p, label) => p >= threshold != label > 0).Count(wrong => wrong);
        }
    }

    [Fact]
    public void RocAreaIsTheShareOfPairsInTheRightOrder()
    {
        Random random = new(2);
        for (int trial = 0; trial < 50; trial++)
        {
            float[] probabilities = [.. Enumerable.Range(0, 60).Select(_ => random.Next(20) / 20f)];
            float[] labels = [1, 0, .. probabilities.Skip(2).Select(p => random.NextDouble() < p ? 1f : 0f)];
            double[] pairs =
            [
                .. from sung in Enumerable.Range(0, 60) where labels[sung] > 0
                   from other in Enumerable.Range(0, 60) where labels[other] == 0
                   select probabilities[sung] > probabilities[other] ? 1 : probabilities[sung] == probabilities[other] ? 0.5 : 0,
            ];
            Assert.Equal(pairs.Average(), DetectionScores.Of(probabilities, labels, 0.5).RocArea!.Value, Tolerance);
        }
    }

    [Fact]
    public void EveryFrameNeedsALabel()
    {
        Assert.Throws<ArgumentException>(() => ClassThreshold.Tune([0.5f], []));
        Assert.Throws<ArgumentException>(() => ClassThreshold.Tune([], []));
        Assert.Throws<ArgumentException>(() => DetectionScores.Of([0.5f], [], 0.5));
    }
}
