"""A recipe says what is trained, on what, for how long: flat TOML into one frozen dataclass."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

from kolorit.errors import ConfigInvalid
from kolorit.runtime.card import Look


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run. Unknown keys are refused; each run saves its own copy."""

    name: str
    net: str  # a key of NETS
    losses: dict[str, float]  # loss -> weight
    shards: tuple[str, ...]  # folders under KOLORIT_DATA with tar shards
    net_config: dict[str, int] = field(default_factory=dict)
    encoder: str = "none"  # file under KOLORIT_WEIGHTS, or "none" for random weights
    start: str = "none"  # a shipped model or an .onnx with card to go on from, or "none"
    store_px: int = 192  # side of the stored squares
    crops: tuple[int, ...] = (128,)  # sides of what the net sees, one drawn for each step
    final_crops: tuple[int, ...] = (128,)  # the same in the last part
    final_share: float = 0.0  # how long that part is
    crop_min: int = 128  # smallest square of the store that becomes a crop
    grey: str = (
        "mixed"  # L from "lightness" (L* of the colours), "luma" (of the grey file) or "mixed"
    )
    hints: float = 0.5  # share of pictures that get simulated hints
    validation: float = 0.02  # share of pictures held out, by seed
    steps: int = 4000
    batch: int = 32  # pictures a step, over all ranks
    optimiser: str = "adamw"
    lr: float = 1.5e-3
    encoder_lr: float = 3e-4
    weight_decay: float = 0.01
    warmup: int = 100  # steps
    lr_floor: float = 0.02  # the cosine ends at this share of lr
    clip: float = 5.0  # largest gradient norm
    ema: float = 0.998
    precision: str = "bf16-mixed"
    seed: int = 0
    log_every: int = 20
    save_every: int = 200
    validate_every: int = 500
    validation_pictures: int = 256
    size: int = 256  # the trained model looks at about size x size pixels
    looks: dict[str, Any] = field(default_factory=dict)  # read-outs for the card, see runtime/card
    about: dict[str, Any] = field(default_factory=dict)  # what else the card says


_CHOICES = {
    "grey": ("mixed", "lightness", "luma"),
    "optimiser": ("adamw",),
    "precision": ("32-true", "bf16-mixed", "16-mixed"),
}
_MANY = 10**9
_RANGES = {  # least and largest
    **dict.fromkeys(("steps", "batch", "validation_pictures"), (1, _MANY)),
    **dict.fromkeys(("log_every", "save_every", "validate_every"), (1, _MANY)),
    **dict.fromkeys(("warmup", "weight_decay"), (0, _MANY)),
    **dict.fromkeys(("lr", "encoder_lr", "clip"), (1e-12, _MANY)),
    **dict.fromkeys(("hints", "final_share", "lr_floor", "ema"), (0, 1)),
    "validation": (1e-4, 0.9),
    "size": (32, 1024),
    "store_px": (32, 1024),
    "crop_min": (1, 1024),
}
_STEP = 32  # crops are multiples of it: the deepest stride of the networks


def load_recipe(name_or_path: str, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a shipped recipe by name or any TOML file; ``overrides``: "key=value", TOML values.

    Raises ConfigInvalid with the file, the key and what would be right.
    """
    path = _find(name_or_path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(f"this recipe cannot be read: {error}", file=path) from error
    for item in overrides:
        key, eq, value = item.partition("=")
        if not eq:
            raise ConfigInvalid(f"--set {item} has no '='", remedy="Write --set key=value.")
        table[key.strip()] = _value(value.strip())
    return _parse({"name": path.stem, **table}, path)


def recipe_from_json(text: str, file: Path) -> Recipe:
    """The recipe that a run saved beside its checkpoint."""
    return _parse(json.loads(text), file)


def final_from(recipe: Recipe) -> int:
    """The step at which the last part of a run begins."""
    return round((1 - recipe.final_share) * recipe.steps)


def shipped_recipes() -> dict[str, Path]:
    """Name -> path of the recipes inside the package."""
    folder = Path(str(files("kolorit") / "recipes"))
    return {p.stem: p for p in sorted(folder.glob("*.toml"))}


def data_root(variable: str = "KOLORIT_DATA") -> Path:
    """The folder that an environment variable names; ConfigInvalid without it."""
    value = os.environ.get(variable)
    if not value:
        raise ConfigInvalid(
            f"{variable} is not set", remedy=f"Set {variable} to the folder that holds the files."
        )
    return Path(value)


def _find(name_or_path: str) -> Path:
    shipped = shipped_recipes()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if path.suffix == ".toml" and path.is_file():
        return path
    raise ConfigInvalid(
        f"no recipe '{name_or_path}'", remedy=f"Name a .toml file or one of: {', '.join(shipped)}."
    )


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word


def _parse(table: dict[str, Any], file: Path) -> Recipe:
    hints = get_type_hints(Recipe)
    known = {f.name for f in fields(Recipe)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ConfigInvalid(
            f"unknown key '{unknown[0]}'",
            file=file,
            remedy=f"Known keys: {', '.join(sorted(known))}.",
        )
    values = {key: _convert(key, value, hints[key], file) for key, value in table.items()}
    missing = [k for k in ("net", "losses", "shards") if k not in values]
    if missing:
        raise ConfigInvalid(f"the key '{missing[0]}' is missing", file=file)
    for key, allowed in _CHOICES.items():
        if key in values and values[key] not in allowed:
            raise ConfigInvalid(
                f"{key} = '{values[key]}'", file=file, remedy=f"Use one of: {', '.join(allowed)}."
            )
    recipe = Recipe(**values)
    for key, (least, most) in _RANGES.items():
        if not least <= getattr(recipe, key) <= most:  # also refuses NaN
            remedy = f"Use {least:g} or more." if most == _MANY else f"Use {least:g} to {most:g}."
            raise ConfigInvalid(f"{key} = {getattr(recipe, key)}", file=file, remedy=remedy)
    for key in ("crops", "final_crops"):
        for px in getattr(recipe, key):
            if px % _STEP or not _STEP <= px <= recipe.store_px:
                remedy = f"Use multiples of {_STEP} up to store_px = {recipe.store_px}."
                raise ConfigInvalid(f"{key} holds {px}", file=file, remedy=remedy)
    for name, look in recipe.looks.items():
        try:
            Look(**look)
        except TypeError as error:
            raise ConfigInvalid(f"the look '{name}' is wrong: {error}", file=file) from error
    return recipe


def _convert(key: str, value: Any, kind: Any, file: Path) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if key == "shards":
        value = (value,) if isinstance(value, str) else value
        if isinstance(value, (list, tuple)) and value and all(isinstance(v, str) for v in value):
            return tuple(value)
    elif key in ("crops", "final_crops"):
        if isinstance(value, (list, tuple)) and value and all(type(v) is int for v in value):
            return tuple(value)
    elif key in ("looks", "about"):
        if isinstance(value, dict):
            return value
    elif key in ("losses", "net_config"):
        number = (int, float) if key == "losses" else (int,)
        if isinstance(value, dict) and all(type(v) in number for v in value.values()):
            return {k: number[-1](v) for k, v in value.items()}
    elif type(value) is kind:
        return value
    raise ConfigInvalid(f"{key} = {value!r} is not of the right kind", file=file)
