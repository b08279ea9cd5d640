"""What a colorizer sees in a photograph, as numbers: features from the inside of its network.

    from kolorit.features import Encoder
    encoder = Encoder()                    # the shipped model, at stride 16
    encoder.features("farm.jpg")           # (96,) float32

The shipped file gives colours only, so the network is cut at a stage: the same weights, without
what comes after. Whoever looks sees lightness alone; colours of the photograph play no part.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kolorit.colorizer import shrink
from kolorit.errors import ConfigInvalid, ModelUnavailable
from kolorit.picture.decode import decode
from kolorit.picture.picture import Picture
from kolorit.runtime.card import Card
from kolorit.runtime.onnx import Node, Session, cut, read_nodes
from kolorit.runtime.store import find_model, read_model

# The deepest stage of the shipped model whose answer depends on the picture: from s32 to deep its
# units are stuck at either end of their range (docs/features.md).
DEFAULT = "s16"

# Stage of the hinted U-Net -> the weights that are the first to read it. Tensors are named anew by
# each export, weights by the network, so that a stage is never taken for another.
READERS = {
    "s2": "net.encoder.features.2.conv.0.conv.weight",
    "s4": "net.encoder.features.4.conv.0.conv.weight",
    "s8": "net.encoder.features.7.conv.0.conv.weight",
    "s16": "net.encoder.features.14.conv.0.conv.weight",
    "s32": "net.reduce.0.weight",
    "deep": "net.up16.0.0.weight",
    "up16": "net.to8.weight",
    "up8": "net.to4.weight",
    "up4": "net.bins.weight",
    "up2": "net.ab.weight",
}
_JOINS = ("Concat", "Resize")  # stand between a stage and its reader, the stage first


class Encoder:
    """A network that is ready to look, up to one stage. Threads may share it.

    model: a shipped name or the path of an .onnx with its card. stage: s2, s4, s8, s16 and s32 are
    the encoder's at those strides, deep, up16, up8, up4 and up2 the decoder's (which sees no
    hints). size: it looks at about size x size pixels; None is the card's. device, threads: as of
    ``Colorizer``.

    Raises ModelUnavailable for a network without such stages, ConfigInvalid for an unknown one.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "default",
        *,
        stage: str = DEFAULT,
        size: int | None = None,
        device: str = "auto",
        threads: int | None = None,
    ):
        path, self.card, network, tensors = _open(model)
        if stage not in tensors:
            raise ConfigInvalid(f"stage = {stage!r}", remedy=f"Use one of: {', '.join(tensors)}.")
        self.stage = stage
        self.size = self.card.size if size is None else size
        self.session = _session(path, cut(network, [tensors[stage]]), device, threads)

    def maps(self, source: Any) -> np.ndarray:
        """The stage's maps (C,h/s,w/s) float32 at its stride s; h and w are about ``size``.

        source: a path, bytes, a file object, a Pillow image, an array or a Picture. Raises
        InputUnreadable, LimitExceeded, and ConfigInvalid for a size that no network looks at.
        """
        picture = source if isinstance(source, Picture) else decode(source)
        (maps,) = _run(self.session, shrink(picture, self.card, self.size))
        return maps

    def features(self, source: Any) -> np.ndarray:
        """The photograph in numbers (C,) float32: the mean of ``maps`` over all places."""
        return np.asarray(self.maps(source).mean((1, 2), dtype=np.float64), np.float32)


def features_of(source: Any, **options: Any) -> np.ndarray:
    """Features (C,) float32 of one photograph: ``Encoder(**options).features(source)``.

    For many photographs, make one Encoder and keep it.
    """
    return Encoder(**options).features(source)


def list_stages(model: str | os.PathLike[str] = "default") -> dict[str, tuple[int, int]]:
    """Stage -> (channels, stride) of a model, from near its input on. Raises ModelUnavailable."""
    path, card, network, tensors = _open(model)
    side = 2 * card.multiple
    session = _session(path, cut(network, list(tensors.values())), "cpu")
    found = _run(session, np.zeros((side, side), np.float32))
    return {
        stage: (maps.shape[0], side // maps.shape[1])
        for stage, maps in zip(tensors, found, strict=True)
    }


def spread(features: np.ndarray) -> float:
    """How much features (N,C) of N pictures differ, 0 (all the same) to 1 (nothing in common).

    1 - |mean|^2 / mean(|feature|^2): the share of their energy that is not their mean's.
    """
    rows = np.asarray(features, np.float64)
    energy = float((rows**2).sum(1).mean())
    return 1 - float((rows.mean(0) ** 2).sum()) / energy if energy else 0.0


def pack(names: Sequence[str], features: np.ndarray, encoder: Encoder) -> bytes:
    """A NumPy archive (.npz) of features, the same bytes for the same content.

    names: of N photographs. features (N,C). Holds names (N,) text, features (N,C) float32, and
    what made them: model, model_sha256 and stage (text), size (a whole number).
    """
    if features.shape[:1] != (len(names),) or features.ndim != 2:
        raise ValueError(f"{len(names)} names for features {features.shape}")
    archive = io.BytesIO()
    np.savez(  # numpy dates what it packs 1980
        archive,
        names=np.array(names, np.str_),
        features=np.asarray(features, np.float32),
        model=np.array(encoder.card.name),
        model_sha256=np.array(encoder.card.sha256),
        stage=np.array(encoder.stage),
        size=np.array(encoder.size),
    )
    return archive.getvalue()


def find_stages(nodes: Sequence[Node]) -> dict[str, str]:
    """Stage -> its tensor in a network, for those of READERS that the network has."""
    makers = {tensor: node for node in nodes for tensor in node.outputs}
    readers = {name: node for node in reversed(nodes) for name in node.inputs}  # the first reader
    tensors = {}
    for stage, weights in READERS.items():
        if weights not in readers:
            continue
        tensor = readers[weights].inputs[0]
        while tensor in makers and makers[tensor].kind in _JOINS:
            tensor = makers[tensor].inputs[0]
        tensors[stage] = tensor
    return tensors


def _open(model: str | os.PathLike[str]) -> tuple[Path, Card, bytes, dict[str, str]]:
    """File, card, bytes (after the check of their sha256), and the tensors of the stages."""
    path = find_model(os.fspath(model))
    card, network = read_model(path)
    try:
        tensors = find_stages(read_nodes(network))
    except ModelUnavailable as error:
        raise ModelUnavailable(error.cause, file=path) from error
    if not tensors:
        raise ModelUnavailable(
            "this network has none of the stages that features are taken from",
            file=path,
            remedy="Use the shipped model, or one whose recipe says net = hinted_unet.",
        )
    return path, card, network, tensors


def _session(path: Path, network: bytes, device: str, threads: int | None = None) -> Session:
    try:
        return Session(network, device, threads)
    except ModelUnavailable as error:
        raise ModelUnavailable(error.cause, file=path) from error


def _run(session: Session, L: np.ndarray) -> list[np.ndarray]:
    """The maps (C,h/s,w/s) of each output for L (h,w), without hints."""
    feed = {"L": L[None, None], "hints": np.zeros((1, 3, *L.shape), np.float32)}
    return [maps[0] for maps in session.run(feed).values()]
