// The song's sound, and what the masks keep of it. The masks become gains of the frequencies of each frame, the phases stay as they are, and the frames
// are put together again by weighted overlap-add (Griffin and Lim, IEEE Trans. ASSP 1984):
//   kept[n] = Σ_f w[n − H·f] · IFFT(g_f ⊙ FFT(w ⊙ x_f))[n − H·f] / Σ_f w²[n − H·f]
// What is left is the song minus that. At twice the detector's sample rate a frame has twice the samples, so frames and frequencies are where they were.

const LONG_SONG = 900, SHORTEST_MATCH = 0.3;

class Sound {
  /** Samples of a channel a second. */
  rate;

  /** How many samples later the browser's decoder starts than the detector's, in samples of the detector's rate. */
  lag = 0;

  /** How well the two fit there: 1 if they are the same. */
  match = 1;

  /** The song's samples by channel; its first sample is the detector's. */
  channels;

  #factor;
  #fourier;
  #window;
  #weight;

  /** Takes the samples of one or two channels at once or twice the detector's rate. */
  constructor(channels, rate) {
    this.channels = channels;
    this.rate = rate;
    this.#factor = rate / song.sample_rate;
    const size = song.frame_length * this.#factor, hop = song.hop * this.#factor;
    this.#fourier = new Fourier(size);
    this.#window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / (size - 1)));
    this.#weight = new Float64Array(hop);
    this.#window.forEach((w, i) => { this.#weight[i % hop] += w * w; });
  }

  /** Decodes the sound in the page. Long songs have the detector's sample rate, to save memory. */
  static async decode() {
    const rate = song.sample_rate * (seconds > LONG_SONG ? 1 : 2);
    const parts = Array.from({ length: song.sound.blocks }, (_, i) => bytesOf(`sound${i}`));
    const decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await new Blob(parts).arrayBuffer());
    let channels = Array.from({ length: decoded.numberOfChannels }, (_, i) => decoded.getChannelData(i));
    if (channels.length > 2) channels = [channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length)];
    const { lag, match } = await findLag(channels, rate / song.sample_rate);
    const sound = new Sound(channels.map(channel => shifted(channel, lag * rate / song.sample_rate, song.sound.song_samples * rate / song.sample_rate)), rate);
    return Object.assign(sound, { lag, match });
  }

  get length() {
    return this.channels[0].length;
  }

  /** What a method keeps of some samples at a share: an array for each channel. */
  async kept(from, length, method, share) {
    const size = this.#window.length, hop = this.#weight.length, half = size / 2;
    const first = Math.floor((from - size) / hop) + 1, last = Math.floor((from + length - 1) / hop);
    const rows = await gainRows(method, share, first, last);
    const [left, right] = [this.channels[0], this.channels[1] ?? this.channels[0]];
    const sums = this.channels.map(() => new Float64Array(length));
    const re = new Float64Array(size), im = new Float64Array(size), gains = new Float64Array(half + 1);
    for (let frame = first; frame <= last; frame++) {
      const start = frame * hop;
      for (let i = 0; i < size; i++) {
        // Two real channels are transformed as one complex one, which gains that are the same for −k and k do not mix.
        re[i] = this.#window[i] * (left[start + i] ?? 0);
        im[i] = this.#window[i] * (right[start + i] ?? 0);
      }
      this.#fourier.forward(re, im);
      spread(rows(frame), gains);
      for (let k = 0; k < size; k++) {
        const gain = gains[k <= half ? k : size - k] / size;
        re[k] *= gain;
        im[k] *= gain;
      }
      this.#fourier.backward(re, im);
      for (let i = Math.max(0, from - start); i < Math.min(size, from + length - start); i++) {
        sums[0][start + i - from] += this.#window[i] * re[i];
        if (sums[1]) sums[1][start + i - from] += this.#window[i] * im[i];
      }
    }
    return sums.map(sum => Float32Array.from(sum, (value, i) => value / this.#weight[(from + i) % hop]));
  }
}

// The masks of frames: before the song and after it that of the nearest frame.
async function gainRows(method, share, first, last) {
  const clamp = frame => Math.min(Math.max(frame, 0), song.frame_count - 1);
  const tiles = new Map();
  for (let tile = Math.floor(clamp(first) / TILE); tile <= Math.floor(clamp(last) / TILE); tile++) tiles.set(tile, await gainsOf(method, share, tile));
  return frame => {
    const at = clamp(frame), tile = Math.floor(at / TILE), row = (at - tile * TILE) * BANDS;
    return tiles.get(tile).subarray(row, row + BANDS);
  };
}

// A frame's mask of 80 bands to gains of its frequencies. Those above the detector's have the gain of its highest.
function spread(mask, gains) {
  const known = song.gains.length;
  for (let k = 0; k < gains.length; k++) {
    if (k >= known) {
      gains[k] = gains[known - 1];
      continue;
    }
    const row = song.gains[k];
    let gain = 0;
    for (let i = 1; i < row.length; i++) gain += row[i] * mask[row[0] + i - 1];
    gains[k] = gain;
  }
}

// Where the loudest part of the song, as the detector heard it, is in what the browser decoded: the lag at which the two correlate best.
async function findLag(channels, factor) {
  const heard = new Int16Array((await unpack('fingerprint')).buffer), reach = song.sample_rate, size = 1 << 16;
  const from = song.sound.start - reach, length = heard.length + 2 * reach;
  const used = song.sound.channel === 'mix' ? channels : [channels[song.sound.channel === 'right' ? channels.length - 1 : 0]];
  const x = Float64Array.from({ length }, (_, i) => {
    let sum = 0;
    for (const channel of used) for (let j = 0; j < factor; j++) sum += channel[(from + i) * factor + j] ?? 0;
    return sum;
  });
  const fourier = new Fourier(size);
  const [aRe, aIm, bRe, bIm] = Array.from({ length: 4 }, () => new Float64Array(size));
  aRe.set(x);
  bRe.set(heard);
  fourier.forward(aRe, aIm);
  fourier.forward(bRe, bIm);
  for (let k = 0; k < size; k++) {
    [aRe[k], aIm[k]] = [aRe[k] * bRe[k] + aIm[k] * bIm[k], aIm[k] * bRe[k] - aRe[k] * bIm[k]];
  }
  fourier.backward(aRe, aIm);
  const energyHeard = heard.reduce((sum, value) => sum + value * value, 0);
  let energy = 0, best = { lag: 0, match: 0 };
  for (let i = 0; i < heard.length; i++) energy += x[i] * x[i];
  for (let i = 0; i <= 2 * reach; i++) {
    const match = aRe[i] / size / Math.sqrt(energy * energyHeard + 1e-30);
    if (match > best.match) best = { lag: i - reach, match };
    energy += (x[i + heard.length] ?? 0) ** 2 - x[i] ** 2;
  }
  return best.match >= SHORTEST_MATCH ? best : { lag: 0, match: best.match };
}

function shifted(channel, lag, length) {
  const result = new Float32Array(length), from = Math.max(0, lag);
  result.set(channel.subarray(from, Math.max(from, Math.min(channel.length, lag + length))), from - lag);
  return result;
}
