"""What make_stems.sh and make_voice_stems.py have in common: reading, writing and measuring sound."""
import subprocess, wave
import numpy as np

RATE = 22050


def decode(path, start=0, seconds=None):
    length = [] if seconds is None else ['-t', str(seconds)]
    command = ['ffmpeg', '-v', 'fatal', '-nostdin', '-ss', str(start), *length, '-i', path, '-ac', '1', '-ar', str(RATE), '-f', 'f32le', '-']
    return np.frombuffer(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout, np.float32).astype(float)


def write(path, samples):
    with wave.open(path, 'wb') as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes(np.round(samples * 32767).astype('<i2').tobytes())


def level(samples):
    """The level of a signal where it sounds: the root mean square of its tenths of a second that are at most 30 dB below the loudest."""
    size = RATE // 10
    power = np.mean(samples[:len(samples) // size * size].reshape(-1, size) ** 2, axis=1)
    return np.sqrt(np.mean(power[power > 1e-3 * power.max()]))
