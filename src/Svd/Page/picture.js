// The picture of the song: the spectrogram, in which what is kept glows, the probability of singing, the segments and the labels. All share one axis of time.

const LAYOUT = { left: 64, right: 10, curveTop: 14, curve: 92, lane: 16, gap: 8, axis: 26 };
const TICKS_HZ = [100, 200, 500, 1000, 2000, 4000, 6000];
const MOST_PIXELS_A_FRAME = 24, CROWDED_FRAMES = 16;

/** 256 colours between the given ones, which are evenly spaced. */
function ramp(...colours) {
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = i / 255 * (colours.length - 1), at = Math.min(Math.floor(place), colours.length - 2);
    for (let c = 0; c < 3; c++) table[3 * i + c] = colours[at][c] + (place - at) * (colours[at + 1][c] - colours[at][c]);
  }
  return table;
}

// Blue-grey for what is left and fire for what is kept: they differ in hue, in saturation and in brightness.
const LEFT = ramp([10, 13, 24], [34, 44, 64], [74, 88, 110], [128, 141, 160]);
const KEPT = ramp([22, 13, 30], [122, 30, 62], [214, 84, 40], [250, 166, 40], [255, 241, 176]);

/** A byte of the spectrogram as a brightness from 0 to 255. */
function brightness(value) {
  const { darkest, brightest } = song.spectrogram;
  return Math.max(0, Math.min(255, 255 * (value - darkest) / Math.max(1, brightest - darkest))) | 0;
}

/** Where a frequency is, in bands: 0 at the middle of the lowest band. */
function bandOf(hz) {
  const corners = song.corners_hz, above = Math.max(1, corners.findIndex(corner => corner >= hz));
  return above - 1 + (hz - corners[above - 1]) / (corners[above] - corners[above - 1]) - 1;
}

/** Seconds as 1:02 or 1:02.3. */
function clock(time, digits = 0) {
  const unit = 10 ** digits, rounded = Math.floor(time * unit + 1e-6) / unit, minutes = Math.floor(rounded / 60);
  return `${minutes}:${(rounded - 60 * minutes).toFixed(digits).padStart(digits ? 3 + digits : 2, '0')}`;
}

/** The stretches, in seconds, in which a test holds for the frame. */
function stretches(count, holds) {
  const found = [];
  for (let frame = 0, from = -1; frame <= count; frame++) {
    const is = frame < count && holds(frame);
    if (is && from < 0) from = frame;
    if (!is && from >= 0) {
      found.push([from / FPS, frame / FPS]);
      from = -1;
    }
  }
  return found;
}

class Picture extends EventTarget {
  /** The seconds that are in view. */
  view = { from: 0, to: seconds };

  /** The selected seconds, and the excerpt that is explained; null for none. */
  selection = null;
  excerpt = null;

  /** Where it plays, in seconds. */
  time = 0;

  #picture;
  #overlay;
  #overview;
  #masks;
  #raw;
  #smoothed;
  #errors;
  #bitmaps = new Cache(400);
  #drawn = new Map();
  #waiting = false;

  /** @param masks gives the method and the share whose masks are shown. */
  constructor({ picture, overlay, overview }, masks, raw, smoothed) {
    super();
    [this.#picture, this.#overlay, this.#overview, this.#masks, this.#raw, this.#smoothed] = [picture, overlay, overview, masks, raw, smoothed];
    const sung = time => song.labels?.some(([from, to]) => from <= time && time < to);
    this.#errors = song.labels ? stretches(song.frame_count, frame => (smoothed[frame] >= song.class_threshold) !== sung(frame / FPS)) : [];
    new ResizeObserver(() => this.draw()).observe(picture.parentElement);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.#listen();
  }

  get #width() {
    return this.#picture.parentElement.clientWidth - LAYOUT.left - LAYOUT.right;
  }

  get #spectrogramHeight() {
    const { curveTop, curve, lane, gap, axis } = LAYOUT;
    return this.#picture.parentElement.clientHeight - curveTop - curve - axis - (song.labels ? 2 : 1) * (lane + gap) - gap;
  }

  x(time) {
    return LAYOUT.left + (time - this.view.from) / (this.view.to - this.view.from) * this.#width;
  }

  timeAt(x) {
    return Math.min(Math.max(this.view.from + (x - LAYOUT.left) / this.#width * (this.view.to - this.view.from), 0), seconds);
  }

  /** Shows other seconds, as near as the song and the closest look allow. */
  show(from, to) {
    const length = Math.min(Math.max(to - from, this.#width / MOST_PIXELS_A_FRAME / FPS), seconds);
    from = Math.min(Math.max(from, 0), seconds - length);
    this.view = { from, to: from + length };
    this.draw();
  }

  /** Zooms by a factor around a time. */
  zoom(factor, time = (this.view.from + this.view.to) / 2) {
    const { from, to } = this.view, length = Math.min((to - from) / factor, seconds);
    const before = (time - from) / (to - from) * length;
    this.show(time - before, time - before + length);
  }

  /** Turns the page where the playhead leaves it; somebody who looks elsewhere, where it was not before, stays there. */
  follow(before = null) {
    const { from, to } = this.view, isIn = time => from <= time && time <= to;
    if (!isIn(this.time) && (before === null || isIn(before))) this.show(this.time - 0.05 * (to - from), this.time + 0.95 * (to - from));
  }

  /** Draws all anew with the next frame of the screen. */
  draw() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#drawPicture();
      this.#drawOverview();
      this.drawPlayhead();
    });
  }

  /** Draws what moves. */
  drawPlayhead() {
    const g = sized(this.#overlay), height = this.#overlay.clientHeight, style = palette();
    const span = (range, fill) => {
      g.fillStyle = fill;
      g.fillRect(this.x(range.from), 0, Math.max(1, this.x(range.to) - this.x(range.from)), height - LAYOUT.axis);
    };
    g.beginPath();
    g.rect(LAYOUT.left, 0, this.#width, height);
    g.clip();
    if (this.selection) span(this.selection, style.selection);
    if (this.excerpt) {
      g.strokeStyle = style.excerpt;
      g.lineWidth = 2;
      g.strokeRect(this.x(this.excerpt.from), 1, this.x(this.excerpt.to) - this.x(this.excerpt.from), this.#spectrogramHeight - 2);
    }
    const x = Math.round(this.x(this.time));
    g.fillStyle = style.halo;
    g.fillRect(x - 2, 0, 4, height - LAYOUT.axis);
    g.fillStyle = style.playhead;
    g.fillRect(x - 1, 0, 2, height - LAYOUT.axis);
    this.#overlay.setAttribute('aria-valuenow', this.time.toFixed(1));
    this.#overlay.setAttribute('aria-valuetext', clock(this.time));
  }

  /** The picture as a file. */
  save() {
    return new Promise(resolve => this.#picture.toBlob(resolve, 'image/png'));
  }

  #drawPicture() {
    const g = sized(this.#picture), style = palette();
    g.fillStyle = style.surface;
    g.fillRect(0, 0, this.#picture.clientWidth, this.#picture.clientHeight);
    this.#drawSpectrogram(g, style);
    this.#drawCurve(g, style);
    this.#drawLanes(g, style);
    this.#drawTimes(g, style);
  }

  #drawSpectrogram(g, style) {
    const height = this.#spectrogramHeight, { from, to } = this.view, pixels = this.#width * devicePixelRatio / ((to - from) * FPS);
    const step = 2 ** Math.min(Math.max(Math.floor(Math.log2(1 / pixels)), 0), 10);
    g.save();
    g.beginPath();
    g.rect(LAYOUT.left, 0, this.#width, height);
    g.clip();
    g.fillStyle = `rgb(${LEFT.slice(0, 3)})`;
    g.fillRect(LAYOUT.left, 0, this.#width, height);
    g.imageSmoothingEnabled = pixels < 2;
    for (let tile = Math.floor(from * FPS / TILE); tile <= Math.min(Math.floor(to * FPS / TILE), tileCount - 1); tile++) {
      const bitmap = this.#bitmap(tile, step);
      if (!bitmap) continue;
      const start = this.x(tile * TILE / FPS), end = this.x((tile * TILE + bitmap.frames) / FPS);
      g.drawImage(bitmap.canvas, start, 0, end - start + (tile < tileCount - 1 ? 0.5 : 0), height);
    }
    g.restore();
    g.fillStyle = g.strokeStyle = style.muted;
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    for (const hz of TICKS_HZ) {
      const y = height - (bandOf(hz) + 0.5) / BANDS * height;
      g.fillText(hz < 1000 ? hz : `${hz / 1000}k`, LAYOUT.left - 8, y);
      g.fillRect(LAYOUT.left - 5, y - 0.5, 5, 1);
    }
    g.save();
    g.translate(10, height / 2);
    g.rotate(-Math.PI / 2);
    g.textAlign = 'center';
    g.fillText('Hz (mel)', 0, 0);
    g.restore();
  }

  // A tile as a picture, a column for every so many frames: the present one, or an older one until that is there.
  #bitmap(tile, step) {
    const { method, share } = this.#masks(), key = `${tile} ${step} ${method} ${share}`;
    const bitmap = this.#bitmaps.get(key, () => {
      const made = { key };
      made.ready = paintTile(tile, step, method, share).then(painted => {
        Object.assign(made, painted);
        this.#drawn.set(tile, made);
        this.draw();
      });
      return made;
    });
    return bitmap.canvas ? bitmap : this.#drawn.get(tile);
  }

  #drawCurve(g, style) {
    const top = this.#spectrogramHeight + LAYOUT.curveTop, height = LAYOUT.curve, { from, to } = this.view;
    const y = probability => top + (1 - probability) * height;
    g.save();
    g.beginPath();
    g.rect(LAYOUT.left, top - 2, this.#width, height + 4);
    g.clip();
    g.fillStyle = style.raised;
    g.fillRect(LAYOUT.left, top, this.#width, height);
    for (const [start, end] of this.#errors) {
      g.fillStyle = hatch(g, style.error);
      g.fillRect(this.x(start), top, this.x(end) - this.x(start), height);
    }
    // A point for every pixel; means where that is many frames.
    const step = Math.max(1, Math.ceil((to - from) * FPS / this.#width));
    const line = (values, colour, width) => {
      g.strokeStyle = colour;
      g.lineWidth = width;
      g.beginPath();
      const first = Math.max(0, Math.floor(from * FPS)), last = Math.min(song.frame_count - 1, Math.ceil(to * FPS));
      for (let frame = first; frame <= last; frame += step) {
        let sum = 0;
        const end = Math.min(frame + step, last + 1);
        for (let i = frame; i < end; i++) sum += values[i];
        g.lineTo(this.x((frame + (end - frame - 1) / 2) / FPS), y(sum / (end - frame)));
      }
      g.stroke();
    };
    if (step <= CROWDED_FRAMES) line(this.#raw, style.faint, 1);
    g.strokeStyle = style.threshold;
    g.lineWidth = 1.5;
    g.setLineDash([6, 4]);
    g.beginPath();
    g.moveTo(LAYOUT.left, y(song.class_threshold));
    g.lineTo(LAYOUT.left + this.#width, y(song.class_threshold));
    g.stroke();
    g.setLineDash([]);
    line(this.#smoothed, style.accent, 2);
    g.restore();
    g.fillStyle = style.muted;
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    for (const value of [0, 1]) g.fillText(value, LAYOUT.left - 8, y(value));
    g.fillStyle = style.threshold;
    g.fillText(song.class_threshold.toFixed(2), LAYOUT.left - 8, y(song.class_threshold));
    g.fillStyle = style.muted;
    g.save();
    g.translate(10, top + height / 2);
    g.rotate(-Math.PI / 2);
    g.textAlign = 'center';
    g.fillText('P(singing)', 0, 0);
    g.restore();
  }

  #drawLanes(g, style) {
    let top = this.#spectrogramHeight + LAYOUT.curveTop + LAYOUT.curve + LAYOUT.gap;
    g.textBaseline = 'middle';
    for (const [name, segments, colour] of [['detector', song.segments, style.accent], ['labels', song.labels, style.label]]) {
      if (!segments) continue;
      g.fillStyle = style.muted;
      g.textAlign = 'right';
      g.fillText(name, LAYOUT.left - 4, top + LAYOUT.lane / 2);
      g.save();
      g.beginPath();
      g.rect(LAYOUT.left, top, this.#width, LAYOUT.lane);
      g.clip();
      g.fillStyle = style.raised;
      g.fillRect(LAYOUT.left, top, this.#width, LAYOUT.lane);
      g.fillStyle = colour;
      for (const [start, end] of segments) g.fillRect(this.x(start), top + 2, Math.max(1, this.x(end) - this.x(start)), LAYOUT.lane - 4);
      g.restore();
      top += LAYOUT.lane + LAYOUT.gap;
    }
  }

  #drawTimes(g, style) {
    const { from, to } = this.view, top = this.#picture.clientHeight - LAYOUT.axis + 4;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find(candidate => candidate / (to - from) * this.#width > 56) ?? 1200;
    g.fillStyle = style.muted;
    g.textAlign = 'center';
    g.textBaseline = 'top';
    for (let tick = Math.ceil(from / step) * step; tick <= to + 1e-6; tick += step) {
      g.fillRect(this.x(tick) - 0.5, top - 4, 1, 4);
      if (this.x(tick) < LAYOUT.left + this.#width - 14) g.fillText(clock(tick + 1e-9, step < 1 ? 1 : 0), this.x(tick), top + 3);
    }
  }

  #drawOverview() {
    const g = sized(this.#overview), style = palette(), width = this.#width, height = this.#overview.clientHeight;
    const x = time => LAYOUT.left + time / seconds * width;
    g.fillStyle = style.raised;
    g.fillRect(LAYOUT.left, 0, width, height);
    g.fillStyle = style.accent;
    for (const [start, end] of song.segments) g.fillRect(x(start), 4, Math.max(1, x(end) - x(start)), height - 8);
    g.fillStyle = style.veil;
    g.fillRect(LAYOUT.left, 0, x(this.view.from) - LAYOUT.left, height);
    g.fillRect(x(this.view.to), 0, LAYOUT.left + width - x(this.view.to), height);
    g.strokeStyle = style.text;
    g.lineWidth = 2;
    g.strokeRect(x(this.view.from) + 1, 1, Math.max(4, x(this.view.to) - x(this.view.from) - 2), height - 2);
    g.fillStyle = style.muted;
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    g.fillText('song', LAYOUT.left - 4, height / 2);
  }

  #listen() {
    const overlay = this.#overlay, overview = this.#overview;
    let from = null, lastX = 0;
    const place = event => event.clientX - overlay.getBoundingClientRect().left;
    overlay.addEventListener('pointerdown', event => {
      if (event.button) return;
      overlay.setPointerCapture(event.pointerId);
      [from, lastX] = [place(event), place(event)];
    });
    overlay.addEventListener('pointermove', event => {
      if (from === null || Math.abs(place(event) - from) < 5) return;
      if (event.pointerType === 'touch') {
        const moved = this.timeAt(lastX) - this.timeAt(place(event));
        this.show(this.view.from + moved, this.view.to + moved);
      } else {
        const [a, b] = [this.timeAt(from), this.timeAt(place(event))];
        this.selection = { from: Math.min(a, b), to: Math.max(a, b) };
        this.drawPlayhead();
      }
      lastX = place(event);
    });
    overlay.addEventListener('pointerup', event => {
      if (from === null) return;
      const isClick = Math.abs(place(event) - from) < 5;
      const isSelection = !isClick && event.pointerType !== 'touch';
      if (isClick) this.dispatchEvent(new CustomEvent('pick', { detail: this.timeAt(place(event)) }));
      if (isSelection) this.dispatchEvent(new Event('select'));
      from = null;
    });
    overlay.addEventListener('pointercancel', () => { from = null; });
    overlay.addEventListener('wheel', event => {
      const { from: start, to } = this.view;
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 200), this.timeAt(place(event)));
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const moved = (event.deltaX || event.deltaY) / this.#width * (to - start);
        this.show(start + moved, to + moved);
      } else return;
      event.preventDefault();
    }, { passive: false });
    const move = event => {
      const length = this.view.to - this.view.from, middle = (place(event) - LAYOUT.left) / this.#width * seconds;
      this.show(middle - length / 2, middle + length / 2);
    };
    overview.addEventListener('pointerdown', event => {
      overview.setPointerCapture(event.pointerId);
      move(event);
    });
    overview.addEventListener('pointermove', event => { if (event.buttons) move(event); });
  }
}

/** A canvas's context, cleared, with as many pixels as the screen has there. */
function sized(canvas) {
  const width = Math.round(canvas.clientWidth * devicePixelRatio), height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const g = canvas.getContext('2d');
  g.reset();
  g.scale(devicePixelRatio, devicePixelRatio);
  g.font = '12px system-ui, sans-serif';
  return g;
}

/** The colours of the page's style. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ['surface', 'raised', 'text', 'muted', 'faint', 'accent', 'label', 'error', 'threshold', 'veil', 'selection', 'excerpt', 'playhead', 'halo'];
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function hatch(g, colour) {
  const tile = new OffscreenCanvas(8, 8), t = tile.getContext('2d');
  t.strokeStyle = colour;
  t.lineWidth = 2;
  for (const shift of [-8, 0, 8]) {
    t.moveTo(shift, 8);
    t.lineTo(shift + 8, 0);
  }
  t.stroke();
  return g.createPattern(tile, 'repeat');
}

async function paintTile(tile, step, method, share) {
  const [values, gains] = await Promise.all([spectrogramOf(tile), gainsOf(method, share, tile)]);
  const frames = values.length / BANDS, width = Math.ceil(frames / step), image = new ImageData(width, BANDS);
  for (let column = 0; column < width; column++) {
    const first = column * step, last = Math.min(first + step, frames);
    for (let band = 0; band < BANDS; band++) {
      let value = 0, gain = 0;
      for (let frame = first; frame < last; frame++) {
        value += values[frame * BANDS + band];
        gain += gains[frame * BANDS + band];
      }
      const bright = brightness(value / (last - first)), at = 4 * ((BANDS - 1 - band) * width + column);
      gain /= last - first;
      for (let c = 0; c < 3; c++) image.data[at + c] = LEFT[3 * bright + c] + gain * (KEPT[3 * bright + c] - LEFT[3 * bright + c]);
      image.data[at + 3] = 255;
    }
  }
  const canvas = new OffscreenCanvas(width, BANDS);
  canvas.getContext('2d').putImageData(image, 0, 0);
  return { canvas, frames };
}
