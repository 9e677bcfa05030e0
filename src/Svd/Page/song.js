// Puts the page together: what the controls do.

const $ = id => document.getElementById(id);
const STEP_SECONDS = 5, LONGEST_WHOLE_VIEW = 600;

const settings = { method: song.methods[0], share: song.asked_share };
const masks = () => settings;
const [raw, smoothed, answers] = await Promise.all(['probability', 'smoothed', 'answers'].map(unpackNumbers));
const picture = new Picture({ picture: $('picture'), overlay: $('overlay'), overview: $('overview') }, masks, raw, smoothed);
const moment = new Moment($('moment'), answers);
let player = null, playing = null, looping = false;

// The sound is decoded when it is first needed: at once where the song is short.
const sound = (() => {
  let decoding = null;
  return () => decoding ??= Sound.decode();
})();

function describe() {
  const sung = song.segments.reduce((sum, [from, to]) => sum + to - from, 0);
  document.title = `${song.name} – what the detector listens to`;
  $('name').textContent = song.name;
  $('summary').textContent = `${clock(Math.round(seconds))} long, singing in ${percent(sung / seconds)} of it`
    + (song.error === null ? '' : `; ${percent(song.error, 1)} of the frames differ from the labels`);
  for (const element of document.querySelectorAll('.labelled')) element.hidden = !song.labels;
  const rows = [
    ['File', song.name], ...song.card.map(({ name, value }) => [name, value]), ['Explained', `an excerpt every ${song.every} frames, ${FPS} frames a second`],
    ['Asked again', `about ${percent(song.shares[song.asked_share])} of the bins, every ${song.asked_every} frames`],
    ['Sound', song.sound.kind], ['Made by', `svd ${song.version}`], ...song.warnings.map(warning => ['Warning', warning]),
  ];
  for (const [name, value] of rows) {
    const row = $('card').tBodies[0].insertRow(), head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name;
    row.append(head);
    row.insertCell().textContent = value;
  }
}

function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

function showTime() {
  $('time').textContent = `${clock(picture.time, 1)} / ${clock(Math.round(seconds))}`;
}

function showPlaying(is) {
  const [icon, text] = $('play').children;
  icon.textContent = is ? '❚❚' : '▶';
  text.textContent = is ? 'Pause' : 'Play';
}

async function ensurePlayer() {
  if (player) return;
  const decoded = await sound();
  // A browser lets a page sound only after somebody asked for it.
  const context = new AudioContext({ sampleRate: decoded.rate });
  player = new Player(context, decoded, masks);
  player.context = context;
  player.choose(document.querySelector('input[name=listen]:checked').value);
  player.loop = looping ? loopRange() : null;
  player.addEventListener('ended', () => pause(0));
}

async function play() {
  try {
    playing = play;
    showPlaying(true);
    notice(player ? '' : 'Decoding the sound …');
    await ensurePlayer();
    notice('');
    await player.context.resume();
    await player.play(picture.time >= seconds - 0.05 ? 0 : picture.time);
    requestAnimationFrame(follow);
  } catch (failure) {
    pause(picture.time);
    notice(`This browser cannot play the sound: ${failure.message || failure.name}`);
  }
}

function pause(time = player?.time ?? picture.time) {
  playing = null;
  player?.stop();
  showPlaying(false);
  picture.time = time;
  picture.drawPlayhead();
  showTime();
}

function follow() {
  if (!playing) return;
  if (player.playing) {
    const before = picture.time;
    picture.time = Math.min(player.time, seconds);
    picture.follow(before);
    picture.drawPlayhead();
    showTime();
  }
  requestAnimationFrame(follow);
}

function seek(time) {
  picture.time = Math.min(Math.max(time, 0), seconds);
  picture.follow();
  picture.drawPlayhead();
  showTime();
  if (playing) player?.play(picture.time);
}

function loopRange() {
  const range = picture.selection ?? picture.view;
  return range.to - range.from < 0.1 ? { from: range.from, to: range.from + 0.1 } : range;
}

function toggleLoop(on = !looping) {
  looping = on;
  $('loop').setAttribute('aria-pressed', looping);
  if (player) player.loop = looping ? loopRange() : null;
  if (looping && (picture.time < loopRange().from || picture.time >= loopRange().to)) seek(loopRange().from);
}

function explain(time) {
  return moment.show(time, settings).then(() => {
    picture.excerpt = moment.range;
    picture.drawPlayhead();
  });
}

function change(name, value) {
  settings[name] = value;
  $('shareValue').textContent = percent(song.shares[settings.share]);
  $('share').setAttribute('aria-valuetext', $('shareValue').textContent);
  picture.draw();
  explain(null);
  player?.masksChanged();
}

function save(name, content) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: 'text/plain' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function wire() {
  const stem = song.name.replace(/\.[^.]*$/, '') || song.name;
  $('play').addEventListener('click', () => playing ? pause() : play());
  $('loop').addEventListener('click', () => toggleLoop());
  $('in').addEventListener('click', () => picture.zoom(2, Math.min(Math.max(picture.time, picture.view.from), picture.view.to)));
  $('out').addEventListener('click', () => picture.zoom(0.5));
  $('all').addEventListener('click', () => picture.show(0, seconds));
  $('share').max = song.shares.length - 1;
  $('share').value = song.asked_share;
  $('share').addEventListener('input', event => change('share', Number(event.target.value)));
  $('method').addEventListener('change', event => change('method', event.target.value));
  $('listen').addEventListener('change', event => player?.choose(event.target.value));
  $('overlay').setAttribute('aria-valuemax', seconds.toFixed(1));
  picture.addEventListener('pick', ({ detail }) => {
    picture.selection = null;
    if (looping) toggleLoop(false);
    seek(detail);
    explain(detail);
  });
  picture.addEventListener('select', () => { if (looping) toggleLoop(true); });
  const audacity = song.segments.map(([from, to]) => `${from.toFixed(6)}\t${to.toFixed(6)}\tsinging\n`).join('');
  $('saveAudacity').addEventListener('click', () => save(`${stem}.txt`, audacity));
  $('saveLab').addEventListener('click', () => save(`${stem}.lab`, song.lab));
  $('savePicture').addEventListener('click', async () => save(`${stem}.png`, await picture.save()));
  document.addEventListener('keydown', onKey);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const choose = which => document.querySelector(`input[name=listen][value=${which}]`).click();
  const jump = by => seek(picture.time + (event.shiftKey ? by / STEP_SECONDS : by));
  const actions = {
    ' ': () => playing ? pause() : play(), ArrowLeft: () => jump(-STEP_SECONDS), ArrowRight: () => jump(STEP_SECONDS), Home: () => seek(0),
    End: () => seek(seconds), Enter: () => explain(picture.time), 1: () => choose('song'), 2: () => choose('kept'), 3: () => choose('left'),
    '+': () => picture.zoom(2, picture.time), '=': () => picture.zoom(2, picture.time), '-': () => picture.zoom(0.5),
    l: () => toggleLoop(), L: () => toggleLoop(),
  };
  // Controls keep the keys that are their own.
  const ofInputs = [' ', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Enter'];
  const own = event.target.matches('button') ? [' ', 'Enter'] : event.target.matches('input') ? ofInputs : [];
  if (!actions[event.key] || own.includes(event.key)) return;
  event.preventDefault();
  actions[event.key]();
}

describe();
wire();
showTime();
change('share', settings.share);
picture.show(0, Math.min(seconds, LONGEST_WHOLE_VIEW));
$('play').disabled = false;
if (seconds <= LONG_SONG) sound().catch(failure => notice(`This browser cannot play the sound: ${failure.message || failure.name}`));

// For the console, and for tests.
globalThis.page = { song, excerpts, gainsOf, levelsOf, sound, Player, picture, moment, settings, get player() { return player; } };
document.documentElement.dataset.ready = 'true';
