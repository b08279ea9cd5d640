"""What the second study did to its encoder's input, and to its raw arm: defects 3 and 9, rebuilt.

All take and give rgb (B,h,w,3) uint8 and draw anew for each picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kolorit.training.squares import Squares

Floats = np.ndarray
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def distort(rgb: Squares, rng: np.random.Generator) -> Squares:
    """Brightness, contrast, saturation, hue and channels changed, sharpened, inverted, each half of
    the time (channels half of the time too). The truth of such an input is unknowable: an inverted
    picture has the colours of its negative.
    """
    out = np.empty_like(rgb)
    for k, picture in enumerate(rgb):
        x = picture.astype(np.float32) / 255
        for change, low, high in (
            (brightness, 0.875, 1.125),
            (contrast, 0.5, 1.5),
            (saturation, 0.5, 1.5),
            (hue, -0.05, 0.05),
        ):
            if rng.random() < 0.5:
                x = change(x, rng.uniform(low, high))
        if rng.random() < 0.5:
            x = x[..., rng.permutation(3)]
        if rng.random() < 0.5:
            x = sharpness(x, 2.0)
        if rng.random() < 0.5:
            x = 1 - x
        out[k] = _bytes(x)
    return out


def trivial_augment(rgb: Squares, rng: np.random.Generator) -> Squares:
    """One change of a random strength for each picture, of fourteen.

    Source: Mueller and Hutter 2021, "TrivialAugment", the wide table of strengths; 31 steps each.
    What a turn or a shift leaves empty is black, as there.
    """
    out = np.empty_like(rgb)
    names = list(_WIDE)
    for k, picture in enumerate(rgb):
        change, low, high, signed = _WIDE[names[rng.integers(len(names))]]
        strength = low + (high - low) * rng.integers(31) / 30
        if signed and rng.random() < 0.5:
            strength = -strength
        out[k] = _bytes(change(picture.astype(np.float32) / 255, strength))
    return out


def brightness(x: Floats, factor: float) -> Floats:
    return np.asarray(np.clip(factor * x, 0, 1))


def contrast(x: Floats, factor: float) -> Floats:
    """Away from, or towards, the mean luma."""
    return _blend(x, (x @ _LUMA).mean(), factor)


def saturation(x: Floats, factor: float) -> Floats:
    """Away from, or towards, the luma of each pixel."""
    return _blend(x, (x @ _LUMA)[..., None], factor)


def sharpness(x: Floats, factor: float) -> Floats:
    """Away from, or towards, a blur by 3x3 with 5 in the middle; the border stays."""
    blurred = x.copy()
    h, w = x.shape[:2]
    near = sum(x[i : h - 2 + i, j : w - 2 + j] for i in range(3) for j in range(3))
    blurred[1:-1, 1:-1] = (near + 4 * x[1:-1, 1:-1]) / 13
    return _blend(x, blurred, factor)


def hue(x: Floats, turn: float) -> Floats:
    """All hues of HSV turned by a share of the circle."""
    top, low = x.max(-1), x.min(-1)
    span = np.where(top > low, top - low, 1)
    r, g, b = np.moveaxis((top[..., None] - x) / span[..., None], -1, 0)
    h = np.where(x[..., 0] == top, b - g, np.where(x[..., 1] == top, 2 + r - b, 4 + g - r)) / 6
    h = (h + turn) % 1
    s = np.where(top > 0, (top - low) / np.where(top > 0, top, 1), 0)
    k = (np.array([5, 3, 1]) + 6 * h[..., None]) % 6  # (h,w,3)
    wave = np.clip(np.minimum(k, 4 - k), 0, 1)
    return np.asarray(top[..., None] * (1 - s[..., None] * wave), np.float32)


def _blend(x: Floats, other: Floats, factor: float) -> Floats:
    return np.asarray(np.clip(other + factor * (x - other), 0, 1), np.float32)


def _bytes(x: Floats) -> Squares:
    return np.asarray(x * 255 + 0.5).clip(0, 255).astype(np.uint8)


def _moved(x: Floats, matrix: tuple[tuple[float, float], tuple[float, float]]) -> Floats:
    """Nearest pixels at matrix (place - middle) + middle; black outside."""
    return _sampled(x, matrix, (0.0, 0.0))


def _sampled(x: Floats, matrix: object, shift: tuple[float, float]) -> Floats:
    h, w = x.shape[:2]
    middle = np.array([(h - 1) / 2, (w - 1) / 2])
    places = np.stack(np.meshgrid(np.arange(h), np.arange(w), indexing="ij"), -1) - middle
    source = places @ np.array(matrix).T + middle + np.array(shift)
    y, xs = np.moveaxis(np.rint(source).astype(int), -1, 0)
    inside = (y >= 0) & (y < h) & (xs >= 0) & (xs < w)
    return np.asarray(
        np.where(inside[..., None], x[y.clip(0, h - 1), xs.clip(0, w - 1)], 0), np.float32
    )


def _turned(x: Floats, degrees: float) -> Floats:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return _moved(x, ((c, s), (-s, c)))


def _posterised(x: Floats, bits: float) -> Floats:
    step = 2 ** (8 - round(abs(bits)))
    return np.asarray((x * 255 + 0.5).astype(np.int64) // step * step / 255, np.float32)


def _solarised(x: Floats, threshold: float) -> Floats:
    return np.asarray(np.where(x >= threshold / 255, 1 - x, x), np.float32)


def _stretched(x: Floats, _: float) -> Floats:
    low, high = x.min((0, 1)), x.max((0, 1))
    return np.asarray(np.where(high > low, (x - low) / np.where(high > low, high - low, 1), x))


def _equalised(x: Floats, _: float) -> Floats:
    out = np.empty_like(x)
    for c in range(3):
        levels = (x[..., c] * 255 + 0.5).astype(int)
        counts = np.bincount(levels.reshape(-1), minlength=256)
        step = (counts.sum() - counts[np.flatnonzero(counts)[-1]]) // 255
        if step == 0:
            out[..., c] = x[..., c]
            continue
        before = (np.concatenate([[0], counts.cumsum()[:-1]]) + step // 2) // step
        out[..., c] = np.clip(before, 0, 255)[levels] / 255
    return out


_WIDE: dict[str, tuple[Callable[[Floats, float], Floats], float, float, bool]] = {
    "identity": (lambda x, _: x, 0, 0, False),
    "shear-x": (lambda x, v: _moved(x, ((1, 0), (-v, 1))), 0, 0.99, True),
    "shear-y": (lambda x, v: _moved(x, ((1, -v), (0, 1))), 0, 0.99, True),
    "translate-x": (lambda x, v: _sampled(x, ((1, 0), (0, 1)), (0, -v)), 0, 32, True),
    "translate-y": (lambda x, v: _sampled(x, ((1, 0), (0, 1)), (-v, 0)), 0, 32, True),
    "rotate": (_turned, 0, 135, True),
    "brightness": (lambda x, v: brightness(x, 1 + v), 0, 0.99, True),
    "colour": (lambda x, v: saturation(x, 1 + v), 0, 0.99, True),
    "contrast": (lambda x, v: contrast(x, 1 + v), 0, 0.99, True),
    "sharpness": (lambda x, v: sharpness(x, 1 + v), 0, 0.99, True),
    "posterise": (_posterised, 8, 2, False),
    "solarise": (_solarised, 255, 0, False),
    "autocontrast": (_stretched, 0, 0, False),
    "equalise": (_equalised, 0, 0, False),
}
