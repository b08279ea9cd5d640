"""Studies as TOML files: read, changed by --set, checked. What is wrong is said before a run."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from kolorit.errors import ConfigInvalid
from kolorit.training.losses import PENALTIES
from kolorit.training.representation.activations import FEATURE_PENALTIES
from kolorit.training.representation.encoder_decoder import DECODERS
from kolorit.training.representation.pictures import GREYS
from kolorit.training.representation.pretexts import losses_of
from kolorit.training.representation.probes import PROBES
from kolorit.training.representation.sources import SOURCES, kinds_of
from kolorit.training.representation.study import Arm, Study, arms_of

PREFIX = "study-"  # of the shipped files; recipes lie beside them
_MANY = 10**9
_RANGES: dict[str, tuple[float, float]] = {  # least and largest, by table and key
    "px": (16, 512),
    "split.held_out": (1, 10**5),
    **dict.fromkeys(("split.seed", "split.classes"), (0, _MANY)),
    **dict.fromkeys(("split.train_per_class", "split.test_per_class"), (0, _MANY)),
    "split.pretext": (0.01, 0.98),
    "split.development": (0, 0.98),
    **dict.fromkeys(("training.steps", "training.batch", "training.validate_every"), (1, _MANY)),
    **dict.fromkeys(("training.lr", "training.clip"), (1e-12, _MANY)),
    **dict.fromkeys(("training.weight_decay", "training.warmup", "training.crop"), (0, _MANY)),
    **dict.fromkeys(("probe.numbers", "probe.iterations", "probe.epochs"), (1, _MANY)),
    **dict.fromkeys(("probe.batch",), (2, _MANY)),  # norms want two
    **dict.fromkeys(("probe.lr",), (1e-12, _MANY)),
    **dict.fromkeys(("probe.side", "probe.decay", "probe.steps"), (0, _MANY)),
}


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
        _check(study)
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
    **{int: "a whole number", float: "a number", str: "text", bool: "true or false"},
    **{tuple: "a list", dict: "a table"},
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


def _check(study: Study) -> None:
    for key, (least, most) in _RANGES.items():
        value: Any = study
        for part in key.split("."):
            value = getattr(value, part)
        if not least <= value <= most:  # also refuses NaN
            remedy = f"Use {least:g} or more." if most >= _MANY else f"Use {least:g} to {most:g}."
            raise ConfigInvalid(f"{key} = {value}", remedy=remedy)
    _one_of("grey", study.grey, GREYS)
    _one_of("decoder", study.decoder, DECODERS)
    _one_of("training.schedule", study.training.schedule, ("cosine", "constant"))
    kinds = {kind for arm in study.arms.values() for kind in kinds_of(study, arm)}
    for kind in (*study.probe.kinds, *sorted(kinds)):
        _one_of("probe.kinds", kind, tuple(PROBES))
    for key in ("kinds", "stages", "fractions", "seeds", "weight_decays"):
        if not getattr(study.probe, key):
            raise ConfigInvalid(f"probe.{key} is empty", remedy="Give one at least.")
    if not study.training.seeds:
        raise ConfigInvalid("training.seeds is empty", remedy="Give one at least.")
    for key in ("fractions", "map_fractions"):
        if not all(0 < fraction <= 1 for fraction in getattr(study.probe, key)):
            remedy = "Use shares above 0, up to 1."
            raise ConfigInvalid(f"probe.{key} = {list(getattr(study.probe, key))}", remedy=remedy)
    if study.split.pretext + study.split.development >= 1:
        raise ConfigInvalid(
            "split.pretext and split.development leave no labels for the probes",
            remedy="Let them be less than 1 together.",
        )
    if not study.split.development and len(study.probe.weight_decays) > 1:
        if "linear" in kinds:
            raise ConfigInvalid(
                "several probe.weight_decays, and split.development = 0",
                remedy="Give pictures to choose by, or one weight decay.",
            )
    _check_sizes(study)
    _check_arms(study)


def _check_sizes(study: Study) -> None:
    stride = 2 ** (len(study.net.widths) - 1)
    for key, side in (("px", study.px), ("training.crop", study.training.crop)):
        if side % stride or side > study.px:
            remedy = f"Use a multiple of {stride}, the stride of the latent, up to px."
            raise ConfigInvalid(f"{key} = {side}", remedy=remedy)
    if study.net.latent < 1 or study.net.channels != 1:
        raise ConfigInvalid(
            f"net.latent = {study.net.latent}, net.channels = {study.net.channels}",
            remedy="Give the latent 1 channel or more, and the input 1.",
        )


def _check_arms(study: Study) -> None:
    named = (*study.only, *(name for pair in study.compare for name in pair))
    for name in (*named, *((study.baseline,) if study.baseline else ())):
        _one_of("arm", name, tuple(study.arms))
    if not arms_of(study):
        raise ConfigInvalid("a study without arms", remedy="Add [arms.NAME].")
    for name, arm in study.arms.items():
        _check_arm(study, name, arm)


def _check_arm(study: Study, name: str, arm: Arm) -> None:
    if not name.replace("-", "").replace("_", "").isalnum():
        remedy = "Use letters, digits and hyphens: files are named after it."
        raise ConfigInvalid(f"an arm is called '{name}'", remedy=remedy)
    _one_of(f"arms.{name}.features", arm.features, tuple(SOURCES))
    _one_of(f"arms.{name}.sees", arm.sees, ("grey", "colour"))
    if (arm.features == "pretext") != (arm.pretext != "none"):
        raise ConfigInvalid(
            f"arms.{name}: features = '{arm.features}' with pretext = '{arm.pretext}'",
            remedy='A pretext goes with features = "pretext", and with no other.',
        )
    if arm.features == "pretext":
        losses_of(arm, study.perceptual)
    for penalty in (*arm.penalties, *arm.probe_penalties, *study.probe.penalties):
        _one_of("penalty", penalty, tuple(PENALTIES))
    of_features = (*arm.feature_penalties, *arm.probe_feature_penalties)
    for penalty in (*of_features, *study.probe.feature_penalties):
        _one_of("feature penalty", penalty, tuple(FEATURE_PENALTIES))
    if arm.features != "pretext" and (arm.penalties or arm.feature_penalties):
        raise ConfigInvalid(
            f"arms.{name} has penalties on an encoder that is not taught",
            remedy="probe_penalties and probe_feature_penalties are those of its classifier.",
        )


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigInvalid(f"{key} = '{value}'", remedy=f"Use one of: {', '.join(allowed)}.")
