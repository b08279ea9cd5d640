"""Where data and weights stand that are outside of the package."""

from __future__ import annotations

import os
from pathlib import Path

from kolorit.errors import ConfigInvalid


def data_root(variable: str = "KOLORIT_DATA") -> Path:
    """The folder that an environment variable names; ConfigInvalid without it."""
    value = os.environ.get(variable)
    if not value:
        raise ConfigInvalid(
            f"{variable} is not set", remedy=f"Set {variable} to the folder that holds the files."
        )
    return Path(value)
