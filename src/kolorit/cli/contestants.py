"""Builds what ``kolorit evaluate`` judges: models of Kolorit, and folders of coloured pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kolorit.errors import ConfigInvalid, ModelUnavailable

if TYPE_CHECKING:
    from kolorit.colorizer import Colorizer
    from kolorit.evaluate.judge import Bench
    from kolorit.evaluate.systems import Spot, System
    from kolorit.hints import Hint
    from kolorit.picture.picture import Picture
    from kolorit.runtime.card import Card

FOLDER = "folder:"


@dataclass(frozen=True)
class Contestant:
    """One row: a look of a model, or a folder of pictures; plain, so that processes share it."""

    row: str
    model: str = ""  # a shipped name or the path of an .onnx
    look: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Order:
    """All that is wanted of a bench; each process builds its own from it."""

    contestants: tuple[Contestant, ...]
    short_side: int
    hints: tuple[int, ...]
    deep: bool

    def __call__(self) -> Bench:
        return build_bench(self)


def find_contestants(names: Sequence[str], looks: Sequence[str] = ()) -> list[Contestant]:
    """The rows of what was named with --model: each look of each model, each folder.

    names: shipped names, paths of .onnx files, folders of training runs, or folder:PATH. looks:
    only these; () is all that the card has. Raises ModelUnavailable for what is not there,
    ConfigInvalid for looks that a model does not have.
    """
    from kolorit.runtime.store import read_model

    found = []
    for name in names:
        label = _label(name)
        if name.startswith(FOLDER):
            found.append(Contestant(label, folder=name.removeprefix(FOLDER)))
            continue
        path = _model_file(name)
        card, _ = read_model(path)
        if unknown := [look for look in looks if look not in card.looks]:
            raise ConfigInvalid(
                f"{name} has no look '{unknown[0]}'",
                remedy=f"Use --look with one of: {', '.join(card.looks)}.",
            )
        found += [Contestant(f"{label}, {look}", str(path), look) for look in looks or card.looks]
    rows = [c.row for c in found]
    if twice := next((row for row in rows if rows.count(row) > 1), None):
        raise ConfigInvalid(
            f"two rows would be called '{twice}'", remedy="Rename one of the files or folders."
        )
    return found


def _model_file(name: str) -> Path:
    """The .onnx of a shipped name, of a training run's folder, or of a path."""
    from kolorit.runtime.store import find_model, shipped_models

    if name in shipped_models() or not os.path.isdir(name):
        return find_model(name)
    path = Path(name) / "model.onnx"
    if not path.is_file():
        raise ModelUnavailable(
            "this folder holds no model.onnx",
            file=name,
            remedy="Give the folder of a training run, or folder:PATH for coloured pictures.",
        )
    return path


def describe(contestant: Contestant) -> dict[str, Any]:
    """What the report says of a row."""
    from kolorit.runtime.store import read_model

    if contestant.folder:
        return {"folder": contestant.folder}
    card, _ = read_model(Path(contestant.model))
    return {
        "model": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "look": contestant.look,
    }


def build_bench(order: Order) -> Bench:
    """Models loaded with one thread each, folders read, the shipped merge."""
    from kolorit.colorizer import Colorizer
    from kolorit.evaluate.columns import Context
    from kolorit.evaluate.judge import Bench
    from kolorit.evaluate.systems import folder_system
    from kolorit.merge import merge

    deep: tuple[Any, ...] = ()
    if order.deep:
        from kolorit.evaluate.deep import load_deep

        deep = tuple(load_deep()[0])
    colorizers: dict[str, Colorizer] = {}
    systems = []
    for c in order.contestants:
        if c.folder:
            systems.append(folder_system(c.row, Path(c.folder)))
        else:
            if c.model not in colorizers:
                colorizers[c.model] = Colorizer(c.model, threads=1)
            systems.append(model_system(c.row, colorizers[c.model], c.look))
    prior = rebalancing_card().prior
    return Bench(tuple(systems), merge, Context(prior), order.short_side, order.hints, deep)


def rebalancing_card() -> Card:
    """The card whose prior weighs the rebalanced AuC, the same for every model: the default's."""
    from kolorit.runtime.store import find_model, read_model

    return read_model(find_model("default"))[0]


def model_system(row: str, colorizer: Colorizer, look: str) -> System:
    """A look of a model, through the shipped pipeline."""
    from kolorit.evaluate.systems import Coloured, System
    from kolorit.picture.picture import to_rgb

    def colour(stem: str, grey: Picture) -> Coloured:
        run = colorizer.run(grey, look=look)
        said = run.prediction
        sure = None if said.logits is None else said.confidence
        return Coloured(np.asarray(to_rgb(run.picture)), said.ab, sure)

    def hinted(grey: Picture, spots: Sequence[Spot]) -> np.ndarray:
        run = colorizer.run(grey, look=look, hints=as_hints(spots))
        return np.asarray(to_rgb(run.picture))

    card = colorizer.model.card
    deaf = card.about.get("hints") is False or "hints" not in colorizer.model.session.inputs
    return System(row, colour, None if deaf else hinted)


def as_hints(spots: Sequence[Spot]) -> tuple[Hint, ...]:
    """Hints of the spots' colours, each written at the lightness where sRGB holds most of it."""
    from kolorit.colour.gamut import shrink_lab
    from kolorit.colour.lab import lab_to_rgb
    from kolorit.hints import Hint

    if not spots:
        return ()
    ab = np.array([spot.ab for spot in spots])  # (N,2)
    tries = np.stack([np.insert(ab, 0, L, axis=1) for L in range(30, 95, 5)])  # (13,N,3)
    held = shrink_lab(tries)
    best = np.linalg.norm(held[..., 1:] - ab, axis=-1).argmin(0)  # (N,)
    rgb = lab_to_rgb(held[best, np.arange(len(ab))])  # (N,3)
    values = np.clip(np.round(255 * rgb), 0, 255).astype(np.uint8)
    return tuple(
        Hint(spot.x, spot.y, f"#{bytes(colour).hex()}", spot.radius)
        for spot, colour in zip(spots, values, strict=True)
    )


def _label(name: str) -> str:
    """How a row is called: the shipped name, the run's folder, the file's stem, folder: NAME."""
    from kolorit.runtime.store import shipped_models

    if name.startswith(FOLDER):
        place = name.removeprefix(FOLDER)
        if not place or not os.path.isdir(place):
            raise ModelUnavailable(
                f"there is no such folder of coloured pictures: '{place}'",
                remedy="Give folder:PATH with pictures that have the stems of the set.",
            )
        return f"folder: {Path(place).resolve().name}"
    path = Path(name)
    if name in shipped_models():
        return name
    if path.is_dir():
        return path.resolve().name
    if path.suffix == ".onnx":
        return path.resolve().parent.name if path.stem == "model" else path.stem
    return name
