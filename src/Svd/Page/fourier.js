// The fast Fourier transform (Cooley and Tukey, radix 2) of complex numbers, in place.

class Fourier {
  #size;
  #cos;
  #sin;
  #reversed;

  /** Prepares transforms of a size that is a power of two. */
  constructor(size) {
    this.#size = size;
    this.#cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos(2 * Math.PI * i / size));
    this.#sin = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin(2 * Math.PI * i / size));
    this.#reversed = new Uint32Array(size);
    for (let i = 1; i < size; i++) this.#reversed[i] = (this.#reversed[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
  }

  /** X[k] = Σ x[n]·exp(−2πi·k·n/N). */
  forward(re, im) {
    const size = this.#size, cos = this.#cos, sin = this.#sin;
    for (let i = 0; i < size; i++) {
      const j = this.#reversed[i];
      if (j <= i) continue;
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
    for (let half = 1, step = size / 2; half < size; half *= 2, step /= 2) {
      for (let block = 0; block < size; block += 2 * half) {
        for (let i = 0; i < half; i++) {
          const a = block + i, b = a + half, c = cos[i * step], s = sin[i * step];
          const r = re[b] * c + im[b] * s, m = im[b] * c - re[b] * s;
          re[b] = re[a] - r;
          im[b] = im[a] - m;
          re[a] += r;
          im[a] += m;
        }
      }
    }
  }

  /** x[n] = Σ X[k]·exp(2πi·k·n/N), not divided by N. */
  backward(re, im) {
    this.forward(im, re);
  }
}
