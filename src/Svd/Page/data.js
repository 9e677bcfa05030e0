// What the page knows: the numbers about the song, and the tiles that are packed into elements of the page and unpacked when they are needed.

const song = JSON.parse(document.getElementById('song').textContent);
const BANDS = song.bands, EXCERPT = song.excerpt_frames, TILE = song.tile_frames, FPS = song.frames_per_second;
const seconds = song.frame_count / FPS;
const tileCount = Math.ceil(song.frame_count / TILE);

/** The bytes of an element of base64. */
function bytesOf(id) {
  const text = document.getElementById(id)?.textContent ?? '';
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
}

/** The bytes of an element of deflated base64. */
async function unpack(id) {
  const packed = bytesOf(id);
  if (packed.length === 0) return packed;
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** As many float32 numbers as an element of deflated base64 holds. */
async function unpackNumbers(id) {
  return new Float32Array((await unpack(id)).buffer);
}

/** Keeps the results of asynchronous work, the last used ones only. */
class Cache {
  #limit;
  #kept = new Map();

  constructor(limit) {
    this.#limit = limit;
  }

  /** The promise under a key, which is made where there is none. */
  get(key, make) {
    const found = this.#kept.get(key) ?? make();
    this.#kept.delete(key);
    this.#kept.set(key, found);
    if (this.#kept.size > this.#limit) this.#kept.delete(this.#kept.keys().next().value);
    return found;
  }
}

/** Excerpts are numbered in order. They start every few frames; one more may end with the song. */
const excerpts = {
  regular: Math.floor((song.frame_count - EXCERPT) / song.every) + 1,

  get count() {
    return this.regular + ((song.frame_count - EXCERPT) % song.every ? 1 : 0);
  },

  /** The first frame of an excerpt. */
  start(number) {
    return number < this.regular ? number * song.every : song.frame_count - EXCERPT;
  },

  /** The numbers of those that start in a tile. */
  in(tile) {
    const first = Math.ceil(tile * TILE / song.every), numbers = [];
    for (let number = first; number < this.count && this.start(number) < (tile + 1) * TILE; number++) numbers.push(number);
    return numbers.filter(number => this.start(number) >= tile * TILE);
  },

  /** The one whose middle is nearest to a frame. */
  nearest(frame) {
    return this.nearestOf(1, frame - (EXCERPT - 1) / 2);
  },

  /** The nearest to one of which the detector was asked about the masks, too. The last one is always among them. */
  asked(number) {
    return this.nearestOf(song.asked_every / song.every, this.start(number));
  },

  /** The one that starts nearest to a frame, of every few of them and the last. */
  nearestOf(step, start) {
    const most = Math.floor((this.regular - 1) / step) * step, last = this.count - 1;
    const regular = Math.min(Math.max(Math.round(start / (step * song.every)) * step, 0), most);
    return last >= this.regular && Math.abs(this.start(last) - start) < Math.abs(this.start(regular) - start) ? last : regular;
  },
};

const unpacked = new Cache(96), gainTiles = new Cache(96);

// Each frame is packed as its difference from the one before, within parts of some number of frames.
async function undoDifferences(id, partFrames) {
  const bytes = await unpack(id), part = partFrames * BANDS;
  for (let i = BANDS; i < bytes.length; i++) {
    if (i % part >= BANDS) bytes[i] += bytes[i - BANDS];
  }
  return bytes;
}

/** A tile's spectrogram, frames×80 bytes. */
function spectrogramOf(tile) {
  return unpacked.get(`spectrogram${tile}`, () => undoDifferences(`spectrogram${tile}`, TILE));
}

/** The levels of the excerpts that start in a tile, excerpts×115×80 bytes: the number of the first share at which a method keeps the bin. */
function levelsOf(method, tile) {
  return unpacked.get(method + tile, () => undoDifferences(method + tile, EXCERPT));
}

/** Which part of each bin of a tile a method keeps at a share, frames×80 numbers from 0 to 1: the mean of the masks of all excerpts there. */
function gainsOf(method, share, tile) {
  return gainTiles.get(`${method} ${share} ${tile}`, () => averageMasks(method, share, tile));
}

async function averageMasks(method, share, tile) {
  const frames = Math.min(TILE, song.frame_count - tile * TILE);
  const gains = new Float32Array(frames * BANDS), covers = new Uint8Array(frames);
  for (const source of [tile - 1, tile]) {
    if (source < 0) continue;
    const levels = await levelsOf(method, source);
    excerpts.in(source).forEach((number, k) => {
      const offset = excerpts.start(number) - tile * TILE;
      for (let f = Math.max(0, -offset); f < Math.min(EXCERPT, frames - offset); f++) {
        covers[offset + f]++;
        const from = (k * EXCERPT + f) * BANDS, to = (offset + f) * BANDS;
        for (let band = 0; band < BANDS; band++) {
          if (levels[from + band] <= share) gains[to + band]++;
        }
      }
    });
  }
  for (let i = 0; i < gains.length; i++) gains[i] /= covers[(i / BANDS) | 0];
  return gains;
}
