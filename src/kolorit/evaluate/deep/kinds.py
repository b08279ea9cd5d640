"""What a metric from deep features gives for a picture: a distance, an embedding, or a class.

All take rgb (H,W,3) uint8, so no picture can come in another range; how a network wants it is
settled inside. All raise ValueError for another type or shape. One picture at a time: a number
does not depend on its neighbours in a batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kolorit.evaluate.view import check_pair

_WORDNET = re.compile(r"n\d{8}")


@dataclass(frozen=True)
class Distance:
    """How far a shown picture is from its truth; 0 for equal ones. name: its column."""

    name: str
    measure: Callable[[np.ndarray, np.ndarray], float]  # of shown and truth

    def terms(self, *, shown: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
        """(distance, 1): numerator and weight of a mean over pictures."""
        check_pair(shown=shown, truth=truth, channels=3, kind=np.uint8)
        return self.measure(shown, truth), 1.0


@dataclass(frozen=True)
class Embedding:
    """A point (D,) float32 for each picture; sets are compared by statistics.frechet and kid."""

    name: str
    size: int  # D
    place: Callable[[np.ndarray], np.ndarray]

    def embed(self, rgb: np.ndarray) -> np.ndarray:
        check_pair(shown=rgb, truth=rgb, channels=3, kind=np.uint8)
        return self.place(rgb)


@dataclass(frozen=True)
class Classifier:
    """What a picture shows, as an index into ``classes``: the likeliest; see semantics.py."""

    name: str
    classes: tuple[str, ...]  # "n01440764 tench, Tinca tinca": WordNet's number, then its words
    choose: Callable[[np.ndarray], int]

    def classify(self, rgb: np.ndarray) -> int:
        check_pair(shown=rgb, truth=rgb, channels=3, kind=np.uint8)
        return self.choose(rgb)

    def label(self, stem: str) -> int | None:
        """The class that a stem names by its WordNet number, as ImageNet's files do."""
        found = _WORDNET.search(stem)
        numbers = [name.split()[0] for name in self.classes]
        return numbers.index(found[0]) if found and found[0] in numbers else None


def set_columns(embedding: str) -> tuple[str, str]:
    """Columns of the Fréchet distance and of the squared MMD of an embedding.

    They are called FID and KID in the features of the TensorFlow Inception alone, and only that MMD
    is the estimate of published KIDs; the others leave out a picture with its own truth.
    """
    if embedding == "inception2048":
        return "fid", "kid"
    return f"frechet_{embedding}", f"mmd_{embedding}"
