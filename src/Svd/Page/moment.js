// One excerpt, as svd explain shows it: the input, its importance, the mask and the explanation, and what the detector says of them.

const NETWORKS = { mask: 'mask network', inversion: 'inversion' };

class Moment {
  #element;
  #answers;
  #number = null;

  /** @param answers three numbers an excerpt: the probability, and those of the explanations by the two methods, or NaN where the detector was not asked. */
  constructor(element, answers) {
    this.#element = element;
    this.#answers = answers;
  }

  /** The excerpt's seconds; null for none. */
  get range() {
    if (this.#number === null) return null;
    const from = excerpts.start(this.#number) / FPS;
    return { from, to: from + EXCERPT / FPS };
  }

  /** What is said of the excerpt, as svd explain prints it; the masks may be those of a neighbour, of which it says the start and the probability. */
  get numbers() {
    const of = number => this.#answers.subarray(3 * number, 3 * number + 3), asked = excerpts.asked(this.#number);
    const [probability] = of(this.#number), [unmasked, ...masked] = of(asked);
    return {
      start: this.range.from, probability,
      asked: { start: excerpts.start(asked) / FPS, probability: unmasked, masked: Object.fromEntries(song.methods.map((method, i) => [method, masked[i]])) },
    };
  }

  /** Explains the excerpt around a time by a method, with a mask of a share of its bins. */
  async show(time, { method, share }) {
    if (time !== null) this.#number = excerpts.nearest(time * FPS);
    if (this.#number === null) return;
    this.#element.hidden = false;
    this.#write(method);
    const number = this.#number, start = excerpts.start(number), tile = Math.floor(start / TILE), k = excerpts.in(tile).indexOf(number);
    const levels = (await levelsOf(method, tile)).subarray(k * EXCERPT * BANDS, (k + 1) * EXCERPT * BANDS), input = await excerptOf(start);
    if (number !== this.#number) return;
    const low = Math.min(...input), high = Math.max(...input), scale = value => 255 * (value - low) / (high - low || 1) | 0;
    const most = song.shares.length - 1;
    this.#paint('input', i => [KEPT, scale(input[i])]);
    this.#paint('importance', i => [KEPT, 255 * (1 - levels[i] / most) | 0]);
    this.#paint('mask', i => [KEPT, levels[i] <= share ? 255 : 0]);
    this.#paint('explanation', i => levels[i] <= share ? [KEPT, scale(input[i])] : null);
  }

  #write(method) {
    const { start, probability, asked } = this.numbers, put = (name, text) => { this.#element.querySelector(`[data-is="${name}"]`).textContent = text; };
    const sings = p => p >= song.class_threshold, verdict = p => `${sings(p) ? 'singing' : 'no singing'}, P\u00a0=\u00a0${p.toFixed(3)}`;
    put('when', `${start.toFixed(2)} s to ${this.range.to.toFixed(2)} s`);
    put('probability', verdict(probability));
    put('share', `${percent(song.shares[song.asked_share])} of the bins`);
    for (const name of song.methods) {
      const masked = asked.masked[name], fate = sings(masked) === sings(asked.probability) ? 'stays' : 'changes';
      put(`says-${name}`, `${verdict(masked)}: the label ${fate}`);
    }
    put('asked', asked.start === start ? '' : `The detector was asked about the masks of one excerpt in ${song.asked_every / song.every}: the last two lines are about the one at `
      + `${asked.start.toFixed(2)} s, P\u00a0=\u00a0${asked.probability.toFixed(3)}.`);
    put('importance-title', method === 'inversion' ? 'Inverted, by rank' : 'Importance rank');
    put('by', `Panels B to D are by the ${NETWORKS[method]}.`);
    put('command', `svd explain SONG --at ${start.toFixed(6)} --method both --area ${song.shares[song.asked_share]}`);
  }

  #paint(name, colourOf) {
    const image = new ImageData(EXCERPT, BANDS);
    for (let frame = 0; frame < EXCERPT; frame++) {
      for (let band = 0; band < BANDS; band++) {
        const [table, value] = colourOf(frame * BANDS + band) ?? [null, 0], at = 4 * ((BANDS - 1 - band) * EXCERPT + frame);
        for (let c = 0; c < 3; c++) image.data[at + c] = table ? table[3 * value + c] : 152;
        image.data[at + 3] = 255;
      }
    }
    const canvas = this.#element.querySelector(`canvas[data-is="${name}"]`);
    [canvas.width, canvas.height] = [EXCERPT, BANDS];
    canvas.getContext('2d').putImageData(image, 0, 0);
  }
}

/** A share as people write it. */
function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)} %`;
}

// The detector's input: the spectrogram, normalised band by band.
async function excerptOf(start) {
  const { lowest, step, mean, std } = song.spectrogram, input = new Float32Array(EXCERPT * BANDS);
  for (let frame = 0; frame < EXCERPT; frame++) {
    const tile = Math.floor((start + frame) / TILE), values = await spectrogramOf(tile), row = (start + frame - tile * TILE) * BANDS;
    for (let band = 0; band < BANDS; band++) input[frame * BANDS + band] = (lowest + step * values[row + band] - mean[band]) / std[band];
  }
  return input;
}
