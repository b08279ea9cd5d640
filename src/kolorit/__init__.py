"""Kolorit colours black-and-white photographs.

    from kolorit import colorize
    colorize("farm.jpg")              # path, bytes, Pillow image or array in, the same kind out

The names below are the whole public surface. Those that need numpy, Pillow or onnxruntime are
looked up on first use (PEP 562), so importing ``kolorit`` costs no third-party import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from kolorit.errors import (
    AddressInUse,
    Busy,
    CheckpointRefused,
    ConfigInvalid,
    DataCorrupt,
    DeviceUnavailable,
    HintsInvalid,
    InputUnreadable,
    InternalError,
    KeyReused,
    KoloritError,
    LimitExceeded,
    ModelUnavailable,
    NotThere,
    OutputUnwritable,
    SomeInputsFailed,
    TooMany,
    TrainingDiverged,
)

__version__ = "0.3.0"

__all__ = [
    "AddressInUse",
    "Busy",
    "CheckpointRefused",
    "Colorizer",
    "ConfigInvalid",
    "DataCorrupt",
    "DeviceUnavailable",
    "Hint",
    "HintsInvalid",
    "InputUnreadable",
    "InternalError",
    "KeyReused",
    "KoloritError",
    "LimitExceeded",
    "ModelUnavailable",
    "NotThere",
    "OutputUnwritable",
    "Picture",
    "Prediction",
    "Result",
    "SomeInputsFailed",
    "TooMany",
    "TrainingDiverged",
    "__version__",
    "colorize",
]

# The module is colorizer.py and not colorize.py: importing a submodule binds its name on the
# package, and `kolorit.colorize` has to stay the function whoever imported what before.
_HOMES = {
    "Colorizer": "kolorit.colorizer",
    "Hint": "kolorit.hints",
    "Picture": "kolorit.picture.picture",
    "Prediction": "kolorit.runtime.model",
    "Result": "kolorit.colorizer",
    "colorize": "kolorit.colorizer",
}

if TYPE_CHECKING:
    from kolorit.colorizer import Colorizer, Result, colorize
    from kolorit.hints import Hint
    from kolorit.picture.picture import Picture
    from kolorit.runtime.model import Prediction
else:  # hidden from type checkers, which would take it as leave for any name at all

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value  # next time without this detour
        return value


def __dir__() -> list[str]:
    return list(__all__)
