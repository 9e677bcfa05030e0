#!/bin/bash
# Makes short songs whose voice and accompaniment are known, for `svd localise`: OUT/voice/NAME.wav and OUT/music/NAME.wav, mono, 22 050 Hz, 16 bit, equally
# long; the song is their sum. Somebody who spoke is made to sing (README.md in this folder says how, and who holds which rights), over the
# music of free games. Runs on Debian 12 "bookworm":
#
#   samples/make_stems.sh OUT
#
# Needs apt-get and dpkg-deb (they fetch and open the recordings' packages; nothing of them is installed), praat, ffmpeg and python3 with numpy, which are
# installed where they are missing (as root).
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
target=$(realpath -m "$1")
[ ! -e "$target" ] || { echo "$target is there already: remove it or name another folder" >&2; exit 1; }
programs=(praat ffmpeg python3-numpy)
dpkg -s "${programs[@]}" > /dev/null 2>&1 || {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${programs[@]}"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

apt-get download -qq fillets-ng-data-cs fillets-ng-data-nl ktuberling-data supertux-data wesnoth-1.16-music nexuiz-music
for package in *.deb; do dpkg-deb -x "$package" .; rm "$package"; done

# The notes are those of a major pentatonic scale on the speaker's own median pitch, a walk by at most two of them.
cat > sing.praat <<'PRAAT'
form Sing
  sentence Input
  sentence Output
  integer Seed 1
  real Stretch 2.2
endform
random_initializeWithSeedUnsafelyButPredictably (seed)
degrees# = { -5, -3, 0, 2, 4, 7, 9, 12 }
places = size (degrees#)

# The speaker's range: two passes (Hirst and De Looze).
sound = Read from file: input$
duration = Get total duration
wide = noprogress To Pitch: 0.01, 60, 700
low = Get quantile: 0, 0, 0.25, "Hertz"
middle = Get quantile: 0, 0, 0.5, "Hertz"
high = Get quantile: 0, 0, 0.75, "Hertz"
selectObject: sound
manipulation = noprogress To Manipulation: 0.01, 0.75 * low, 1.5 * high
pulses = Extract pulses
stretches = noprogress To TextGrid (vuv): 0.02, 0.01
count = Get number of intervals: 1
durations = Create DurationTier: "longer", 0, duration
pitch = Create PitchTier: "sung", 0, duration

place = randomInteger (3, 5)
for i to count
  selectObject: stretches
  label$ = Get label of interval: 1, i
  left = Get start time of interval: 1, i
  right = Get end time of interval: 1, i
  if label$ = "V" and right - left > 0.06
    selectObject: durations
    Add point: left, 1
    Add point: left + 0.001, stretch
    Add point: right - 0.001, stretch
    Add point: right, 1
    notes = max (1, round ((right - left) * stretch / 0.5))
    for note to notes
      place = min (places, max (1, place + randomInteger (-2, 2)))
      semitones = degrees# [place]
      if note = 1
        last = semitones - 1
      endif
      begin = left + (right - left) * (note - 1) / notes
      steps = ceiling ((right - left) / notes / 0.004)
      for step to steps
        time = begin + (right - left) / notes * (step - 0.5) / steps
        sung = (time - begin) * stretch
        vibrato = 0.45 * min (1, sung / 0.3) * sin (2 * pi * 5.6 * sung)
        height = semitones + (last - semitones) * exp (- sung / 0.04) + vibrato
        selectObject: pitch
        Add point: time, middle * 2 ^ (height / 12)
      endfor
      last = semitones
    endfor
  endif
endfor
selectObject: manipulation, durations
Replace duration tier
selectObject: manipulation, pitch
Replace pitch tier
selectObject: manipulation
sung = noprogress Get resynthesis (overlap-add)
Save as WAV file: output$
PRAAT

cat > make.py <<'PY'
import glob, os, random, subprocess, sys, zipfile
import numpy as np
from stems import RATE, decode, level, write

LEAD, SPOKEN, TAIL = 2.0, 7.0, 1.5            # seconds before the voice, of speech that becomes song, and after it
LEVELS = (0, 3, 6)                            # of the voice above the accompaniment, dB
GAMES = 'usr/share/games/'
FISH, TOYS = GAMES + 'fillets-ng/sound/*/', 'usr/share/ktuberling/sounds/'
SINGERS = {
    'fish_cs': FISH + 'cs/*-m-*.ogg', 'bigfish_cs': FISH + 'cs/*-v-*.ogg', 'fish_nl': FISH + 'nl/*-m-*.ogg', 'bigfish_nl': FISH + 'nl/*-v-*.ogg',
    **{f'toys_{language}': f'{TOYS}{language}/*' for language in ('ca', 'da', 'el', 'fr', 'lt', 'ru', 'sl', 'uk')},
}
SUPERTUX, WESNOTH, NEXUIZ = GAMES + 'supertux2/music/', GAMES + 'wesnoth/1.16/data/core/music/', 'sound/cdtracks/'
PIECES = (
    [SUPERTUX + name + '.ogg' for name in (
        'antarctic/airship_2', 'antarctic/airship_remix', 'antarctic/arctic_breeze', 'antarctic/bossattack', 'antarctic/cave', 'antarctic/chipdisko',
        'antarctic/jewels', 'antarctic/salcon', 'castle/fortress', 'forest/bright_thunders', 'forest/forest-sprint', 'forest/forest_theme',
        'forest/ghostforest', 'forest/treeboss', 'forest/wisphunt', 'misc/battle_theme', 'misc/credits', 'misc/theme')]
    + [WESNOTH + name + '.ogg' for name in (
        'battle', 'breaking_the_chains', 'elf-land', 'frantic', 'knolls', 'loyalists', 'northerners', 'traveling_minstrels')]
    + [NEXUIZ + name + '.ogg' for name in (
        'beast-of-insanity', 'brainsukker', 'brokenlight', 'calling-bogus', 'desert3', 'digital-pursuit', 'infight', 'ninesix', 'stairs',
        'thru-the-mirror')]
)

def rate_of(path):
    probe = ['ffprobe', '-v', 'error', '-select_streams', 'a:0', '-show_entries', 'stream=sample_rate', '-of', 'csv=p=0', path]
    return int(subprocess.run(probe, stdout=subprocess.PIPE, check=True, text=True).stdout or 0)

# Recordings one after the other, without the silence around them, equally loud.
def speech(files, draw):
    parts, length = [], 0
    while length < SPOKEN:
        path = files.pop(draw.randrange(len(files)))
        if rate_of(path) < RATE:
            continue
        samples = decode(path)
        loud = np.flatnonzero(np.abs(samples) > 0.05 * max(1e-9, np.abs(samples).max()))
        if len(loud) == 0 or not 0.3 * RATE < loud[-1] - loud[0] < 6 * RATE:
            continue
        samples = samples[loud[0]:loud[-1]]
        parts += [0.1 * samples / np.sqrt(np.mean(samples ** 2)), np.zeros(RATE // 8)]
        length += len(samples) / RATE
    return np.concatenate(parts)

out = sys.argv[1]
os.makedirs(f'{out}/voice'), os.makedirs(f'{out}/music')
zipfile.ZipFile(GAMES + 'nexuiz/data/music.pk3').extractall('.')
names = list(SINGERS)
left = {name: sorted(glob.glob(pattern)) for name, pattern in SINGERS.items()}
for i, piece in enumerate(PIECES):
    singer, draw = names[i % len(names)], random.Random(i)
    spoken = speech(left[singer], draw)
    write('spoken.wav', 0.5 * spoken / np.abs(spoken).max())
    subprocess.run(['praat', '--run', 'sing.praat', os.path.abspath('spoken.wav'), os.path.abspath('sung.wav'), str(i + 1), '2.2'], check=True)
    voice = np.concatenate([np.zeros(int(LEAD * RATE)), decode('sung.wav'), np.zeros(int(TAIL * RATE))])
    music = decode(piece, 10, len(voice) / RATE + 1)[:len(voice)]
    voice = voice[:len(music)] * 10 ** (LEVELS[i // len(names) % len(LEVELS)] / 20) * level(music) / level(voice)
    scale = 0.9 / max(np.abs(voice + music).max(), np.abs(voice).max(), np.abs(music).max())
    name = f'{i:02d}_{singer}_' + os.path.basename(piece)[:-4].replace('-', '_')
    write(f'{out}/voice/{name}.wav', scale * voice)
    write(f'{out}/music/{name}.wav', scale * music)
    print(f'{name}: {len(voice) / RATE:.1f} s', file=sys.stderr)
PY

cp "$here/stems.py" .
PATH=/usr/bin:$PATH python3 make.py "$work/stems"
mv "$work/stems" "$target"
echo "$(ls "$target/voice" | wc -l) songs → $target"
