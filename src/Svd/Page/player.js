// Plays the song, what is kept of it and what is left, in step to the sample: song and kept are channels of the same buffers, and what is left is their
// difference. Pieces of half a second follow each other without a gap; a jump, a loop and a change of the masks fade from one run of pieces to the next.

const PIECE_SECONDS = 0.5, AHEAD_SECONDS = 1.5, LEAD_SECONDS = 0.04, FADE_SECONDS = 0.02;
const MIXES = { song: [1, 0], kept: [0, 1], left: [1, -1] };

class Player extends EventTarget {
  #context;
  #sound;
  #masks;
  #pieces = new Cache(64);
  #input;
  #buses;
  #which = 'song';
  #runs = [];
  #loop = null;
  #timer = 0;
  #filling = false;
  #restarts = 0;

  /** @param masks gives the method and the share whose masks count now. */
  constructor(context, sound, masks) {
    super();
    this.#context = context;
    this.#sound = sound;
    this.#masks = masks;
    const count = sound.channels.length;
    this.#input = context.createChannelSplitter(2 * count);
    this.#buses = [0, 1].map(bus => {
      const merger = context.createChannelMerger(count), gain = context.createGain();
      for (let channel = 0; channel < count; channel++) this.#input.connect(merger, bus * count + channel, channel);
      gain.gain.value = MIXES[this.#which][bus];
      merger.connect(gain).connect(context.destination);
      return gain;
    });
  }

  get playing() {
    return this.#runs.length > 0;
  }

  get which() {
    return this.#which;
  }

  /** Plays the song, what is kept of it or what is left, from a time of the context on. */
  choose(which, at = this.#context.currentTime) {
    this.#buses.forEach((bus, i) => {
      bus.gain.cancelScheduledValues(at);
      bus.gain.setValueAtTime(MIXES[this.#which][i], at);
      bus.gain.linearRampToValueAtTime(MIXES[which][i], at + FADE_SECONDS);
    });
    this.#which = which;
  }

  /** Loops over some seconds; null for no loop. */
  set loop(range) {
    this.#loop = range && { from: this.#sampleAt(range.from), to: this.#sampleAt(range.to) };
    if (this.playing) this.#restart(time => this.#position(time));
  }

  /** Where it plays, in seconds of the song. */
  get time() {
    return this.#position(this.#context.currentTime - (this.#context.outputLatency || 0)) / this.#sound.rate;
  }

  /** Plays from some second on. */
  async play(from) {
    await this.#restart(() => this.#sampleAt(from));
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), 1000 * AHEAD_SECONDS / 10);
  }

  stop() {
    clearInterval(this.#timer);
    this.#restarts++;
    this.#end(this.#runs, this.#context.currentTime);
    this.#runs = [];
  }

  /** To be called when the masks have changed. */
  async masksChanged() {
    if (this.playing) await this.#restart(time => this.#position(time));
  }

  /** Schedules all pieces up to some seconds ahead. */
  async fill(ahead = AHEAD_SECONDS) {
    if (this.#filling) return;
    this.#filling = true;
    try {
      for (let run; (run = this.#runs.at(-1)) && run.next < this.#sound.length && this.#timeOf(run, run.next) < this.#context.currentTime + ahead;) {
        const end = this.#endOfPiece(run.next), buffer = await this.#piece(run.next, end);
        if (run === this.#runs.at(-1)) this.#place(run, buffer, end);
      }
    } finally {
      this.#filling = false;
    }
  }

  #sampleAt(time) {
    return Math.min(Math.max(Math.round(time * this.#sound.rate), 0), this.#sound.length - 1);
  }

  #timeOf(run, sample) {
    return run.at + (sample - run.from) / this.#sound.rate;
  }

  #position(time = this.#context.currentTime) {
    const run = this.#runs.findLast(candidate => candidate.at <= time) ?? this.#runs[0];
    return run ? Math.min(run.from + Math.max(0, Math.round((time - run.at) * this.#sound.rate)), this.#sound.length) : 0;
  }

  #endOfPiece(sample) {
    const length = this.#sound.rate * PIECE_SECONDS, end = Math.min((Math.floor(sample / length) + 1) * length, this.#sound.length);
    return this.#loop && sample < this.#loop.to ? Math.min(end, this.#loop.to) : end;
  }

  // Song and kept, channel by channel.
  async #piece(from, to) {
    const { method, share } = this.#masks(), length = this.#sound.rate * PIECE_SECONDS, start = Math.floor(from / length) * length;
    const kept = await this.#pieces.get(`${method} ${share} ${start}`, () =>
      this.#sound.kept(start, Math.min(length, this.#sound.length - start), method, share));
    const buffer = new AudioBuffer({ numberOfChannels: 2 * kept.length, length: to - from, sampleRate: this.#sound.rate });
    kept.forEach((channel, i) => {
      buffer.copyToChannel(this.#sound.channels[i].subarray(from, to), i);
      buffer.copyToChannel(channel.subarray(from - start, to - start), kept.length + i);
    });
    return buffer;
  }

  #place(run, buffer, end) {
    const at = this.#timeOf(run, run.next);
    if (at < this.#context.currentTime) {
      // Too late: go on from here a little later.
      this.#begin(this.#soon(), run.next);
      return;
    }
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(run.fade);
    source.start(at);
    run.sources.push(source);
    run.next = end;
    if (this.#loop && end === this.#loop.to) {
      const wrap = this.#timeOf(run, end);
      run.fade.gain.setValueAtTime(1, wrap - FADE_SECONDS / 4);
      run.fade.gain.linearRampToValueAtTime(0, wrap);
      run.isOver = true;
      this.#begin(wrap, this.#loop.from);
    }
  }

  // The next whole sample.
  #grid(time) {
    return Math.ceil(time * this.#sound.rate) / this.#sound.rate;
  }

  // A run of pieces that starts at a time; earlier ones end there.
  #begin(at, from) {
    const channelCount = 2 * this.#sound.channels.length;
    const fade = new GainNode(this.#context, { gain: 0, channelCount, channelCountMode: 'explicit', channelInterpretation: 'discrete' });
    fade.gain.setValueAtTime(0, at);
    fade.gain.linearRampToValueAtTime(1, at + FADE_SECONDS);
    fade.connect(this.#input);
    this.#end(this.#runs.filter(run => !run.isOver || run.at >= at), at);
    const now = this.#runs.findLastIndex(run => run.at <= this.#context.currentTime);
    this.#runs = [...this.#runs.slice(Math.max(now, 0)).filter(run => run.at < at), { at, from, next: from, fade, sources: [], isOver: false }];
  }

  #end(runs, at) {
    for (const run of runs) {
      run.isOver = true;
      run.fade.gain.cancelScheduledValues(at);
      run.fade.gain.setValueAtTime(run.at < at ? 1 : 0, at);
      run.fade.gain.linearRampToValueAtTime(0, at + FADE_SECONDS);
      for (const source of run.sources) source.stop(at + 2 * FADE_SECONDS);
    }
  }

  // Begins a new run as soon as its first pieces are there; from says where it starts if it starts at some time.
  async #restart(from) {
    const asked = ++this.#restarts;
    for (let sample = from(this.#soon()), pieces = 2; pieces > 0 && sample < this.#sound.length; pieces--) {
      const end = this.#endOfPiece(sample);
      await this.#piece(sample, end);
      sample = end;
    }
    if (asked !== this.#restarts) return;
    const at = this.#soon();
    this.#begin(at, from(at));
    await this.fill();
  }

  #soon() {
    return this.#grid(this.#context.currentTime + LEAD_SECONDS);
  }

  #tick() {
    const last = this.#runs.at(-1);
    if (last && last.next >= this.#sound.length && this.#position() >= this.#sound.length) {
      this.stop();
      this.dispatchEvent(new Event('ended'));
      return;
    }
    this.fill();
  }
}
