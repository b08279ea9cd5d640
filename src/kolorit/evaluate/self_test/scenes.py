"""Made-up photographs from whole numbers: the same bytes on every computer, and no files.

A scene has what the traps need: sky, foliage, soil and wood, a red barn, faces, clothes in strong
colours, soft shading, texture, edges as soft as a lens makes them.
"""

from __future__ import annotations

import numpy as np

from kolorit.colour.bins import BINS

HEIGHT, WIDTH = 128, 176
_COUNT = 8
_CLOTHES = ((40, 62, 140), (216, 178, 44), (136, 40, 96), (230, 226, 214), (30, 110, 104))
_LEAVES = ((66, 96, 40), (104, 118, 46), (150, 110, 44), (48, 84, 62))
_SOIL = ((122, 88, 58), (176, 148, 108), (92, 74, 60), (142, 134, 122))
_SKINS = ((224, 178, 150), (196, 142, 112), (120, 82, 62))
_BARN, _WOOD, _ROOF = (156, 40, 36), (98, 66, 42), (74, 72, 76)

# Most colours of photographs are nearly grey: a share of each ab bin that falls with its chroma.
_FALL = (1 + (BINS.astype(np.float64) ** 2).sum(1) / 200) ** -2
PRIOR = _FALL / _FALL.sum()


def made_up() -> list[np.ndarray]:
    """The pictures of a self-test that is given none: rgb (128,176,3) uint8 each."""
    return [scene(number) for number in range(_COUNT)]


def scene(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """rgb (height,width,3) uint8 of a landscape with a barn and people; number: another one."""
    y, x = np.mgrid[:height, :width]
    horizon = height * (3 + number % 4) // 10
    rgb = np.empty((height, width, 3), np.int64)
    glow = (255 * y // max(horizon, 1))[..., None]  # (h,w,1): 0 at the top, 255 at the horizon
    dusk = np.array((70, -10, -90)) * (number % 3 == 2)
    rgb[:] = np.array((84, 132, 204)) + (np.array((110, 74, 26)) + dusk) * glow // 255
    rgb[y >= horizon] = _LEAVES[number % 4]
    rgb[y >= horizon + (height - horizon) * (2 + number % 3) // 6] = _SOIL[(number // 2) % 4]

    left, top = width * (1 + number * 3 % 5) // 9, horizon - height // 8
    house = _within(y, top, top + height // 3) & _within(x, left, left + width // 4)
    rgb[house] = (_BARN, _WOOD, _BARN, (204, 190, 158))[number % 4]
    door = _within(y, top + height // 6, top + height // 3) & _within(x, left + 8, left + 18)
    rgb[door] = _WOOD if number % 2 else (236, 232, 220)
    rgb[(y < top) & (y > top - height // 10 + abs(x - left - width // 8) // 2)] = _ROOF
    for person in range(1 + number % 3):
        _place(rgb, y, x, number + 2 * person, width * (5 + 2 * person - number % 3) // 9)

    grey = (rgb @ (299, 587, 114) // 1000)[..., None]  # (h,w,1)
    rgb = grey + (rgb - grey) * (3 + (5 * number + 4) % 8) // 10  # some pictures paler than others
    light = 208 + 40 * x // width - 30 * (y - horizon) // height  # (h,w), of 255
    rgb = rgb * light[..., None] // 255
    rough = np.where(y < horizon, 1, 4 + 3 * (y > horizon + height // 3) + number % 3)
    grain = 3 * _grain(number, height, width, 1) + _grain(number + 50, height, width, 3)  # (h,w)
    rgb = _soften(rgb + (rough * grain // 88)[..., None])
    return np.clip(rgb, 0, 255).astype(np.uint8)


def pair() -> tuple[np.ndarray, np.ndarray]:
    """(shown, truth), rgb (72,104,3) uint8: a colouring with every kind of mistake.

    Paler, smeared sideways, too warm; red and blue swapped at the left, too vivid at the right: no
    column is at its best.
    """
    truth = scene(2, 72, 104)
    values = truth.astype(np.int64)
    grey = (values @ (299, 587, 114) // 1000)[..., None]  # (h,w,1)
    tint = values - grey
    padded = np.pad(tint, ((0, 0), (4, 4), (0, 0)), "edge")
    smeared = np.sum([padded[:, k : k + truth.shape[1]] for k in range(9)], axis=0) // 9
    smeared[:, :40] = smeared[:, :40, ::-1]
    shown = grey + 4 * smeared // 5 + (3, 0, -3)
    shown[:, 84:] = grey[:, 84:] + 7 * tint[:, 84:] // 4
    return np.clip(shown, 0, 255).astype(np.uint8), truth


def _place(rgb: np.ndarray, y: np.ndarray, x: np.ndarray, look: int, at: int) -> None:
    """A person: a face over a coat."""
    height = len(rgb)
    foot, size = height - height // 12, height // 9 + look % 3
    coat = (abs(x - at) < size + (y - foot + 4 * size) // 3) & _within(y, foot - 3 * size, foot)
    rgb[coat] = _CLOTHES[look % 5]
    face = (x - at) ** 2 + (y - foot + 4 * size) ** 2 * 3 // 4 < size * size
    rgb[face] = np.array(_SKINS[look % 3]) * (256 - 2 * abs(x - at + size // 2)[face, None]) // 256


def _within(values: np.ndarray, low: int, high: int) -> np.ndarray:
    return np.asarray((values >= low) & (values < high))


def _grain(seed: int, height: int, width: int, cell: int) -> np.ndarray:
    """(h,w) whole numbers from -128 to 127 that look random, in cells of so many pixels."""
    y, x = np.mgrid[:height, :width].astype(np.uint64) // np.uint64(cell)
    bits = y * np.uint64(0x9E3779B1) ^ x * np.uint64(0x85EBCA77) ^ np.uint64(seed * 0xC2B2AE3D)
    for _ in range(2):
        bits = ((bits ^ bits >> np.uint64(15)) * np.uint64(0x2C1B3C6D)) & np.uint64(0xFFFFFFFF)
    return np.asarray((bits >> np.uint64(24)).astype(np.int64) - 128)


def _soften(rgb: np.ndarray) -> np.ndarray:
    """Means of 3 x 3 with weights 1, 6, 1 each way."""
    padded = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), "edge")
    rows = padded[:-2] + 6 * padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + 6 * rows[:, 1:-1] + rows[:, 2:] + 32) // 64)
