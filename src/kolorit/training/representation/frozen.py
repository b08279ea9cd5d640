"""What an encoder that stands still makes of pictures: by stage, resized to about as many numbers
each, or whole maps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid, DataCorrupt
from kolorit.training.representation.pictures import batches, to_pictures
from kolorit.training.representation.row_files import row_files
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import Features
from kolorit.training.representation.splits import Domain, Rows
from kolorit.training.representation.task import parts_of
from kolorit.training.squares import Squares

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


@dataclass(frozen=True)
class Wanted:
    """Of which stages features are wanted, of about ``numbers``, and of which whole maps."""

    stages: tuple[str, ...] = ()
    numbers: int = 0
    maps: tuple[str, ...] = ()

    def paths(self, folder: Path) -> dict[tuple[str, str], Path]:
        """The file of each (stage, "features" or "maps")."""
        found = {(stage, "features"): folder / f"{stage}.npy" for stage in self.stages}
        return found | {(stage, "maps"): folder / f"{stage}-maps.npy" for stage in self.maps}


@torch.no_grad()
def extract(
    features: Features,
    wanted: Wanted,
    of: ClassSet,
    domains: dict[str, Domain],
    folder: Path,
    device: torch.device,
    *,
    train_mode: bool = False,
    bf16: bool = False,
) -> dict[tuple[str, str], Path]:
    """Write features and maps as float16, rows in the order of `task.places`, and return the files.

    .npy of (rows, about numbers) or (rows,C,h,w). With maps, the pools' mirrored pictures follow
    all others, since whoever learns from maps mirrors pictures. Raises ConfigInvalid for a stage
    that the source does not have, and as `standing_still`; DataCorrupt for features that are no
    numbers; OutputUnwritable. After an error there is none of the files.
    """
    paths = wanted.paths(folder)
    stages = tuple(dict.fromkeys(stage for stage, _ in paths))
    parts = [(d, rows, False) for d, rows in parts_of(domains)]
    parts += [(d, d.pool, True) for d in domains.values() if wanted.maps]
    total = sum(len(rows) for _, rows, _ in parts)
    with (
        row_files(paths.values(), total) as append,
        standing_still(features.net, train_mode=train_mode),
    ):
        for rgb, label in _shown(of, parts):
            pictures = to_pictures(rgb, label, features.preprocessing, device)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                found = features.maps(pictures, stages)
            for (stage, form), path in paths.items():
                if stage not in found:
                    remedy = f"It has: {', '.join(features.stages)}."
                    raise ConfigInvalid(f"this encoder has no stage '{stage}'", remedy=remedy)
                x = found[stage].float()
                x = resized(x, wanted.numbers) if form == "features" else x
                append(path, _halved(x, stage))
    return paths


def _shown(
    of: ClassSet, parts: list[tuple[Domain, Rows, bool]]
) -> Iterator[tuple[Squares, np.ndarray]]:
    """Pictures and labels, batch by batch; of parts (domain, rows, whether they are mirrored)."""
    for domain, rows, mirrored in parts:
        for rgb, label in batches(of, domain, rows, BATCH):
            yield rgb[:, :, ::-1] if mirrored else rgb, label


def _halved(x: Tensor, stage: str) -> np.ndarray:
    values = x.half().cpu().numpy()
    if not np.isfinite(values).all():
        raise DataCorrupt(
            f"features of the stage '{stage}' are no numbers, or too large",
            remedy="Teach the encoder again with a smaller training.lr.",
        )
    return values
