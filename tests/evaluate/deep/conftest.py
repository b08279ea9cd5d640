"""Statistics and kinds are plain numpy; what needs more is left out where that is missing."""

from __future__ import annotations

from importlib.util import find_spec

NEEDS = {
    "torch": ("backbones", "classifier", "distance", "embeddings", "inception", "weights"),
    "torch_fidelity": ("inception",),
}
collect_ignore = [
    f"test_{name}.py" for library in NEEDS if find_spec(library) is None for name in NEEDS[library]
]
