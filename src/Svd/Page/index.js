// Lists the songs, each with a strip of its probability of singing.

const index = JSON.parse(document.getElementById('songs').textContent);
const percent = share => `${(100 * share).toFixed(0)} %`;
const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

function draw(canvas, strip) {
  const style = getComputedStyle(document.documentElement), g = canvas.getContext('2d'), height = 40;
  [canvas.width, canvas.height] = [strip.length, height];
  g.fillStyle = style.getPropertyValue('--raised');
  g.fillRect(0, 0, strip.length, height);
  g.fillStyle = style.getPropertyValue('--accent');
  strip.forEach((value, i) => g.fillRect(i, height * (1 - value / 100), 1, height * value / 100));
}

const strips = [];
for (const song of index.songs) {
  const row = document.querySelector('#songsTable tbody').insertRow(), cell = row.insertCell();
  if (song.problem) {
    cell.textContent = song.name;
    const problem = row.insertCell();
    problem.colSpan = 4;
    problem.className = 'problem';
    problem.textContent = song.problem;
    continue;
  }
  const link = document.createElement('a');
  link.href = song.page.split('/').map(encodeURIComponent).join('/');
  link.textContent = song.name;
  cell.append(link);
  const strip = row.insertCell(), canvas = document.createElement('canvas');
  strip.className = 'strip';
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `singing in ${song.segments} segments`);
  strip.append(canvas);
  strips.push([canvas, song.strip]);
  for (const text of [clock(song.seconds), percent(song.singing), song.error === null ? '–' : percent(song.error)]) {
    const number = row.insertCell();
    number.className = 'number';
    number.textContent = text;
  }
}
const drawAll = () => strips.forEach(([canvas, strip]) => draw(canvas, strip));
drawAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
document.getElementById('summary').textContent = `${strips.length} of ${index.songs.length} songs; singing from P = ${index.class_threshold.toFixed(3)} on; `
  + `made by svd ${index.version}`;
