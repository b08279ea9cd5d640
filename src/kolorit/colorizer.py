"""The main path: a photograph in, the same photograph in colour out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kolorit import __version__
from kolorit.colour.lab import grey_to_lightness
from kolorit.edges import follow_edges
from kolorit.errors import ConfigInvalid, HintsInvalid
from kolorit.hints import Hint, paint
from kolorit.looks import adjust, alternatives, look
from kolorit.merge import merge, merge_lab
from kolorit.naming import name_output
from kolorit.picture.decode import decode
from kolorit.picture.encode import Mark, encode
from kolorit.picture.picture import Picture, to_array, to_pil
from kolorit.picture.resize import fit_size, resize_plane
from kolorit.picture.save import save
from kolorit.runtime.card import Card
from kolorit.runtime.model import Model, Prediction, load_model


@dataclass(frozen=True)
class Result:
    """A coloured picture and what is known about it.

    alternatives: other colourings that were asked for. prediction: what the network said, small.
    seconds: by stage. notes: things to tell the user, as "it already had colours".
    """

    picture: Picture
    prediction: Prediction
    alternatives: tuple[Picture, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...]

    @property
    def confidence(self) -> float:
        """Mean confidence of the picture, 0..1."""
        return float(self.prediction.confidence.mean())


@dataclass(frozen=True)
class Options:
    """How a photograph is coloured; every field is also a keyword of ``colorize``."""

    look: str = "vivid"
    strength: float = 1.0  # 0 = grey, 1 = the look's own colours
    saturation: float = 1.0
    warmth: float = 0.0  # -1 cooler .. 1 warmer
    hints: tuple[Hint, ...] = ()
    alternatives: int = 0
    merge: str = "luma"  # "luma" keeps the file's grey values, "lab" its L*
    size: int | None = None  # the network sees about size x size pixels; None = the card's
    mirror: bool = True  # it also looks at the mirror image, and the mean is taken


_DEFAULT = Options()
_FINER = 2  # times the network's size: where colours are laid along edges


def colour_picture(
    picture: Picture,
    model: Model,
    options: Options = _DEFAULT,
    timer: Callable[[], float] = time.perf_counter,
) -> Result:
    """Colour one decoded photograph: the main path, every hand-over a plain value."""
    clock = _Clock(timer)
    L = shrink(picture, model.card, options.size)  # (h,w) 0..100
    hints = paint(options.hints, *L.shape)  # (3,h,w) a, b, mask
    clock("shrink")
    prediction = model.predict(L, hints, mirror=options.mirror)
    clock("network")
    wish = {name: getattr(options, name) for name in ("strength", "saturation", "warmth")}
    shown = look(prediction, options.look, **wish)
    others = alternatives(prediction, options.look, options.alternatives)
    clock("look")
    coloured = put_on(picture, shown, options.merge)
    rest = tuple(put_on(picture, adjust(ab, **wish), options.merge) for ab in others)
    clock("merge")
    unheard = options.hints and model.card.about.get("hints") is False
    notes = (*coloured.notes, *(("this model does not look at hints",) if unheard else ()))
    return Result(coloured, prediction, rest, clock.seconds, notes)


def shrink(picture: Picture, card: Card, size: int | None = None) -> np.ndarray:
    """L (h,w) float32, 0..100, of the picture at about size x size pixels; None is the card's size.

    The sides are multiples of the card's, so the aspect may change by some per cent. That costs
    nothing, and padding does: the network takes what is padded for a part of the scene.
    """
    size = card.size if size is None else size
    if not isinstance(size, (int, np.integer)) or not 32 <= size <= 1024:
        raise ConfigInvalid(f"size = {size!r}", remedy="Use 32 to 1024; the model's own is best.")
    return lightness(picture, fit_size(picture.height, picture.width, int(size), card.multiple))


def lightness(picture: Picture, size: tuple[int, int]) -> np.ndarray:
    """L (h,w) float32, 0..100, of the picture's luma at a size; averaged where it shrinks."""
    small = resize_plane(picture.luma, size, "bicubic")
    top = np.float32(65535 if picture.depth == 16 else 255)
    return grey_to_lightness(small / top).astype(np.float32)


def put_on(picture: Picture, ab: np.ndarray, how: str = "luma") -> Picture:
    """The picture in colours ab (2,h,w) of the network's size, laid along its own edges.

    how: what stays, as in ``Options.merge``.
    """
    merged = _MERGES[_known_merge(how)]
    L = lightness(picture, (_FINER * ab.shape[1], _FINER * ab.shape[2]))  # (2h,2w) 0..100
    return merged(picture, L, follow_edges(L, ab))


class Colorizer:
    """A loaded model, ready for any number of photographs and threads.

    model: a shipped name or the path of an .onnx with its card. device: auto, cpu, cuda, ...
    threads: for one run of the network.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "default",
        *,
        device: str = "auto",
        threads: int | None = None,
    ):
        self.model = load_model(os.fspath(model), device, threads)

    def colorize(
        self,
        source: Any,
        *,
        out: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        mark: bool = True,
        **options: Any,
    ) -> Any:
        """Colour a path, bytes, a file object, a Pillow image or an array: the same kind is given.

        A path gives the path of the new file: ``out``, or NAME.color.EXT beside it; it is never
        overwritten unless asked. A file object gives bytes. Arrays are (H,W), (H,W,2), (H,W,3) or
        (H,W,4), uint8, uint16 or float in 0..1, and come back as (H,W,3) or, with alpha, (H,W,4),
        floats as uint16. options: see ``Options``.
        """
        picture = decode(source)
        if out is not None and picture.source.kind != "path":
            raise ConfigInvalid(
                "out names a file, but the photograph was not given as a path",
                remedy="Save what is returned, or give the path.",
            )
        coloured = self.run(picture, **options).picture
        if picture.source.kind == "array":
            return to_array(coloured)
        if picture.source.kind == "pil":
            return to_pil(coloured)
        if picture.source.kind != "path":
            return encode(coloured, mark=self.mark if mark else None)
        target = name_output(Path(source), picture.source.format, out)
        content = encode(coloured, target.format, mark=self.mark if mark else None)
        return save(content, target.path, overwrite=overwrite, source=source)

    def run(self, source: Any, **options: Any) -> Result:
        """Colour anything that ``colorize`` takes, or a Picture; gives the whole Result."""
        known = Options.__dataclass_fields__
        if unknown := sorted(set(options) - set(known)):
            raise ConfigInvalid(
                f"there is no option '{unknown[0]}'", remedy=f"Options are: {', '.join(known)}."
            )
        wanted = replace(Options(**options), hints=_hints(options.get("hints", ())))
        picture = source if isinstance(source, Picture) else decode(source)
        return colour_picture(picture, self.model, wanted)

    def predict(
        self,
        source: Any,
        *,
        hints: Iterable[Hint] = (),
        size: int | None = None,
        mirror: bool = True,
    ) -> Prediction:
        """What the network says: ab, confidence, logits at the size at which it looked."""
        picture = source if isinstance(source, Picture) else decode(source)
        L = shrink(picture, self.model.card, size)
        return self.model.predict(L, paint(_hints(hints), *L.shape), mirror=mirror)

    @property
    def mark(self) -> Mark:
        """What the file will say about who coloured it."""
        return Mark("Kolorit", f"{__version__} ({self.model.card.name} {self.model.card.version})")


def colorize(
    source: Any,
    *,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    threads: int | None = None,
    **options: Any,
) -> Any:
    """Colour one photograph: ``Colorizer.colorize``. For many, make one Colorizer and keep it."""
    return Colorizer(model, device=device, threads=threads).colorize(source, **options)


_MERGES: dict[str, Callable[[Picture, np.ndarray, np.ndarray], Picture]] = {
    "luma": merge,
    "lab": lambda picture, L, ab: merge_lab(picture, ab),
}


def _hints(hints: Any) -> tuple[Hint, ...]:
    found = tuple(hints) if isinstance(hints, Iterable) else (None,)
    if not all(isinstance(hint, Hint) for hint in found):
        raise HintsInvalid(
            f"hints = {hints!r} is no list of Hint", remedy="kolorit.hints.read_hints reads a file."
        )
    return found


def _known_merge(name: str) -> str:
    if not isinstance(name, str) or name not in _MERGES:
        raise ConfigInvalid(f"merge = '{name}'", remedy="Use luma or lab.")
    return name


class _Clock:
    """Seconds since the last call, by stage."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self.timer, self.last = timer, timer()
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str) -> None:
        now = self.timer()
        self.seconds[stage] = now - self.last
        self.last = now
