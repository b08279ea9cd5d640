"""Recipes as TOML files: read, changed by --set, checked. What is wrong is said before a run."""

from __future__ import annotations

import copy
import json
import tomllib
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

from kolorit.errors import ConfigInvalid
from kolorit.runtime.card import Look
from kolorit.training.recipe import Adversary, Recipe

CHOICES = {
    "grey": ("mixed", "lightness", "luma"),
    "lab": ("true", "as-run"),
    "precision": ("32-true", "bf16-mixed", "16-mixed"),
    "schedule": ("cosine", "constant", "one-cycle", "step", "plateau"),
}
_MANY = 10**9
RANGES: dict[str, tuple[float, float]] = {  # least and largest
    **dict.fromkeys(("steps", "batch", "accumulate", "validation_pictures"), (1, _MANY)),
    **dict.fromkeys(("log_every", "save_every", "validate_every", "grid_every"), (1, _MANY)),
    **dict.fromkeys(("drop_every", "patience"), (1, _MANY)),
    **dict.fromkeys(("warmup", "weight_decay", "seed"), (0, _MANY)),
    **dict.fromkeys(("lr", "encoder_lr", "clip"), (1e-12, _MANY)),
    **dict.fromkeys(("hints", "ageing", "final_share", "lr_floor", "ema"), (0, 1)),
    "factor": (1e-6, 1),
    "rotate": (0, 45),
    "validation": (1e-4, 0.9),
    "keep": (0, 100),
    "size": (32, 1024),
    "store_px": (32, 1024),
    "crop_min": (1, 1024),
}
ADVERSARY_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("weight", "gradient_penalty", "begin", "alone"), (0, _MANY)),
    "joint": (1, _MANY),
    "lr": (1e-12, _MANY),
}
CARD = {"name", "version", "sha256", "size", "multiple", "bins", "looks", "ranges", "hints"}
STEP = 16  # crops are multiples of it; most networks ask for 32, which a run tries


def load_recipe(
    name_or_path: str, overrides: tuple[str, ...] = (), *, smoke: bool = False
) -> Recipe:
    """Read a shipped recipe by name or any TOML file; ``overrides``: "key=value", TOML values.

    smoke: with what the recipe's own [smoke] table changes, a size for trying it out.
    Raises ConfigInvalid with the file, or the override, the key and what would be right.
    """
    path = _find(name_or_path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigInvalid(f"this recipe cannot be read: {error}", file=path) from error
    small = table.pop("smoke", {})
    if not isinstance(small, dict):
        raise ConfigInvalid("smoke is no table", file=path, remedy="Write it as [smoke].")
    _converted(small, Recipe, path, "smoke.")
    table = {"name": path.stem, **table, **(small if smoke else {})}
    try:
        return _parse(_changed(table, overrides), path)
    except ConfigInvalid as error:
        if error.file is not None:  # else it is about a word of --set alone, and says so
            error.file = _at_fault(table, overrides, path)
        raise


def recipe_from_json(text: str, file: Path) -> Recipe:
    """The recipe that a run saved beside its checkpoint."""
    try:
        return _parse(json.loads(text), file)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ConfigInvalid(f"this recipe cannot be read: {error}", file=file) from error


def shipped_recipes() -> dict[str, Path]:
    """Name -> path of the recipes inside the package."""
    folder = Path(str(files("kolorit") / "recipes"))
    found = {p.stem: p for p in sorted(folder.glob("*.toml"))}
    return {name: path for name, path in found.items() if not name.startswith("study-")}


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


def _changed(table: dict[str, Any], overrides: tuple[str, ...]) -> dict[str, Any]:
    """A copy of a recipe's table with every "key=value" put into it, in turn."""
    table = copy.deepcopy(table)
    for item in overrides:
        key, eq, value = item.partition("=")
        if not eq:
            raise ConfigInvalid(f"--set {item} has no '='", remedy="Write --set key=value.")
        _put(table, key.strip().split("."), _value(value.strip()))
    return table


def _at_fault(table: dict[str, Any], overrides: tuple[str, ...], path: Path) -> str:
    """Where a wrong recipe went wrong: the override without which it is right, or the file.

    All of the overrides where the file alone is right, and none of them alone to blame.
    """

    def right(*some: str) -> bool:
        try:
            return bool(_parse(_changed(table, some), path))
        except ConfigInvalid:
            return False

    named = [f"--set {item.partition('=')[0].strip()}" for item in overrides]
    for k, name in enumerate(named):
        if right(*overrides[:k], *overrides[k + 1 :]):
            return name
    return " ".join(named) if overrides and right() else str(path)


def _put(table: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set a key, or one inside a table: ``losses.l1 = 2``."""
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigInvalid(f"--set {'.'.join(keys)}: '{key}' is no table")
    table[keys[-1]] = value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (ValueError, RecursionError):
        return text  # a bare word


def _parse(table: dict[str, Any], file: Path) -> Recipe:
    recipe: Recipe = _made(table, Recipe, file)
    _check_values(recipe, file)
    _check_looks(recipe, file)
    _check_sizes(recipe, file)
    _check_together(recipe, file)
    for key, value in asdict(recipe).items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            remedy = "Write dates as text; nan and inf are no numbers here."
            cause = f"{key} cannot be saved with a run: {error}"
            raise ConfigInvalid(cause, file=file, remedy=remedy) from error
    return recipe


def _made(table: dict[str, Any], kind: type, file: Path, where: str = "") -> Any:
    """The dataclass of a table; ``where``: the table's name and a dot, for errors."""
    values = _converted(table, kind, file, where)
    for needed in fields(kind):
        if needed.default is needed.default_factory and needed.name not in values:  # both MISSING
            key = where + needed.name
            raise ConfigInvalid(f"the key '{key}' is missing", file=file, remedy=f"Add {key}.")
    return kind(**values)


def _converted(table: dict[str, Any], kind: type, file: Path, where: str = "") -> dict[str, Any]:
    """The table's values as the dataclass's types; unknown keys are refused."""
    types = get_type_hints(kind)
    for key in table:
        if key not in types:
            remedy = f"Known keys: {', '.join(sorted(types))}."
            raise ConfigInvalid(f"unknown key '{where}{key}'", file=file, remedy=remedy)
    try:
        return {key: _convert(key, value, types[key], file, where) for key, value in table.items()}
    except OverflowError as error:
        raise ConfigInvalid(f"a number is too large: {error}", file=file) from error


_KINDS: dict[Any, str] = {
    **{int: "a whole number", float: "a number", str: "text", bool: "true or false"},
    **{tuple[int, ...]: "a list of whole numbers", tuple[str, ...]: "a list of names"},
    **{
        dict[str, float]: "a table of numbers",
        dict[str, dict[str, Any]]: "a table of tables",
        dict[str, Any]: "a table",
    },
    Adversary | None: "a table",
}


def _convert(key: str, value: Any, kind: Any, file: Path, where: str) -> Any:
    number = (int, float)
    if key == "sources":  # also one folder, or a list of them
        value = [value] if isinstance(value, str) else value
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return dict.fromkeys(value, 1.0)
    if kind is float and type(value) in number:
        return float(value)
    if kind == tuple[int, ...]:
        if isinstance(value, (list, tuple)) and all(type(v) is int for v in value):
            return tuple(value)
    elif kind == tuple[str, ...]:
        if isinstance(value, (list, tuple)) and all(type(v) is str for v in value):
            return tuple(value)
    elif kind == dict[str, float]:
        if isinstance(value, dict) and all(type(v) in number for v in value.values()):
            return {k: float(v) for k, v in value.items()}
    elif kind == dict[str, dict[str, Any]]:
        if isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()):
            return value
    elif kind == dict[str, Any]:
        if isinstance(value, dict):
            return value
    elif kind == Adversary | None:
        if isinstance(value, dict | None):
            return _made(value, Adversary, file, "adversary.") if value is not None else None
    elif type(value) is kind:
        return value
    cause = f"{where}{key} = {value!r} is not of the right kind"
    raise ConfigInvalid(cause, file=file, remedy=f"Give {_KINDS[kind]}.")


def _check_values(recipe: Recipe, file: Path) -> None:
    for key, allowed in CHOICES.items():
        if (value := getattr(recipe, key)) not in allowed:
            remedy = f"Use one of: {', '.join(allowed)}."
            raise ConfigInvalid(f"{key} = '{value}'", file=file, remedy=remedy)
    _check_ranges(recipe, RANGES, file)
    if recipe.adversary:
        _check_ranges(recipe.adversary, ADVERSARY_RANGES, file, "adversary.")
    for table in ("losses", "penalties", "sources"):
        for key, value in getattr(recipe, table).items():
            if not 0 <= value <= _MANY:
                remedy = "Use 0 or more."
                raise ConfigInvalid(f"{table}.{key} = {value}", file=file, remedy=remedy)


def _check_ranges(
    values: Recipe | Adversary, ranges: dict[str, tuple[float, float]], file: Path, where: str = ""
) -> None:
    for key, (least, most) in ranges.items():
        if not least <= getattr(values, key) <= most:  # also refuses NaN
            remedy = f"Use {least:g} or more." if most == _MANY else f"Use {least:g} to {most:g}."
            raise ConfigInvalid(f"{where}{key} = {getattr(values, key)}", file=file, remedy=remedy)


def _check_looks(recipe: Recipe, file: Path) -> None:
    """A look that the card's reader would not take, after the training."""
    for name, look in recipe.looks.items():
        try:
            read = Look(**look)
            if wrong := [k for k, v in look.items() if type(v) not in (int, float)]:
                raise TypeError(f"{wrong[0]} is no number")
            if not 0 < read.temperature <= 1:
                raise ValueError("the temperature is not in (0, 1]")
        except (TypeError, ValueError) as error:
            raise ConfigInvalid(f"the look '{name}' is wrong: {error}", file=file) from error


def _check_sizes(recipe: Recipe, file: Path) -> None:
    if not recipe.crops:
        raise ConfigInvalid("crops is empty", file=file)
    for key in ("crops", "final_crops"):
        for px in getattr(recipe, key):
            if px % STEP or not STEP <= px <= recipe.store_px:
                remedy = f"Use multiples of {STEP} up to store_px = {recipe.store_px}."
                raise ConfigInvalid(f"{key} holds {px}", file=file, remedy=remedy)
    if recipe.batch % recipe.accumulate:
        remedy = "batch must be a multiple of accumulate."
        cause = f"batch = {recipe.batch} with accumulate = {recipe.accumulate}"
        raise ConfigInvalid(cause, file=file, remedy=remedy)


_THROUGH_LAB = ("ssim", "perceptual", "classification", "rebalanced", "colourfulness", "gamut")


def _check_together(recipe: Recipe, file: Path) -> None:
    """Combinations that cannot be meant."""
    used = [name for name, weight in recipe.losses.items() if weight]
    if not used:
        raise ConfigInvalid("no loss has a weight", file=file, remedy="Give one under [losses].")
    if not any(recipe.sources.values()):
        raise ConfigInvalid("no source of photographs", file=file, remedy="Give sources.")
    if unused := sorted(set(recipe.loss_options) - set(recipe.losses)):
        cause = f"loss_options for '{unused[0]}', which is no loss of it"
        remedy = f"The recipe's losses: {', '.join(recipe.losses)}."
        raise ConfigInvalid(cause, file=file, remedy=remedy)
    if recipe.lab == "as-run":
        if wrong := [name for name in used if name in _THROUGH_LAB]:
            cause = f"{wrong[0]} with lab = 'as-run', which is not Lab"
            remedy = 'Use l1, l2 or smooth_l1, or lab = "true".'
            raise ConfigInvalid(cause, file=file, remedy=remedy)
        for key in ("hints", "ageing", "adversary"):
            if getattr(recipe, key):
                remedy = f'Leave {key} out, or use lab = "true".'
                raise ConfigInvalid(f"lab = 'as-run' with {key}", file=file, remedy=remedy)
    if recipe.adversary and recipe.precision == "16-mixed":  # one scaler cannot serve two
        remedy = 'Use "bf16-mixed" or "32-true".'
        raise ConfigInvalid("16-mixed with an adversary", file=file, remedy=remedy)
    if own := sorted(set(recipe.about) & CARD):
        remedy = f"The card says these itself: {', '.join(sorted(CARD))}."
        raise ConfigInvalid(f"about.{own[0]}", file=file, remedy=remedy)
    values = ("loss", "ab_rmse", *used)
    if recipe.best_by not in values:
        remedy = f"Use one of: {', '.join(values)}."
        raise ConfigInvalid(f"best_by = '{recipe.best_by}'", file=file, remedy=remedy)
