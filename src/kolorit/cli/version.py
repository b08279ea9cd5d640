"""``kolorit --version``: what is installed, without importing any of it."""

from __future__ import annotations

import tomllib
from importlib import metadata
from importlib.resources import files
from typing import Any

import kolorit
from kolorit.cli import words

PACKAGES = ("onnxruntime", "pillow", "numpy")


def print_version(as_json: bool) -> int:
    """Versions on standard output."""
    found = versions()
    if as_json:
        words.print_json(found)
    else:
        model = found["model"]
        name = f"{model['name']} {model['sha256'][:12]}" if model else "none"
        others = [f"{package} {found[package] or 'missing'}" for package in PACKAGES]
        words.print_line("\n".join([f"kolorit {found['kolorit']}", f"model {name}", *others]))
    return 0


def versions() -> dict[str, Any]:
    """Versions by name; None for what is missing. "model" is the default one, as its card says."""
    return {
        "kolorit": kolorit.__version__,
        "model": _default_model(),
        **{package: package_version(package) for package in PACKAGES},
    }


def package_version(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _default_model() -> dict[str, str] | None:
    """Read here and not by ``runtime``, which would import numpy."""
    try:
        text = (files("kolorit") / "models" / "default.toml").read_text("utf-8")
        card = tomllib.loads(text)
        return {key: str(card[key]) for key in ("name", "version", "sha256")}
    except (OSError, ValueError, KeyError):
        return None
