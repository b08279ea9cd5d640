"""Batches from the store: crops, turns, flips, lightness, true ab, ageing and simulated hints.

Every batch follows from (seed, step, rank) alone, so a run that resumes sees what it would have
seen, and no state of a loader needs saving.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from kolorit.colour.lab import bytes_to_lab, grey_to_lightness
from kolorit.colour.luma import KB, KG, KR
from kolorit.errors import ConfigInvalid
from kolorit.picture.rgb import cut_turned, resize_rgb
from kolorit.training.ageing import age
from kolorit.training.as_run import REACH, as_run_lab
from kolorit.training.recipe import Recipe, crops_at
from kolorit.training.simulated_hints import simulate_hints
from kolorit.training.squares import Squares
from kolorit.training.store import Store, split

Floats = npt.NDArray[np.float32]

_LUMA = np.array([KR, KG, KB], np.float32)
_LIGHTNESS_OF_GREY = grey_to_lightness(np.arange(256) / 255.0).astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """L (B,1,h,w) 0..100, hints (B,3,h,w) = a, b, mask, ab (B,2,h,w): the truth, in ab units.

    reach: the largest |a| and |b| of its space; 110 is true Lab. Another is ``as_run.REACH``, and
    then L runs from -70.
    """

    L: Tensor
    hints: Tensor
    ab: Tensor
    reach: float = 110.0

    def to(self, device: torch.device) -> Batch:
        """The same on a device, channels last."""
        tensors = (self.L, self.hints, self.ab)
        L, hints, ab = (t.to(device, memory_format=torch.channels_last) for t in tensors)
        return Batch(L, hints, ab, self.reach)

    def chunks(self, count: int) -> list[Batch]:
        """The same in ``count`` equal parts."""
        parts = zip(*(t.chunk(count) for t in (self.L, self.hints, self.ab)), strict=True)
        return [Batch(L, hints, ab, self.reach) for L, hints, ab in parts]


def train_batches(
    store: Store, recipe: Recipe, start: int, rank: int = 0, ranks: int = 1
) -> Iterator[tuple[Batch, float]]:
    """Batches from step ``start`` on, one prepared ahead in a thread.

    With each the seconds that the caller had to wait for it.
    """
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(make_batch, store, recipe, start, rank, ranks)
        for step in range(start + 1, recipe.steps + 1):
            began = time.monotonic()
            batch = ahead.result()
            waited = time.monotonic() - began
            if step < recipe.steps:
                ahead = pool.submit(make_batch, store, recipe, step, rank, ranks)
            yield batch, waited


def make_batch(store: Store, recipe: Recipe, step: int, rank: int = 0, ranks: int = 1) -> Batch:
    """The batch of one step and rank; the ranks share out each step's place in the epochs."""
    share = recipe.batch // ranks
    first = step * recipe.batch + rank * share
    rng = np.random.default_rng((recipe.seed, step, rank))
    sizes = crops_at(recipe, step)
    px = sizes[np.random.default_rng((recipe.seed, step)).integers(len(sizes))]  # all ranks alike
    least = max(recipe.crop_min, px)  # nothing is enlarged
    crops = [
        cut_crop(store.squares[_picture(store, recipe, place)], least, px, recipe.rotate, rng)
        for place in range(first, first + share)
    ]
    return to_batch(np.stack(crops), recipe.grey, recipe.hints, rng, recipe.lab, recipe.ageing)


def validation_batches(store: Store, recipe: Recipe, size: int = 32) -> Iterator[Batch]:
    """The held-out squares, whole, without hints or age, L of the grey file (or as-run)."""
    _, held = split(store, recipe.validation)
    held = held[: recipe.validation_pictures]
    side = recipe.store_px // 32 * 32
    for k in range(0, len(held), size):
        squares = np.ascontiguousarray(store.squares[held[k : k + size]][:, :side, :side])
        yield to_batch(squares, "luma", 0.0, np.random.default_rng(0), recipe.lab)


def to_batch(
    rgb: Squares,
    grey: str,
    hints: float,
    rng: np.random.Generator,
    lab: str = "true",
    ageing: float = 0.0,
) -> Batch:
    """Batch of crops rgb (B,h,w,3) uint8.

    hints, ageing: shares of pictures that get some. With lab = "as-run" L and ab are those of the
    first study, and grey has no meaning; ConfigInvalid for ageing, which needs a true L.
    """
    if lab == "as-run":
        if ageing:
            raise ConfigInvalid("ageing goes with true Lab only", remedy="Use ageing = 0.")
        wrong = torch.from_numpy(as_run_lab(rgb).transpose(0, 3, 1, 2).copy())  # (B,3,h,w)
        L, ab = wrong[:, :1].contiguous(), wrong[:, 1:].contiguous()
        return Batch(L, torch.zeros_like(wrong), ab, REACH)
    of_colours, true_ab = lightness_and_ab(rgb)
    if grey != "lightness":
        of_file = lightness_of_grey_file(rgb)
        swap = rng.random(len(rgb)) < (1.0 if grey == "luma" else 0.5)
        of_colours = np.where(swap[:, None, None, None], of_file, of_colours)
    ab = torch.from_numpy(true_ab)
    given = simulate_hints(ab, hints, rng)
    if ageing:
        for k in np.flatnonzero(rng.random(len(rgb)) < ageing):
            of_colours[k, 0] = age(of_colours[k, 0], rng)
    return Batch(torch.from_numpy(of_colours), given, ab)


def lightness_and_ab(rgb: Squares) -> tuple[Floats, Floats]:
    """L (B,1,h,w) 0..100 and ab (B,2,h,w) of sRGB bytes (B,h,w,3), by the product's own tables."""
    B, h, w, _ = rgb.shape
    lab = bytes_to_lab(rgb.reshape(B * h, w, 3)).reshape(B, h, w, 3).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(lab[:, :1]), np.ascontiguousarray(lab[:, 1:])


def lightness_of_grey_file(rgb: Squares) -> Floats:
    """L (B,1,h,w) that the product reads from a grey file of these bytes: L* of rounded luma."""
    luma = (rgb @ _LUMA + 0.5).astype(np.uint8)
    return np.asarray(_LIGHTNESS_OF_GREY[luma][:, None])


def cut_crop(
    square: Squares, least: int, px: int, rotate: float, rng: np.random.Generator
) -> Squares:
    """A random square of at least ``least`` pixels at (px,px,3), mirrored half of the time.

    rotate: it is turned by up to that many degrees, or as far as it stays within the picture: the
    corners of what is seen always were in the photograph.
    """
    full = square.shape[0]
    least = min(least, full)
    turn = rng.uniform(-1, 1) * min(rotate, _largest_turn(full / least)) if rotate else 0.0
    spread = abs(math.cos(math.radians(turn))) + abs(math.sin(math.radians(turn)))
    side = int(rng.integers(least, max(least, int(full / spread)) + 1))
    if turn:
        room = max(0.0, (full - side * spread) / 2)
        y, x = full / 2 + rng.uniform(-room, room, 2)
        crop = cut_turned(square, (y, x), side, turn, px)
    else:
        top, left = int(rng.integers(0, full - side + 1)), int(rng.integers(0, full - side + 1))
        crop = np.ascontiguousarray(square[top : top + side, left : left + side])
        if side != px:
            crop = resize_rgb(crop, (px, px))
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _largest_turn(room: float) -> float:
    """Degrees, 0..45, by which a square can be turned in one ``room`` times as large.

    It then takes cos + sin = sqrt(2) cos(45 degrees - turn) times its side.
    """
    return 45 - math.degrees(math.acos(min(room / math.sqrt(2), 1)))


def epoch_order(
    source: npt.NDArray[np.integer], weights: tuple[float, ...], seed: int, epoch: int
) -> npt.NDArray[np.intp]:
    """Indices into ``source`` (M,) in the order in which an epoch shows them.

    Each comes as often as its source's weight says: of weight 2.5 all twice, and half of them,
    other ones each epoch, once more. The length is the same for every epoch.
    """
    rng = np.random.default_rng((seed, epoch))
    shown = []
    for at, weight in enumerate(weights):
        mine = np.flatnonzero(source == at)
        whole = int(weight)
        more = round((weight - whole) * len(mine))
        shown += [mine] * whole + ([rng.permutation(mine)[:more]] if more else [])
    order = np.concatenate(shown) if shown else np.zeros(0, np.intp)
    return rng.permutation(order)


@lru_cache(maxsize=4)
def _epoch(store: Store, validation: float, seed: int, epoch: int) -> npt.NDArray[np.intp]:
    """The pictures of an epoch, as indices of the store."""
    train, _ = split(store, validation)
    order = epoch_order(store.source[train], store.weights, seed, epoch)
    if not len(order):
        raise ConfigInvalid(
            f"with weights of {', '.join(map(str, store.weights))} an epoch shows no picture",
            remedy="Give larger weights under [sources].",
        )
    return train[order]


def _picture(store: Store, recipe: Recipe, place: int) -> int:
    """The picture at a place of the endless sequence of epochs."""
    length = len(_epoch(store, recipe.validation, recipe.seed, 0))
    epoch, index = divmod(place, length)
    return int(_epoch(store, recipe.validation, recipe.seed, epoch)[index])
