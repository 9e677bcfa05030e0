using Engine.Svd.Predict;

namespace Engine.Svd.Tests;

public class CalibrationTests
{
    [Fact]
    public void FindsTheTemperatureAndTheOffsetThatProbabilitiesWereSpoiledWith()
    {
        // Calibrated probabilities, made too sure by a temperature of 2.5 and shifted by −0.8.
        Random random = new(1);
        double[] right = [.. Enumerable.Range(0, 100_000).Select(_ => random.NextDouble())];
        float[] labels = [.. right.Select(p => random.NextDouble() < p ? 1f : 0f)];
        float[] spoiled = [.. right.Select(p => (float)(1 / (1 + Math.Exp(-2.5 * (Math.Log(p / (1 - p)) - 0.8)))))];
        Calibration calibration = Calibration.Fit(spoiled, labels)!;

        // Of so many frames the standard error of both is about 0.01.
        Assert.Equal(2.5, calibration.Temperature, 0.1);
        Assert.Equal(0.8, calibration.Offset, 0.05);
        float[] mended = [.. spoiled.Select(p => (float)calibration.Apply(p))];
        Assert.InRange(ReliabilityCurve.Of(mended, labels).CalibrationError!.Value, 0, 0.01);
        Assert.InRange(ReliabilityCurve.Of(spoiled, labels).CalibrationError!.Value, 0.1, 1);
        Assert.Equal(DetectionScores.Of(spoiled, labels, 0.5).RocArea!.Value, DetectionScores.Of(mended, labels, 0.5).RocArea!.Value, 1e-4);
    }

    [Fact]
    public void NoneChangesNothing() => Assert.Equal(0.3, Calibration.None.Apply(0.3), 1e-12);

    [Fact]
    public void WhereAllAreRightItIsStillFinite()
    {
        Calibration calibration = Calibration.Fit([0.2f, 0.3f, 0.7f, 0.8f], [0, 0, 1, 1])!;
        Assert.True(double.IsFinite(calibration.Temperature) && calibration.Temperature > 0 && double.IsFinite(calibration.Offset));
    }

    [Theory]
    [InlineData(new[] { 0.2f, 0.8f }, new[] { 1f, 1f })] // All are sung.
    [InlineData(new[] { 0.2f, 0.8f }, new[] { 0f, 0f })] // None is.
    [InlineData(new[] { 0.5f, 0.5f }, new[] { 0f, 1f })] // All alike.
    [InlineData(new[] { 0.2f, 0.8f }, new[] { 1f, 0f })] // The wrong way round.
    [InlineData(new float[0], new float[0])]
    public void WhatCannotBeToldIsNull(float[] probabilities, float[] labels) => Assert.Null(Calibration.Fit(probabilities, labels));

    [Fact]
    public void ZeroAndOneAreProbabilitiesToo()
    {
        Calibration calibration = Calibration.Fit([0, 0, 1, 1, 0.5f, 0.4f], [0, 1, 1, 0, 1, 0])!;
        Assert.InRange(calibration.Apply(0), 0, 1);
        Assert.InRange(calibration.Apply(1), calibration.Apply(0), 1);
    }

    [Fact]
    public void IntervalsOverSongsHoldTheErrorOfAll()
    {
        DetectionScores[] songs = [.. Enumerable.Range(0, 10).Select(i => new DetectionScores(50, i, 50 - i, 0, null))];
        (double low, double high) = SongBootstrap.Interval(songs, scores => scores.Error)!.Value;
        Assert.Equal(0.045, DetectionScores.Sum(songs).Error!.Value, 1e-12);

        // The deviation of one song's error is 0.0287, of the mean of ten 0.0091.
        Assert.InRange(low, 0.02, 0.033);
        Assert.InRange(high, 0.057, 0.07);
        Assert.Equal((0.1, 0.1), SongBootstrap.Interval([new(9, 1, 0, 0, null)], scores => scores.Error)!.Value);
        Assert.Null(SongBootstrap.Interval([new(0, 0, 1, 0, null), new(1, 0, 0, 0, null)], scores => scores.Precision));
        Assert.Null(SongBootstrap.Interval([], scores => scores.Error));
    }
}
