"""Studies as TOML files: read, and changed by --set."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from kolorit.errors import ConfigInvalid
from kolorit.training.representation.study import Study
from kolorit.training.representation.study_checks import check_study

PREFIX = "study-"  # of the shipped files; recipes lie beside them


def load_study(name_or_path: str, changes: tuple[str, ...] = (), *, smoke: bool = False) -> Study:
    """Read a shipped study by name or any TOML file; ``changes``: "key=value", TOML values.

    smoke: with what the study's own [smoke] table changes, table by table. Raises ConfigInvalid
    with the file, the key and what would be right.
    """
    path = _find(name_or_path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigInvalid(f"this study cannot be read: {error}", file=path) from error
    small = table.pop("smoke", {})
    table = {"name": path.stem, **table}
    if smoke:
        table = _joined(table, small)
    for change in changes:
        key, eq, value = change.partition("=")
        if not eq:
            raise ConfigInvalid(f"--set {change} has no '='", remedy="Write --set key=value.")
        _put(table, key.strip(), _value(value.strip()))
    return parse_study(table, path)


def parse_study(table: dict[str, Any], file: Path) -> Study:
    """The study of a table, checked. Raises ConfigInvalid."""
    study: Study = _read(table, Study, "", file)
    try:
        check_study(study)
    except ConfigInvalid as error:
        error.file = error.file or str(file)
        raise
    return study


def shipped_studies() -> dict[str, Path]:
    """Name -> path of the studies inside the package."""
    folder = Path(str(files("kolorit") / "recipes"))
    return {p.stem: p for p in sorted(folder.glob(f"{PREFIX}*.toml"))}


def _find(name_or_path: str) -> Path:
    shipped = shipped_studies()
    for name in (name_or_path, f"{PREFIX}{name_or_path}"):
        if name in shipped:
            return shipped[name]
    path = Path(name_or_path)
    if path.suffix == ".toml" and path.is_file():
        return path
    raise ConfigInvalid(
        f"no study '{name_or_path}'", remedy=f"Name a .toml file or one of: {', '.join(shipped)}."
    )


def _joined(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The table with the changes, table inside table."""
    joined = copy.deepcopy(table)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(joined.get(key), dict)
        joined[key] = _joined(joined[key], value) if both else value
    return joined


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise ConfigInvalid(f"--set {key}: '{name}' is no table")
    table[last] = value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (ValueError, RecursionError):
        return text  # a bare word


_KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    tuple: "a list",
    dict: "a table",
}


def _read(value: Any, kind: Any, key: str, file: Path) -> Any:
    """A TOML value as a type: plain values, lists, tables of them, dataclasses."""
    origin, inside = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return _table(value, kind, key, file)
    if origin is dict and isinstance(value, dict):
        return {k: _read(v, inside[1], _under(key, k), file) for k, v in value.items()}
    if origin is tuple and isinstance(value, (list, tuple)):
        kinds = [inside[0]] * len(value) if inside[-1] is Ellipsis else list(inside)
        if len(kinds) == len(value):
            return tuple(_read(v, k, key, file) for v, k in zip(value, kinds, strict=True))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is kind:
        return value
    wanted = _KINDS.get(origin or kind, "a table")
    raise ConfigInvalid(f"{key} = {value!r}", file=file, remedy=f"Give {wanted}.")


def _table(table: dict[str, Any], kind: Any, key: str, file: Path) -> Any:
    types = get_type_hints(kind)
    if unknown := [name for name in table if name not in types]:
        remedy = f"Known keys: {', '.join(types)}."
        raise ConfigInvalid(f"unknown key '{_under(key, unknown[0])}'", file=file, remedy=remedy)
    values = {k: _read(v, types[k], _under(key, k), file) for k, v in table.items()}
    for needed in fields(kind):
        if needed.default is needed.default_factory and needed.name not in values:  # both MISSING
            missing = _under(key, needed.name)
            raise ConfigInvalid(f"the key '{missing}' is missing", file=file, remedy="Add it.")
    return kind(**values)


def _under(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
