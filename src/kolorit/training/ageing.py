"""What time, cheap prints and scanners do to a photograph's lightness; its colours stay the truth.

Each effect takes L (h,w) float32, 0..100, and gives the same; distances are in pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.lab import grey_to_lightness, lightness_to_grey
from kolorit.picture.rgb import through_jpeg

Plane = npt.NDArray[np.float32]

_LIGHTNESS_OF_GREY = np.asarray(grey_to_lightness(np.arange(256) / 255.0), np.float32)


def age(L: Plane, rng: np.random.Generator) -> Plane:
    """Some of the effects, each half of the time and at least one, in the order of life.

    The lens blurs, the film has grain, the print fades and gets scratched, a scan is compressed.
    """
    chosen = rng.random(5) < 0.5
    chosen[rng.integers(5)] = True
    if chosen[0]:
        L = blur(L, rng.uniform(0.4, 1.4))
    if chosen[1]:
        L = grain(L, rng.uniform(1.5, 6), rng.uniform(0, 1), rng)
    if chosen[2]:
        L = fade(L, rng.uniform(3, 30), rng.uniform(70, 98))
    if chosen[3]:
        L = scratch(L, int(rng.integers(0, 5)), rng)
        L = dust(L, int(rng.integers(1, 25)), rng)
    if chosen[4]:
        L = compress(L, int(rng.integers(20, 81)))
    return L


def blur(L: Plane, sigma: float) -> Plane:
    """Gaussian blur; the border is continued."""
    reach = int(np.ceil(3 * sigma))
    x = np.arange(-reach, reach + 1)
    kernel = np.exp(-(x**2) / (2 * sigma**2)).astype(np.float32)
    kernel /= kernel.sum()
    h, w = L.shape
    padded = np.pad(L, reach, mode="edge")
    rows = sum(k * padded[i : i + h] for i, k in enumerate(kernel))
    return np.asarray(sum(k * rows[:, i : i + w] for i, k in enumerate(kernel)), np.float32)


def grain(L: Plane, strength: float, size: float, rng: np.random.Generator) -> Plane:
    """Noise of standard deviation ``strength`` in middle greys, half of that in black and white.

    size: sigma of the clumps; 0 = each pixel for itself.
    """
    noise = rng.standard_normal(L.shape, np.float32)
    if size > 0.2:
        noise = blur(noise, size)
        noise /= noise.std() + 1e-6
    middle = L * (100 - L) / 2500  # (h,w) 0 at the ends, 1 in the middle
    return np.clip(L + strength * (0.5 + 0.5 * middle) * noise, 0, 100)


def fade(L: Plane, black: float, white: float) -> Plane:
    """Less contrast: black is lifted to one L, white has yellowed to another."""
    return L * np.float32((white - black) / 100) + np.float32(black)


def scratch(L: Plane, count: int, rng: np.random.Generator) -> Plane:
    """Fine lines along the film, light or dark, nearly straight, rarely all the way."""
    h, w = L.shape
    y = np.arange(h, dtype=np.float32)[:, None]
    for _ in range(count):
        begin, end = np.sort(rng.uniform(-0.3 * h, 1.3 * h, 2))
        middle = rng.uniform(0, w) + rng.normal(0, 0.04) * (y - h / 2)
        middle = middle + rng.uniform(0, 0.8) * np.sin(y / rng.uniform(4, 20))  # (h,1)
        away = np.abs(np.arange(w) + 0.5 - middle)  # (h,w)
        cover = np.clip(rng.uniform(0.3, 1) + 0.5 - away, 0, 1) * ((y >= begin) & (y <= end))
        L = _paint(L, cover * rng.uniform(0.3, 0.9), rng)
    return L


def dust(L: Plane, count: int, rng: np.random.Generator) -> Plane:
    """Specks, light or dark."""
    h, w = L.shape
    L = L.copy()
    for _ in range(count):
        y, x, radius = rng.uniform(0, h), rng.uniform(0, w), rng.gamma(2, 0.5) + 0.3
        reach = int(radius) + 2
        rows = slice(max(0, int(y) - reach), int(y) + reach + 1)
        columns = slice(max(0, int(x) - reach), int(x) + reach + 1)
        down, across = np.arange(h)[rows, None] + 0.5 - y, np.arange(w)[columns] + 0.5 - x
        cover = np.clip(radius + 0.5 - np.hypot(down, across), 0, 1) * rng.uniform(0.4, 1)
        L[rows, columns] = _paint(L[rows, columns], cover, rng)
    return L


def compress(L: Plane, quality: int) -> Plane:
    """A grey JPEG of 8 bits of this quality, 1..100."""
    grey = np.rint(255 * lightness_to_grey(np.clip(L, 0, 100))).astype(np.uint8)
    return np.asarray(_LIGHTNESS_OF_GREY[through_jpeg(grey, quality)])


def _paint(L: Plane, cover: npt.NDArray[np.floating], rng: np.random.Generator) -> Plane:
    """L under a paint, two times in three a light one; cover (h,w) 0..1."""
    tone = rng.uniform(80, 100) if rng.random() < 2 / 3 else rng.uniform(0, 25)
    return np.asarray(L + cover * (tone - L), np.float32)
