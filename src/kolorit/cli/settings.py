"""Settings and who decides them: flags, then KOLORIT_*, then kolorit.toml here, then the user's."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from kolorit.errors import ConfigInvalid

FILE = "kolorit.toml"


@dataclass(frozen=True)
class Setting:
    """One thing that can be set. read: makes a value of a flag, a TOML value or a variable's text,
    or raises ValueError. range: what it may be, for people.
    """

    default: Any
    read: Callable[[Any], Any]
    range: str


@dataclass(frozen=True)
class Chosen:
    """A setting's value and where it came from: a flag, a variable, a file or "default"."""

    value: Any
    origin: str


def number(low: float, high: float) -> tuple[Callable[[Any], float], str]:
    """Reads numbers in low..high, both included; refuses NaN."""

    def read(given: Any) -> float:
        if isinstance(given, bool) or not low <= (value := float(given)) <= high:
            raise ValueError
        return value

    return read, f"a number from {low:g} to {high:g}"


def whole(low: int, high: int | None = None) -> tuple[Callable[[Any], int], str]:
    """Reads whole numbers from low on."""

    def read(given: Any) -> int:
        if not isinstance(given, (int, str)) or isinstance(given, bool):
            raise ValueError
        value = int(given)
        if value < low or (high is not None and value > high):
            raise ValueError
        return value

    return read, f"a whole number from {low}" + ("" if high is None else f" to {high}")


def one_of(*words: str) -> tuple[Callable[[Any], str], str]:
    """Reads one of these words, in any case."""

    def read(given: Any) -> str:
        if not isinstance(given, str) or given.lower() not in words:
            raise ValueError
        return given.lower()

    return read, f"one of {', '.join(words)}"


def _word(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise ValueError
    return given


def _yes_or_no(given: Any) -> bool:
    text = str(given).lower()
    if text not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError
    return text in ("1", "true", "yes", "on")


SETTINGS = {
    "model": Setting("default", _word, "a model's name or the path of an .onnx file"),
    "look": Setting("vivid", _word, "a look of the model, as vivid or faithful"),
    "strength": Setting(1.0, *number(0, 1)),
    "saturation": Setting(1.0, *number(0, 4)),
    "warmth": Setting(0.0, *number(-1, 1)),
    "merge": Setting("luma", *one_of("luma", "lab")),
    "size": Setting(None, *whole(32, 1024)),
    "mirror": Setting(True, _yes_or_no, "true or false"),
    "device": Setting("auto", _word, "a device, as auto, cpu or cuda"),
    "threads": Setting(None, *whole(1, 1024)),
    "jobs": Setting(None, *whole(1, 1024)),
    "format": Setting(None, *one_of("jpeg", "jpg", "png", "tiff", "tif", "webp", "avif")),
    "quality": Setting(None, *whole(1, 100)),
    "mark": Setting(True, _yes_or_no, "true or false"),
    "strip": Setting(False, _yes_or_no, "true or false"),
    "max_pixels": Setting(None, *whole(1, 2**40)),
}


def resolve(flags: Mapping[str, Any]) -> dict[str, Chosen]:
    """Every setting by name. flags: what the command line gave; None where it was silent.

    Raises click.BadParameter for a bad flag, ConfigInvalid (with file and key) for the rest.
    """
    chosen = {name: Chosen(setting.default, "default") for name, setting in SETTINGS.items()}
    for path in (user_file(), Path(FILE)):
        for name, given in read_file(path).items():
            chosen[name] = Chosen(_read(name, given, path), os.fspath(path))
    for name in SETTINGS:
        if given := os.environ.get(variable(name)):
            chosen[name] = Chosen(_read(name, given, variable(name)), variable(name))
    for name, given in flags.items():
        if name in SETTINGS and given is not None:
            flag = f"--{name.replace('_', '-')}"
            try:
                chosen[name] = Chosen(SETTINGS[name].read(given), flag)
            except (ValueError, TypeError, OverflowError):
                message = f"{given!r} is not {SETTINGS[name].range}."
                raise click.BadParameter(message, param_hint=flag) from None
    return chosen


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"KOLORIT_{name.upper()}"


def user_file() -> Path:
    """The user's own settings, which need not exist."""
    return Path(click.get_app_dir("kolorit")) / FILE


def read_file(path: Path) -> dict[str, Any]:
    """The keys of a settings file, unread; empty if there is none. Raises ConfigInvalid."""
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigInvalid(f"this is no TOML: {error}", file=path) from error
    except OSError as error:
        raise ConfigInvalid(f"it cannot be read: {error.strerror}", file=path) from error
    for name in table:
        if name not in SETTINGS:
            known = ", ".join(SETTINGS)
            raise ConfigInvalid(f"unknown key '{name}'", file=path, remedy=f"Known keys: {known}.")
    return table


def _read(name: str, given: Any, where: Path | str) -> Any:
    try:
        return SETTINGS[name].read(given)
    except (ValueError, TypeError, OverflowError) as error:
        remedy = f"It has to be {SETTINGS[name].range}."
        raise ConfigInvalid(f"{name} = {given!r}", file=where, remedy=remedy) from error
