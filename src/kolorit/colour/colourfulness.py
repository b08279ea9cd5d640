"""How colourful a picture looks to people, as one number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import check_within


def colourfulness(rgb: npt.ArrayLike) -> float:
    """Colourfulness of a picture: 0 for grey, about 15 slight, 45 average, 109 extreme.

    rgb (..., 3), sRGB-encoded, 0..255, integers or floats; all leading axes are pixels.
    rg = R - G and yb = (R + G) / 2 - B keep their sign; standard deviations are the population's.
    Raises ValueError for no pixels, values outside 0..255, or another last axis.
    Source: Hasler and Suesstrunk, Measuring colourfulness in natural images, 2003.
    """
    array = np.asarray(rgb)
    if array.ndim < 2 or array.shape[-1] != 3 or array.size == 0:
        raise ValueError(f"expected pixels (..., 3), got the shape {array.shape}")
    array = array.astype(np.float64)  # before the differences: bytes would wrap round
    check_within(array, 0, 255, "rgb")
    red, green, blue = np.moveaxis(array, -1, 0)
    rg = red - green
    yb = (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
