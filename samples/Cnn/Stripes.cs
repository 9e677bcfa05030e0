using Engine.Nn;

/// <summary>Noisy images of 12×12 pixels with stripes: of class 0 they lie, of class 1 they stand.</summary>
internal static class Stripes
{
    private const int Size = 12;

    public static (float[] Pixels, int[] Labels) Draw(int count, RandomSource random)
    {
        float[] pixels = new float[count * Size * Size];
        int[] labels = new int[count];
        for (int image = 0; image < count; image++)
        {
            labels[image] = random.NextInt(2);
            int start = random.NextInt(4);
            for (int pixel = 0; pixel < Size * Size; pixel++)
            {
                int across = labels[image] == 0 ? pixel / Size : pixel % Size;
                pixels[image * Size * Size + pixel] = (float)((start + across) / 2 % 2 + 0.5 * random.NextGaussian());
            }
        }

        return (pixels, labels);
    }
}
