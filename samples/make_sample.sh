#!/bin/bash
# Makes sample.wav and sample.lab next to this script: 16 s of an instrumental, a sung verse and an
# instrumental again. Runs on Debian 12 (as root, or with the packages already installed):
#   festival, festvox-kallpc16k       the synthetic voice and the program that makes it sing
#   fluidsynth, fluid-soundfont-gm    drums, bass and guitar
#   ffmpeg                            mixing
#   python3                           writes the two scores (standard library only)
set -euo pipefail

packages=(festival festvox-kallpc16k fluidsynth fluid-soundfont-gm ffmpeg python3)
dpkg -s "${packages[@]}" > /dev/null 2>&1 || {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
}

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The composition: 120 beats a minute, so a beat is half a second; eight bars of four beats.
python3 - <<'PY'
import struct

BEAT = 480                                 # MIDI ticks in a beat
BARS = [('Am', 45), ('F', 41), ('Am', 45), ('F', 41), ('C', 48), ('G', 43), ('Am', 45), ('F', 41)]
CHORDS = {'Am': (57, 60, 64), 'F': (53, 57, 60), 'C': (55, 60, 64), 'G': (55, 59, 62)}

events = []                                # (tick, bytes)
def note(beat, length, channel, key, velocity):
    events.append((round(beat * BEAT), bytes([0x90 | channel, key, velocity])))
    events.append((round((beat + length) * BEAT), bytes([0x80 | channel, key, 0])))

BASS, GUITAR, DRUMS = 0, 1, 9
for channel, program, volume in ((BASS, 33, 105), (GUITAR, 25, 90), (DRUMS, 0, 110)):
    events += [(0, bytes([0xC0 | channel, program])), (0, bytes([0xB0 | channel, 7, volume]))]
for bar, (chord, root) in enumerate(BARS):
    start, sung = 4 * bar, 2 <= bar < 6    # the guitar steps back under the voice
    for beat, length in ((0, 1.4), (1.5, .4), (2, .9), (3, .9)):
        note(start + beat, length, BASS, root - 12, 100)
    for beat, velocity in ((0, 85), (1, 60), (1.5, 70), (2.5, 60), (3, 75), (3.5, 60)):
        for i, key in enumerate(CHORDS[chord]):
            note(start + beat + .02 * i, .45, GUITAR, key, velocity - 15 * sung)
    for beat in (0, 2, 2.5):
        note(start + beat, .2, DRUMS, 36, 110)
    for beat in (1, 3):
        note(start + beat, .2, DRUMS, 38, 105)
    if bar % 4 == 2:
        note(start, 2, DRUMS, 49, 70)
    for half in range(8):
        note(start + half / 2, .2, DRUMS, 42, 80 if half % 2 == 0 else 55)

track, now = b'', 0
for tick, message in sorted(events, key=lambda e: e[0]):
    delta, now = tick - now, tick
    track += (bytes([delta >> 7 | 0x80]) if delta > 127 else b'') + bytes([delta & 127]) + message
tempo = b'\0\xff\x51\x03' + (500000).to_bytes(3, 'big')
track = tempo + track + b'\0\xff\x2f\0'
open('band.mid', 'wb').write(b'MThd' + struct.pack('>IHHH', 6, 0, 1, BEAT)
                             + b'MTrk' + struct.pack('>I', len(track)) + track)

# word, MIDI key, beats; this voice sings about 1.7 % flat, so it is asked for a little more.
MELODY = '''sing 60 1    to 59 .5   me 57 2      the 57 .5
            night 60 1   is 62 .5   long 57 2.5
            let 55 .5    the 57 .5  light 60 1.5 be 62 .5  come 64 1
            our 62 .5    song 59 2.5'''.split()
with open('song.xml', 'w') as f:
    f.write('<?xml version="1.0"?>\n<!DOCTYPE SINGING PUBLIC "-//SINGING//DTD SINGING mark up//EN" '
            '"Singing.v0_1.dtd" []>\n<SINGING BPM="60">\n')
    for word, key, beats in zip(MELODY[::3], MELODY[1::3], MELODY[2::3]):
        hertz = 1.017 * 440 * 2 ** ((int(key) - 69) / 12)
        f.write(f'<PITCH FREQ="{hertz:.2f}"><DURATION SECONDS="{float(beats) / 2}">{word}</DURATION></PITCH>\n')
    f.write('</SINGING>\n')
PY

fluidsynth -ni -q -g 0.6 -r 44100 -F band.wav /usr/share/sounds/sf2/FluidR3_GM.sf2 band.mid
text2wave -mode singing -eval '(voice_kal_diphone)' song.xml -o voice.wav

# The voice sings from 4 s on, twice in unison (two vibratos, 18 ms apart), with a short echo.
ffmpeg -v error -y -i band.wav -i voice.wav -filter_complex "
  [0] pan=mono|c0=.5*c0+.5*c1, aresample=22050 [band];
  [1] aresample=22050, highpass=f=150, equalizer=f=1200:t=q:w=0.8:g=3, asplit [a][b];
  [a] vibrato=f=5.5:d=0.3 [first];
  [b] vibrato=f=5.1:d=0.3, adelay=18, volume=-3dB [second];
  [first][second] amix=2:normalize=0, volume=-0.3dB, aecho=0.9:0.8:60|110:0.2|0.12, adelay=4000 [voice];
  [band][voice] amix=2:normalize=0, atrim=end=16, afade=t=out:st=14.5:d=1.5, volume=-3dB" \
  -ar 22050 -ac 1 -c:a pcm_s16le -bitexact -map_metadata -1 "$here/sample.wav"

printf '%s\n' '0 4 nosing' '4 11.55 sing' '11.55 16 nosing' > "$here/sample.lab"
