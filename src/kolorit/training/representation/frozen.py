"""Features of an encoder that stands still: by stage, resized to about as many numbers each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid, DataCorrupt
from kolorit.training.representation.pictures import batches, to_pictures
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import Features
from kolorit.training.representation.splits import Domain, Rows

BATCH = 64


@contextmanager
def standing_still(net: nn.Module | None, *, train_mode: bool = False) -> Iterator[None]:
    """Around a probe: no gradient, no weight and no buffer of the encoder may change.

    train_mode: the encoder in training mode, as in the second study. Raises ConfigInvalid where it
    has changed, byte by byte.
    """
    if net is None:
        yield
        return
    before = digest(net)
    wanted = [p.requires_grad for p in net.parameters()]
    net.requires_grad_(False).train(train_mode)
    try:
        yield
    finally:
        net.eval()
        for parameter, wants in zip(net.parameters(), wanted, strict=True):
            parameter.requires_grad_(wants)
    if digest(net) != before:
        raise ConfigInvalid(
            "the encoder changed while it was probed",
            remedy="A frozen encoder has no weight that learns and no norm that counts: switch "
            "defects.train_mode off, or use an encoder without such norms.",
        )


def digest(net: nn.Module) -> str:
    """The sha256 of the bytes of all weights and buffers, with their names."""
    found = hashlib.sha256()
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        found.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def resized(x: Tensor, numbers: int) -> Tensor:
    """Maps x (B,C,h,w) as vectors (B,C s s) of about ``numbers``: bilinear, antialiased, s whole.

    Maps of one place stay as they are. Source: Zhang, Isola, Efros 2017, whose probes have about
    9,000 numbers at every stage.
    """
    C, h, w = x.shape[1:]
    if h == w == 1:
        return x.flatten(1)
    side = max(1, round((numbers / C) ** 0.5))
    if (h, w) != (side, side):
        x = F.interpolate(x, (side, side), mode="bilinear", antialias=True)
    return x.flatten(1)


@torch.no_grad()
def extract(
    features: Features,
    stages: tuple[str, ...],
    of: ClassSet,
    parts: list[tuple[Domain, Rows]],
    numbers: int,
    folder: Path,
    device: torch.device,
    *,
    train_mode: bool = False,
) -> dict[str, Path]:
    """Write each stage's features of the rows of all parts, one after another, as float16.

    Returns the .npy (rows, numbers) of each stage. Raises ConfigInvalid for a stage that the
    source does not have, and as `standing_still`; DataCorrupt for features that are no numbers.
    """
    paths = {stage: folder / f"{stage}.npy" for stage in stages}
    total, at = sum(len(rows) for _, rows in parts), 0
    files: dict[str, np.memmap] = {}
    folder.mkdir(parents=True, exist_ok=True)
    with standing_still(features.net, train_mode=train_mode):
        for domain, rows in parts:
            for rgb, label in batches(of, domain, rows, BATCH):
                pictures = to_pictures(rgb, label, features.preprocessing, device)
                maps = features.maps(pictures, stages)
                for stage in stages:
                    if stage not in maps:
                        remedy = f"It has: {', '.join(features.stages)}."
                        raise ConfigInvalid(f"this encoder has no stage '{stage}'", remedy=remedy)
                    vectors = resized(maps[stage], numbers).half().cpu().numpy()
                    if not np.isfinite(vectors).all():
                        raise DataCorrupt(
                            f"features of the stage '{stage}' are no numbers, or too large",
                            remedy="Teach the encoder again with a smaller training.lr.",
                        )
                    if stage not in files:
                        files[stage] = np.lib.format.open_memmap(
                            f"{paths[stage]}.part", "w+", np.float16, (total, vectors.shape[1])
                        )
                    files[stage][at : at + len(rgb)] = vectors
                at += len(rgb)
    for stage, file in files.items():
        file.flush()
        Path(f"{paths[stage]}.part").replace(paths[stage])
    return paths
