"""A model: a card and a session. It looks at a small L and says which colours, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kolorit.colour.bins import BINS, softmax
from kolorit.errors import ModelUnavailable
from kolorit.runtime.card import Card
from kolorit.runtime.onnx import Session
from kolorit.runtime.store import find_model, read_model

_NEAR = 20.0  # ab units: "this colour" for confidence; a visible but small difference


@dataclass(frozen=True)
class Prediction:
    """What a model says of a picture, at the size at which it looked (h,w).

    L (h,w) 0..100: what it saw. ab (2,h,w) in ab units: the colour with the least expected error.
    logits (Q, ceil(h/s), ceil(w/s)): scores of the 313 ab bins at the card's stride s, or None.
    """

    L: np.ndarray
    ab: np.ndarray
    logits: np.ndarray | None
    card: Card

    @cached_property
    def probabilities(self) -> np.ndarray | None:
        """Share of each bin (h/s,w/s,Q), summing to 1 over the bins; None without logits."""
        return None if self.logits is None else softmax(np.moveaxis(self.logits, 0, -1))

    @cached_property
    def confidence(self) -> np.ndarray:
        """How surely the true colour lies within 20 ab units of ``ab``, by the model's own account.

        (h,w), 0..1: the mass of the bins in that radius. 1 everywhere for a model without bins.
        """
        if self.probabilities is None:
            return np.ones(self.L.shape, np.float32)
        s = self.card.stride
        a, b = block_means(self.ab, s)  # (h/s,w/s) each
        bin_a, bin_b = BINS.T.astype(np.float32)[:, :, None, None]  # (Q,1,1) each
        near = (a - bin_a) ** 2 + (b - bin_b) ** 2 <= _NEAR**2  # (Q,h/s,w/s)
        mass = (np.moveaxis(self.probabilities, -1, 0) * near).sum(0)  # (h/s,w/s)
        return np.asarray(upsample(mass[None], s, self.L.shape)[0])


class Model:
    """A network that is ready to look. Cheap to share: threads may call ``predict`` together."""

    def __init__(self, card: Card, session: Session) -> None:
        wanted = {"ab", "logits"} if card.stride else {"ab"}
        if not {"L", "hints"} >= set(session.inputs) or not wanted <= set(session.outputs):
            raise ModelUnavailable(
                f"this network takes {session.inputs} and gives {session.outputs}; "
                f"its card wants {', '.join(sorted(wanted))}"
            )
        self.card = card
        self.session = session

    def predict(self, L: np.ndarray, hints: np.ndarray, *, mirror: bool = True) -> Prediction:
        """Colours for a small picture.

        L (h,w) float32, 0..100; hints (3,h,w) float32: a, b in ab units where the mask is 1.
        Any h, w: the sides are mirrored up to the card's multiple and cut again. A size that is a
        multiple gives better colours. mirror: the mean of what the network says of the picture and
        of its mirror image, in twice the time; about 1 % less error (docs/model.md).
        """
        h, w = L.shape
        m, s = self.card.multiple, self.card.stride
        pad = ((0, -h % m), (0, -w % m))
        L_whole = np.pad(L, pad, mode="symmetric")  # (h',w'): multiples of m
        hints_whole = np.pad(hints, ((0, 0), *pad))
        out = self._run(L_whole, hints_whole)
        if mirror:
            other = self._run(L_whole[:, ::-1], hints_whole[..., ::-1])
            out = {name: (array + other[name][..., ::-1]) / 2 for name, array in out.items()}
        logits = out["logits"][:, : -(-h // s), : -(-w // s)] if s else None  # (Q,h/s,w/s)
        return Prediction(L, out["ab"][:, :h, :w], logits, self.card)

    def _run(self, L: np.ndarray, hints: np.ndarray) -> dict[str, np.ndarray]:
        """ab (2,h,w) and, where the card says so, logits (Q,h/s,w/s) of one run of the network."""
        feed = {"L": L[None, None]}  # (1,1,h,w)
        if "hints" in self.session.inputs:
            feed["hints"] = hints[None]  # (1,3,h,w)
        out = self.session.run({k: np.ascontiguousarray(v, np.float32) for k, v in feed.items()})
        self._check(out, L.shape)
        return {name: out[name][0] for name in (("ab", "logits") if self.card.stride else ("ab",))}

    def _check(self, out: dict[str, np.ndarray], shape: tuple[int, ...]) -> None:
        """Whether the network keeps to its card; a wrong stride would colour without a word."""
        s = self.card.stride
        found = {name: array.shape[2:] for name, array in out.items()}
        if found["ab"] != shape or (s and found["logits"] != tuple(-(-n // s) for n in shape)):
            raise ModelUnavailable(f"this network gives {found}, its card says otherwise")


def load_model(
    name: str | Path = "default", device: str = "auto", threads: int | None = None
) -> Model:
    """A model by shipped name or path; its sha256 is checked before it is opened."""
    path = find_model(name)
    card, network = read_model(path)
    try:
        return Model(card, Session(network, device, threads))
    except ModelUnavailable as error:
        raise ModelUnavailable(error.cause, file=path) from error


def block_means(full: np.ndarray, stride: int) -> np.ndarray:
    """full (C,h,w) averaged over stride x stride cells: (C,ceil(h/s),ceil(w/s)), edges repeated."""
    C, h, w = full.shape
    padded = np.pad(full, ((0, 0), (0, -h % stride), (0, -w % stride)), mode="edge")
    cells = padded.reshape(C, -(-h // stride), stride, -(-w // stride), stride)
    return np.asarray(cells.mean((2, 4)))


def upsample(small: np.ndarray, stride: int, shape: tuple[int, ...]) -> np.ndarray:
    """small (C,h/s,w/s) at (C,h,w), bilinear between the centres of its cells, cut to ``shape``."""
    rows = _between(small, stride, shape[0], axis=1)  # (C,h,w/s)
    return np.asarray(_between(rows, stride, shape[1], axis=2), np.float32)


def _between(small: np.ndarray, stride: int, size: int, axis: int) -> np.ndarray:
    """``upsample`` along one axis. No matrix product: BLAS would wake a thread for each core, and
    those then spin for longer than all of the colouring takes."""
    cells = small.shape[axis]
    at = np.clip((np.arange(size) + 0.5) / stride - 0.5, 0, cells - 1)
    low = at.astype(int)
    low_ones, high_ones = (small.take(k, axis) for k in (low, np.minimum(low + 1, cells - 1)))
    share = (at - low).astype(np.float32).reshape(-1, *(1,) * (small.ndim - 1 - axis))
    return np.asarray(low_ones + share * (high_ones - low_ones))
