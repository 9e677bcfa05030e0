#!/usr/bin/env python3
"""Makes songs whose voice and accompaniment are known from solo singing, for `svd localise`: OUT/voice/NAME.wav and OUT/music/NAME.wav, mono, 22 050 Hz,
16 bit, equally long; the song is their sum.

    samples/make_voice_stems.py CORPUS VOICES OUT

CORPUS is what weights/make_large_corpus.sh makes, and VOICES the solo singing that it was made of. The singers and the pieces of music are those that are in no
training: the singers of CORPUS's validation mixes, and the pieces that are in no list. Each singer is heard over eight pieces, 0, 3 or 6 dB louder than the
music, with a few echoes and pauses between the recordings. Needs NumPy and ffmpeg.
"""
import os, random, re, sys
import numpy as np
from stems import RATE, decode, level, write

SECONDS, SONGS = 30, 8
LEVELS = (0, 3, 6)                      # of the voice above the music, dB
ECHOES = (0.037, 0.071, 0.113, 0.167)   # seconds


def names_in(path):
    with open(path, encoding='utf-8') as lines:
        return [line.strip() for line in lines if line.strip()]


def sing(files, draw):
    """Recordings one after the other, from a random one on, with pauses and echoes."""
    voice, first = np.zeros(2 * RATE), draw.randrange(len(files))
    while len(voice) < SECONDS * RATE:
        recording = decode(files[first % len(files)])
        voice = np.concatenate([voice, recording / level(recording), np.zeros(draw.randint(1, 3) * RATE)])
        first += 1
    voice, wet, loudness = voice[:SECONDS * RATE], voice[:SECONDS * RATE].copy(), draw.uniform(0.01, 0.3)
    for echo in ECHOES:
        wet[int(echo * RATE):] += loudness * voice[:-int(echo * RATE)]
    return wet


def main():
    if len(sys.argv) != 4:
        sys.exit(f'usage: {sys.argv[0]} CORPUS VOICES OUT')
    corpus, voices, out = sys.argv[1:]
    if os.path.exists(out):
        sys.exit(f'{out} is there already: remove it or name another folder')
    listed = set().union(*(names_in(f'{corpus}/filelists/{name}') for name in ('train', 'valid', 'solo')))
    pieces = sorted(name for name in os.listdir(f'{corpus}/audio') if name.startswith('music_') and name not in listed)
    singers = sorted({re.sub(r'^mix_(.*)_\d+\.wav$', r'\1', name) for name in names_in(f'{corpus}/filelists/valid')})
    if not pieces or not singers:
        sys.exit(f'{corpus} has no music beside its lists, or no mixes for the validation; make it with weights/make_large_corpus.sh')
    os.makedirs(f'{out}/voice'), os.makedirs(f'{out}/music')
    recordings = sorted(os.listdir(f'{voices}/audio'))
    for i in range(SONGS * len(singers)):
        singer, draw = singers[i % len(singers)], random.Random(i)
        voice = sing([f'{voices}/audio/{name}' for name in recordings if name.startswith(singer)], draw)
        piece = pieces[i % len(pieces)]
        music = decode(f'{corpus}/audio/{piece}')[:len(voice)]
        voice = voice[:len(music)] * 10 ** (LEVELS[i // len(singers) % len(LEVELS)] / 20) * level(music) / level(voice)
        scale = 0.9 / max(np.abs(voice + music).max(), np.abs(voice).max(), np.abs(music).max())
        name = f'{i:02d}_{singer}_{piece[len("music_"):-len(".wav")]}.wav'
        write(f'{out}/voice/{name}', scale * voice)
        write(f'{out}/music/{name}', scale * music)
    print(f'{SONGS * len(singers)} songs of {len(singers)} singers → {out}')


main()
