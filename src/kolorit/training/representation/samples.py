"""What a taught encoder and its decoder make of some pictures that they never learnt from."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kolorit.colour.gamut import shrink_lab
from kolorit.colour.lab import lab_to_rgb
from kolorit.errors import DataCorrupt
from kolorit.picture.save import save
from kolorit.training.colour import annealed_mean
from kolorit.training.representation.pictures import Pictures, batches, to_pictures
from kolorit.training.representation.pretexts import PRETEXTS, REACH
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain
from kolorit.training.representation.taught import Taught
from kolorit.training.squares import Squares

EACH = 3  # pictures of each domain
TEMPERATURE = 0.38  # of the annealed mean, as in Zhang, Isola, Efros 2016
Samples = dict[str, Squares]  # grey, made, truth: (n,px,px,3) each


def _rgb(out: Tensor, pictures: Pictures) -> Squares:
    """An autoencoder's whole answer, its own lightness too."""
    return _bytes(((torch.tanh(out) + 1) / 2).permute(0, 2, 3, 1).cpu().numpy())


def _ab(out: Tensor, pictures: Pictures) -> Squares:
    return _coloured(pictures, REACH * out)


def _bins(out: Tensor, pictures: Pictures) -> Squares:
    return _coloured(pictures, annealed_mean(out, TEMPERATURE))


# pretext -> what its network's answer looks like; one that is not here makes no pictures
SHOWN: dict[str, Callable[[Any, Pictures], Squares]] = {
    "rgb": _rgb,
    "grey": _rgb,
    "ab": _ab,
    "bins": _bins,
    "split-brain": lambda out, pictures: _bins(out[0], pictures),  # the half that guesses colour
}


@torch.no_grad()
def make_samples(taught: Taught, pretext: str, of: ClassSet, domains: dict[str, Domain]) -> Samples:
    """Pictures of each domain's pool, spread over it; none for a pretext that makes none."""
    if pretext not in SHOWN:
        return {}
    parts: dict[str, list[Squares]] = {"grey": [], "made": [], "truth": []}
    for domain in domains.values():
        rows = domain.pool[np.argsort(of.label[domain.pool], kind="stable")]
        some = rows[np.linspace(0, len(rows) - 1, min(EACH, len(rows))).astype(int)]
        for rgb, label in batches(of, domain, some, EACH):
            pictures = to_pictures(rgb, label, taught.preprocessing, torch.device("cpu"))
            out = taught.net(PRETEXTS[pretext].make_input(pictures))
            parts["grey"].append(_coloured(pictures, torch.zeros(len(rgb), 2, 1, 1)))
            parts["made"].append(SHOWN[pretext](out, pictures))
            parts["truth"].append(rgb)
    return {name: np.concatenate(some) for name, some in parts.items()}


def write_samples(samples: Samples, path: Path) -> None:
    """An .npz, whole or not at all."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **samples)
    save(content.getvalue(), path, overwrite=True)


def read_samples(path: Path) -> Samples:
    """What `write_samples` wrote; DataCorrupt for anything else."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DataCorrupt(
            f"these samples cannot be read: {error}",
            file=path,
            remedy="Take the file away; the study makes it again.",
        ) from error


def _coloured(pictures: Pictures, ab: Tensor) -> Squares:
    """The pictures' own lightness with ab (B,2,h,w) of any size; what no screen can show loses
    chroma."""
    L = pictures.lab.L
    ab = F.interpolate(ab.float(), L.shape[2:], mode="bilinear", align_corners=False)
    lab = torch.cat([L, ab.clamp(-128, 128)], 1).permute(0, 2, 3, 1).cpu().numpy()
    return _bytes(lab_to_rgb(shrink_lab(lab)))


def _bytes(rgb: np.ndarray) -> Squares:
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * 255), np.uint8)
