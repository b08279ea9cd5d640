"""The extras of pyproject.toml: which modules they bring, and which of these are not there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from kolorit.errors import DeviceUnavailable


@dataclass(frozen=True)
class Extra:
    """needed: modules without which nothing of it works. optional: without which less does."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


EXTRAS = {
    "train": Extra(
        needed=("torch", "lightning_fabric", "onnx", "onnxscript", "safetensors"),
        optional=("diffusers", "matplotlib", "timm"),
    ),
    "evaluate": Extra(
        needed=("matplotlib", "safetensors", "torch"),
        optional=("torch_fidelity",),
    ),
    "depth": Extra(needed=("tifffile",)),
    "web": Extra(needed=("fastapi", "python_multipart", "uvicorn")),
}


def need(extra: str) -> None:
    """Raises DeviceUnavailable unless all that an extra needs is there; imports none of it."""
    if missing := lacking(EXTRAS[extra].needed):
        raise DeviceUnavailable(
            f"this needs {', '.join(missing)}", remedy=f"pip install 'kolorit[{extra}]'"
        )


def lacking(modules: tuple[str, ...]) -> list[str]:
    """Which of these cannot be imported; none of them is."""
    return [name for name in modules if find_spec(name) is None]
