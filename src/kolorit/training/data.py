"""Batches from the store: crops, flips, lightness, true ab and simulated hints.

Every batch follows from (seed, step, rank) alone, so a run that resumes sees what it would have
seen, and no state of a loader needs saving.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kolorit.colour.lab import bytes_to_lab, grey_to_lightness
from kolorit.colour.luma import KB, KG, KR
from kolorit.picture.rgb import resize_rgb
from kolorit.training.recipe import Recipe, final_from

_LUMA = np.array([KR, KG, KB], np.float32)
_LIGHTNESS_OF_GREY = grey_to_lightness(np.arange(256) / 255.0).astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """L (B,1,h,w) 0..100, hints (B,3,h,w) = a, b, mask, ab (B,2,h,w): the truth, in ab units."""

    L: Tensor
    hints: Tensor
    ab: Tensor


def split(count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and validation; the store is shuffled, so the last are held out."""
    held = max(1, round(count * share))
    return np.arange(count - held), np.arange(count - held, count)


def train_batches(
    store: np.ndarray, recipe: Recipe, start: int, rank: int = 0, ranks: int = 1
) -> Iterator[Batch]:
    """Batches from step ``start`` on, one prepared ahead in a thread."""
    train, _ = split(len(store), recipe.validation)
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(make_batch, store, train, recipe, start, rank, ranks)
        for step in range(start + 1, recipe.steps + 1):
            batch = ahead.result()
            if step < recipe.steps:
                ahead = pool.submit(make_batch, store, train, recipe, step, rank, ranks)
            yield batch


def make_batch(
    store: np.ndarray, train: np.ndarray, recipe: Recipe, step: int, rank: int = 0, ranks: int = 1
) -> Batch:
    """The batch of one step and rank: an epoch is a permutation, ranks share out each batch."""
    share = recipe.batch // ranks
    places = (
        step * recipe.batch + rank * share + np.arange(share)
    )  # positions in the endless sequence
    rng = np.random.default_rng((recipe.seed, step, rank))
    sizes = recipe.crops if step < final_from(recipe) else recipe.final_crops
    px = sizes[np.random.default_rng((recipe.seed, step)).integers(len(sizes))]  # all ranks alike
    least = max(recipe.crop_min, px)  # nothing is enlarged
    crops = np.stack(
        [_crop(store[_picture(train, recipe.seed, int(p))], least, px, rng) for p in places]
    )
    return to_batch(crops, recipe.grey, recipe.hints, rng)


def validation_batches(store: np.ndarray, recipe: Recipe, size: int = 32) -> Iterator[Batch]:
    """The held-out squares, whole, without hints, L of the grey file."""
    _, held = split(len(store), recipe.validation)
    held = held[: recipe.validation_pictures]
    side = recipe.store_px // 32 * 32
    for k in range(0, len(held), size):
        squares = np.ascontiguousarray(store[held[k : k + size]][:, :side, :side])
        yield to_batch(squares, "luma", 0.0, np.random.default_rng(0))


def to_batch(rgb: np.ndarray, grey: str, hints: float, rng: np.random.Generator) -> Batch:
    """Batch of crops rgb (B,h,w,3) uint8; ``hints`` = share of pictures that get some."""
    L, ab = (torch.from_numpy(x) for x in lightness_and_ab(rgb))
    if grey != "lightness":
        of_file = torch.from_numpy(lightness_of_grey_file(rgb))
        swap = torch.from_numpy(rng.random(len(rgb)) < (1.0 if grey == "luma" else 0.5))
        L = torch.where(swap[:, None, None, None], of_file, L)
    return Batch(L, simulate_hints(ab, hints, rng), ab)


def lightness_and_ab(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L (B,1,h,w) 0..100 and ab (B,2,h,w) of sRGB bytes (B,h,w,3), by the product's own tables."""
    B, h, w, _ = rgb.shape
    lab = bytes_to_lab(rgb.reshape(B * h, w, 3)).reshape(B, h, w, 3).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(lab[:, :1]), np.ascontiguousarray(lab[:, 1:])


def lightness_of_grey_file(rgb: np.ndarray) -> np.ndarray:
    """L (B,1,h,w) that the product reads from a grey file of these bytes: L* of rounded luma."""
    luma = (rgb @ _LUMA + 0.5).astype(np.uint8)
    return _LIGHTNESS_OF_GREY[luma][:, None]


def simulate_hints(ab: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Points and patches of true colour, as users give them: mostly none, often few, at times many.

    ab (B,2,h,w) in ab units. Each picture has hints with probability ``share``: their number is
    geometric, with mean 4 for seven in ten and 40 for the others; each is a square of 1 to 9 px
    with the mean colour under it. Returns (B,3,h,w). Source of the idea: Zhang et al. 2017, 3.2.
    """
    B, _, h, w = ab.shape
    hints = torch.zeros(B, 3, h, w)
    for k in range(B):
        if rng.random() >= share:
            continue
        mean = 4 if rng.random() < 0.7 else 40
        for _ in range(min(int(rng.geometric(1 / mean)), 400)):
            size = int(rng.integers(1, 10))
            y, x = int(rng.integers(0, h)), int(rng.integers(0, w))
            rows, cols = (
                slice(max(0, y - size // 2), y - size // 2 + size),
                slice(max(0, x - size // 2), x - size // 2 + size),
            )
            hints[k, :2, rows, cols] = ab[k, :, rows, cols].mean((1, 2), keepdim=True)
            hints[k, 2, rows, cols] = 1
    return hints


def _picture(train: np.ndarray, seed: int, place: int) -> int:
    epoch, index = divmod(place, len(train))
    return int(train[_permutation(len(train), seed, epoch)[index]])


_PERMUTATIONS: dict[tuple[int, int, int], np.ndarray] = {}


def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    key = (count, seed, epoch)
    if key not in _PERMUTATIONS:
        if len(_PERMUTATIONS) > 4:
            _PERMUTATIONS.clear()
        _PERMUTATIONS[key] = np.random.default_rng((seed, epoch)).permutation(count)
    return _PERMUTATIONS[key]


def _crop(square: np.ndarray, least: int, px: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of at least ``least`` pixels at ``px``, mirrored half of the time."""
    full = square.shape[0]
    side = int(rng.integers(min(least, full), full + 1))
    y, x = int(rng.integers(0, full - side + 1)), int(rng.integers(0, full - side + 1))
    crop = np.ascontiguousarray(square[y : y + side, x : x + side])
    if side != px:
        crop = resize_rgb(crop, (px, px))
    return crop[:, ::-1] if rng.random() < 0.5 else crop
