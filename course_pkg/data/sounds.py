"""Synthesised sounds of seven kinds, and the features that a network reads: the spectrum of short frames.

A wave is (n,) at RATE samples a second. Frames overlap; each is windowed, Fourier-transformed and summed in bands.
"""

import numpy as np

from course_pkg.shapes import Float, check_choice, check_positive_int, check_rng, checked

RATE = 8000
KINDS = ("sine", "square", "sawtooth", "noise", "rising", "falling", "warble")
FRAME, HOP, BANDS = 256, 128, 20


def draw_wave(rng: np.random.Generator, kind: str, seconds: float = 0.4, noise: float = 0.05) -> np.ndarray:
    """One sound, its pitch, loudness, phase and beginning by chance, in white noise: (n,).

    "rising" and "falling" glide over the same octave, in opposite directions; "warble" goes up and down.
    """
    check_rng("draw_wave", rng)
    check_choice("draw_wave", "kind", kind, KINDS)
    n = int(seconds * RATE)
    time = np.linspace(0, 1, n, endpoint=False)  # of the whole
    low = 220 * 2 ** rng.uniform(0, 1.5)  # Hz
    glide = {"rising": time, "falling": 1 - time, "warble": 0.5 - 0.5 * np.cos(4 * np.pi * time)}
    pitch = low * 2 ** glide.get(kind, np.full(n, rng.uniform(0, 1)))  # Hz, (n,)
    turns = np.cumsum(pitch) / RATE + rng.uniform()  # how many periods have gone by
    sine = np.sin(2 * np.pi * turns)
    shapes = {"square": np.sign(sine), "sawtooth": 2 * (turns % 1) - 1, "noise": rng.normal(size=n)}
    wave = shapes.get(kind, sine) * rng.uniform(0.3, 1)
    fade = np.clip((time - rng.uniform(0, 0.1)) * 20, 0, 1) * np.clip((1 - time) * 20, 0, 1)
    return wave * fade + noise * rng.normal(size=n)


@checked
def spectrogram(wave: Float["n"], frame: int = FRAME, hop: int = HOP) -> np.ndarray:
    """(spectrogram)  wave: (n,) -> (T, frame/2 + 1): |Fourier coefficient|^2 of each windowed frame."""
    check_positive_int("spectrogram", "frame", frame)
    check_positive_int("spectrogram", "hop", hop)
    if len(wave) < frame:
        raise ValueError(f"spectrogram: wave must hold at least one frame of {frame} samples, got {len(wave)}")
    starts = np.arange(0, len(wave) - frame + 1, hop)
    frames = wave[starts[:, None] + np.arange(frame)] * np.hanning(frame)  # (T, frame)
    return np.abs(np.fft.rfft(frames)) ** 2


def band_edges(coefficients: int, bands: int = BANDS) -> np.ndarray:
    """Where the bands begin and end, (bands + 1,): narrow below, each wider than the last, all of one coefficient."""
    return np.unique(np.round(np.geomspace(2, coefficients, bands + 1)).astype(int))


def features(wave: np.ndarray) -> np.ndarray:
    """(log-bands)  wave: (n,) -> (T, bands): log of the energy in each band; log, because loudness is heard so."""
    power = spectrogram(wave)
    edges = band_edges(power.shape[1])
    return np.log10(np.add.reduceat(power, edges[:-1], axis=1) + 1e-2)


def draw_sounds(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n sounds, the kinds in turn -> features (T, n, bands), the number of each one's kind (n,)."""
    kinds = np.arange(n) % len(KINDS)
    return np.stack([features(draw_wave(rng, KINDS[k])) for k in kinds], axis=1), kinds
