"""Traps of metrics from deep features. What needs torch, or weights that are not there, is skipped.

Wrong input is planted as bytes that look to a network as its own input would with the mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np

from kolorit.errors import ConfigInvalid
from kolorit.evaluate import deep
from kolorit.evaluate.deep.kinds import Classifier, Distance, Embedding, set_columns
from kolorit.evaluate.deep.statistics import frechet, kid
from kolorit.evaluate.self_test.finding import Finding, Material, refusal
from kolorit.evaluate.self_test.scenes import pair

_OTHER_WEIGHTS = b"other weights under the name of the published ones"
# Of the stored pair: squares of the distances in these embeddings, and squeezenet_distance.
_STORED_SQUARES = {"squeezenet512": 3261.704, "mobilenet1280": 220.3958}
_STORED_DISTANCE = 3.0942085
_NEAR = 1e-3  # relative: networks are computed in float32, in an order of the processor's own
_Kind = TypeVar("_Kind", Distance, Embedding)


def known_sets(material: Material) -> Finding:
    """Two sets whose distance is worked out by hand; a set from itself."""
    first, second = np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]])
    right = frechet(first, second)  # 3^2 + (sqrt 8 - sqrt 2)^2
    wrong = float(9 + (second.std() - first.std()) ** 2)
    points = np.stack([rgb.mean((0, 1)) for rgb in material.few.pictures])  # (N,3)
    own = max(abs(frechet(points, points)), abs(kid(points, points)))
    return Finding(
        "distance of sets",
        "covariances by N in place of N - 1",
        f"{right:.3f}, a set from itself {own:.3f}",
        f"{wrong:.3f}",
        "11, worked by hand, and 0; 10 with the mistake",
        abs(right - 11) < 1e-9 and wrong == 10 and own < 1e-6,
    )


def other_input(material: Material) -> Finding:
    """All deep metrics take bytes, and so cannot be handed another range."""
    floats = material.pictures[0] / 255.0
    calls: dict[str, Callable[[], object]] = {
        "distances": lambda: Distance("", lambda x, y: 0.0).terms(shown=floats, truth=floats),
        "embeddings": lambda: Embedding("", 3, lambda x: x[0, 0]).embed(floats),
        "classifiers": lambda: Classifier("", (), lambda x: 0).classify(floats),
    }
    words = {name: refusal(call, ValueError) for name, call in calls.items()}
    accepted = [name for name, said in words.items() if said is None]
    return Finding(
        "deep features of other numbers",
        "a network is handed values from 0 to 1",
        f"accepted by {', '.join(accepted)}" if accepted else str(words["distances"]),
        "no number",
        "refused by distances, embeddings and classifiers: they take bytes",
        not accepted,
    )


def squeezed_twice(material: Material) -> Finding:
    """A Fréchet distance on a tenth of the range is a small one."""
    say = partial(
        _finding,
        "input of FID squeezed twice",
        "0.20 to 0.43 of -1 to 1 is seen; Fréchet distance of grey in SqueezeNet",
        "under half of it; a set from itself 0, the stored pair as stored",
    )
    embedding, other = (_load(name, Embedding) for name in _STORED_SQUARES)
    if isinstance(embedding, str) or isinstance(other, str):
        return say(next(e for e in (embedding, other) if isinstance(e, str)))
    few = material.few
    low, high = (255 * (1 + seen) / 2 for seen in (0.20, 0.43))
    truths, greys = few.pictures, [grey.rgb for grey in few.greys]
    truth, grey, narrow_truth, narrow_grey = (
        np.stack([embedding.embed(rgb) for rgb in pictures])
        for pictures in (
            truths,
            greys,
            [_squeezed(rgb, low, high) for rgb in truths],
            [_squeezed(rgb, low, high) for rgb in greys],
        )
    )
    right, wrong = frechet(grey, truth), frechet(narrow_grey, narrow_truth)
    own = frechet(truth, truth)
    stored = {e.name: _square_apart(e) for e in (embedding, other)}
    as_stored = all(abs(stored[name] - s) < _NEAR * s for name, s in _STORED_SQUARES.items())
    return say(
        f"{right:.0f}, a set from itself {own:.0f}, stored pair "
        f"{', '.join(f'{square:.2f}' for square in stored.values())}",
        f"{wrong:.0f}",
        wrong < right / 2 and own < 1e-6 * right and as_stored,
    )


def _square_apart(embedding: Embedding) -> float:
    """Square of the distance between the stored pair."""
    shown, true = (embedding.embed(rgb).astype(np.float64) for rgb in pair())
    return float(((shown - true) ** 2).sum())


def half_range(material: Material) -> Finding:
    """A perceptual distance of half of the contrast is a small one."""
    say = partial(
        _finding,
        "LPIPS fed with 0 to 1",
        "the network takes -1 to 1 and sees half of the contrast; SqueezeNet distance of grey",
        "under 0.9 of it; equal pictures 0, the stored pair as stored",
    )
    distance = _load("squeezenet_distance", Distance)
    if isinstance(distance, str):
        return say(distance)
    few = material.few
    pairs = [(grey.rgb, truth.rgb) for grey, truth in zip(few.greys, few.truths, strict=True)]
    right, wrong = (
        float(np.mean([distance.terms(shown=grey, truth=truth)[0] for grey, truth in some]))
        for some in (pairs, [[_squeezed(rgb, 127.5, 255) for rgb in two] for two in pairs])
    )
    own, _ = distance.terms(shown=pairs[0][1].copy(), truth=pairs[0][1])
    shown, true = pair()
    stored, _ = distance.terms(shown=shown, truth=true)
    return say(
        f"{right:.3f}, equal pictures {own:.3f}, stored pair {stored:.4f}",
        f"{wrong:.3f}",
        wrong < 0.9 * right
        and own == 0
        and abs(stored - _STORED_DISTANCE) < _NEAR * _STORED_DISTANCE,
    )


def other_weights(_material: Material, folder: Path) -> Finding:
    """FID is of one file of weights, known by its hash, and no other features have its name."""
    say = partial(
        _finding,
        "another Inception",
        "other weights under the published name, other features under the name of FID",
        "refused; FID and KID of one embedding alone",
    )
    if absent := [name for name in ("torch", "safetensors") if find_spec(name) is None]:
        return say(f"needs {', '.join(absent)}")
    from kolorit.evaluate.deep.weights import read_published

    path = folder / deep.INCEPTION
    path.write_bytes(_OTHER_WEIGHTS)
    said = refusal(lambda: read_published(path), ConfigInvalid)
    called = {
        name
        for name, offer in deep.METRICS.items()
        if {"fid", "kid"} & {*offer.columns, *set_columns(name)}
    }
    right = "accepted" if said is None else said.replace(str(path), deep.INCEPTION)
    return say(
        f"{right}; FID is of {', '.join(sorted(called))}",
        "no number",
        said is not None and called == {"inception2048"},
    )


def _load(name: str, kind: type[_Kind]) -> _Kind | str:
    """A metric, or what it needs."""
    found, missing = deep.load_deep((name,), threads=None)
    if missing:
        return missing[name]
    (metric,) = found
    if not isinstance(metric, kind):
        raise TypeError(f"{name} is no {kind.__name__}")
    return metric


def _finding(
    trap: str,
    planted: str,
    expected: str,
    right: str,
    wrong: str = "",
    held: bool | None = None,
) -> Finding:
    """As Finding, the words that are known before first; without the rest it was skipped."""
    return Finding(trap, planted, right, wrong, expected, held)


def _squeezed(rgb: np.ndarray, low: float, high: float) -> np.ndarray:
    """Bytes of low..high in place of 0..255."""
    return np.asarray(np.round(low + rgb * ((high - low) / 255)).astype(np.uint8))
