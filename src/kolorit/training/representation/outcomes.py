"""What probes answered, and a file of it for each arm, seed, stage and kind of probe."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from kolorit.errors import DataCorrupt
from kolorit.picture.save import save

_NUMBERS = ("fraction", "seed", "labels", "choice", "train", "development")


@dataclass(frozen=True, eq=False)
class Outcome:
    """One probe. labels: how many it learnt from; choice: the weight decay, or the epoch.

    train, development: accuracies 0..1, NaN where there are no such pictures; predicted (n,): the
    class that each test picture of the domain is taken for, an index into the set's classes.
    """

    domain: str
    fraction: float
    seed: int
    labels: int
    choice: float
    train: float
    development: float
    predicted: np.ndarray


def write_outcomes(outcomes: list[Outcome], path: Path) -> None:
    """An .npz, whole or not at all."""
    arrays: dict[str, np.ndarray] = {"domain": np.array([o.domain for o in outcomes])}
    arrays |= {name: np.array([getattr(o, name) for o in outcomes]) for name in _NUMBERS}
    arrays |= {f"predicted{k}": outcome.predicted for k, outcome in enumerate(outcomes)}
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(content.getvalue(), path, overwrite=True)


def read_outcomes(path: Path) -> list[Outcome]:
    """What `write_outcomes` wrote; DataCorrupt for anything else."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return [
                Outcome(
                    domain=str(domain),
                    fraction=float(found["fraction"][k]),
                    seed=int(found["seed"][k]),
                    labels=int(found["labels"][k]),
                    choice=float(found["choice"][k]),
                    train=float(found["train"][k]),
                    development=float(found["development"][k]),
                    predicted=found[f"predicted{k}"],
                )
                for k, domain in enumerate(found["domain"])
            ]
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
        raise DataCorrupt(
            f"these outcomes of a probe cannot be read: {error}",
            file=path,
            remedy="Take the file away; the study makes it again.",
        ) from error
