"""What a batch of pictures is to pretexts and probes, computed from its bytes once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kolorit.colour.bins import BINS
from kolorit.colour.luma import KB, KG, KR
from kolorit.errors import CheckpointRefused
from kolorit.training.colour import rgb_to_lab, soft_encode
from kolorit.training.data import Batch, lightness_and_ab
from kolorit.training.prior import RAREST
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain, Rows, check_labels
from kolorit.training.representation.study import Study
from kolorit.training.squares import Squares

GREYS = ("lightness", "luma")


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the grey that an encoder sees; saved with every encoder.

    grey: "lightness", L* of the colours over 100, or "luma" of the gamma-encoded RGB; both run
    from ``low`` for black to ``high`` for white.
    """

    px: int
    grey: str = "lightness"
    low: float = -1.0
    high: float = 1.0
    squashed: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def preprocessing_of(study: Study) -> Preprocessing:
    """What every encoder of a study is shown while it is taught."""
    return Preprocessing(study.px, study.grey, squashed=study.defects.squashed)


def preprocessing_from_json(text: str) -> Preprocessing:
    """The one that an encoder was trained with; CheckpointRefused for something else."""
    try:
        return Preprocessing(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise CheckpointRefused(f"its preprocessing cannot be read: {error}") from error


@dataclass(frozen=True, eq=False)
class Pictures:
    """rgb (B,3,h,w) in [0, 1], sRGB-encoded; label (B,), any numbers where they do not matter.

    shown: what the encoder sees in rgb's place, where that is another picture.
    """

    rgb: Tensor
    label: Tensor
    preprocessing: Preprocessing
    shown: Tensor | None = None

    @cached_property
    def grey(self) -> Tensor:
        """(B,1,h,w) from ``low`` to ``high``: the input of every encoder that sees grey."""
        how = self.preprocessing
        seen = self.rgb if self.shown is None else self.shown
        if how.grey == "luma":
            share = KR * seen[:, :1] + KG * seen[:, 1:2] + KB * seen[:, 2:]
        else:
            share = rgb_to_lab(seen)[0] / 100
        return how.low + (how.high - how.low) * share

    @cached_property
    def lab(self) -> Batch:
        """L (B,1,h,w) 0..100 and ab (B,2,h,w) in ab units of the true colours, without hints."""
        L, ab = rgb_to_lab(self.rgb)
        return Batch(L, torch.zeros_like(self.rgb), ab)


def to_pictures(
    rgb: Squares,
    label: np.ndarray,
    preprocessing: Preprocessing,
    device: torch.device,
    shown: Squares | None = None,
) -> Pictures:
    """Bytes rgb (B,h,w,3) on a device, in [0, 1]."""

    def move(pixels: Squares) -> Tensor:
        tensor = torch.from_numpy(np.array(pixels)).to(device)
        return tensor.permute(0, 3, 1, 2).contiguous().float() / 255  # (B,3,h,w)

    other = None if shown is None else move(shown)
    return Pictures(move(rgb), torch.from_numpy(label).to(device), preprocessing, other)


def batches(
    of: ClassSet, domain: Domain, rows: Rows, size: int
) -> Iterator[tuple[Squares, np.ndarray]]:
    """Pictures (B,px,px,3) and labels (B,) of rows, in their order; every batch is checked.

    Raises DataCorrupt as `check_labels`.
    """
    for k in range(0, len(rows), size):
        some = rows[k : k + size]
        label = of.label[some]
        check_labels(label, domain, of)
        yield np.stack([of.pictures[row] for row in some]), label


def shuffled(rows: Rows, seed: int, count: int) -> Rows:
    """``count`` rows, epoch after epoch, each epoch in an order of its own."""
    epochs = -(-count // len(rows))
    orders = [np.random.default_rng((seed, epoch)).permutation(rows) for epoch in range(epochs)]
    return np.concatenate(orders)[:count]


def colour_prior(of: ClassSet, rows: Rows, stride: int, most: int = 2000) -> Tensor:
    """Share of each ab bin (Q,) in some pictures, averaged to ``stride``; float64, sums to 1.

    As `training/prior.py`, whose store has no classes: no share is far below 1e-5.
    """
    total = torch.zeros(len(BINS), dtype=torch.float64)
    for row in rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]:
        _, ab = lightness_and_ab(np.array(of.pictures[row])[None])
        cells = F.avg_pool2d(torch.from_numpy(ab), stride)[0].permute(1, 2, 0)  # (h/s,w/s,2)
        bins, weight = soft_encode(cells)
        total += torch.bincount(bins.flatten(), weight.flatten().double(), minlength=len(BINS))
    prior = (total / total.sum()).clamp(min=RAREST)
    return prior / prior.sum()


def cut(rgb: Squares, side: int, rng: np.random.Generator) -> Squares:
    """A random square of each picture, (B,side,side,3), mirrored half of the time; 0 = whole."""
    B, full = rgb.shape[:2]
    side = side or full
    top, left = rng.integers(0, full - side + 1, (2, B))
    crops = np.stack(
        [x[t : t + side, c : c + side] for x, t, c in zip(rgb, top, left, strict=True)]
    )
    flip = rng.random(B) < 0.5
    crops[flip] = crops[flip][:, :, ::-1]
    return crops
