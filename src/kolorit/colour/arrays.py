"""What an array has to be before colour arithmetic starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def floats(values: npt.ArrayLike, channels: int | None = None) -> Floats:
    """The values as float32, or as float64 where they came as float64.

    values (...), or (..., channels) where `channels` is given. No copy if none is needed.
    Raises ValueError for integers, since nobody can tell whether 1 means all of the range or a
    255th of it, and for a last axis of another length than `channels`.
    """
    array = np.asarray(values)
    if array.dtype.kind != "f":
        raise ValueError(f"colour arithmetic takes floats, not {array.dtype}; scale integers first")
    if channels is not None and (array.ndim == 0 or array.shape[-1] != channels):
        raise ValueError(f"the last axis must hold {channels} channels; the shape is {array.shape}")
    return array.astype(np.float32 if array.dtype.itemsize <= 4 else np.float64, copy=False)


def check_within(array: Floats, low: float, high: float, name: str) -> None:
    """Raises ValueError unless all of array (...) lies in [low, high]; NaN does not."""
    if array.size and not (array.min() >= low and array.max() <= high):
        raise ValueError(
            f"{name} must lie in [{low:g}, {high:g}]; it spans {array.min():g} to {array.max():g}"
        )
