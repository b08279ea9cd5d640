"""Where models live, and the check that they are what their card says."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from kolorit.errors import ModelUnavailable
from kolorit.runtime.card import Card, read_card


def shipped_models() -> dict[str, Path]:
    """Name -> ONNX file of every model inside the package."""
    folder = Path(str(files("kolorit") / "models"))
    return {path.stem: path.with_suffix(".onnx") for path in sorted(folder.glob("*.toml"))}


def find_model(name_or_path: str | Path) -> Path:
    """The ONNX file of a shipped name, or of the path of an ``.onnx`` with a card beside it."""
    shipped = shipped_models()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    path = Path(name_or_path)
    if path.suffix != ".onnx":
        raise ModelUnavailable(
            f"no model is called '{name_or_path}'",
            remedy=f"Use one of: {', '.join(shipped)}; or the path of an .onnx file with a card.",
        )
    return path


def read_model(path: Path) -> tuple[Card, bytes]:
    """The card and the bytes of a model, after their sha256 was found to be the card's.

    The whole file is hashed before anything opens it: onnxruntime loads altered weights without a
    word. Raises ModelUnavailable when a file is missing, unreadable or altered.
    """
    card = read_card(path.with_suffix(".toml"))
    try:
        network = path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"the model cannot be read: {error.strerror}", file=path) from error
    if hashlib.sha256(network).hexdigest() != card.sha256:
        raise ModelUnavailable(
            "the model is not the one its card describes (sha256 differs)",
            file=path,
            remedy="Install Kolorit again; if you changed the model, give it a card of its own.",
        )
    return card, network
