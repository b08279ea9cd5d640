"""How much of what a classifier recognises in colour, and not in grey, comes back by colouring.

Zhang et al. 2016, section 3.1, call the accuracy on coloured pictures their semantic
interpretability; between the accuracy on grey and on the truth it becomes a share.
"""

from __future__ import annotations

import numpy as np


def regained_terms(
    row: np.ndarray, grey: np.ndarray, truth: np.ndarray, labels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominators of (accuracy of row - of grey) / (accuracy of truth - of grey).

    All (N,) class indices of the same pictures; two (N,), each -1, 0 or 1: add each, then divide.
    Right is what the labels say; without any it is the classifier's own answer on the truth, whose
    accuracy is then 1. A quotient of 1: all is back, 0: no more is seen than in grey, below 0: the
    colours mislead; none where grey lost nothing, that is where the second sum is not above 0 (a
    term is -1 where labels call the grey picture right and the truth wrong). Raises ValueError for
    other shapes.
    """
    labels = truth if labels is None else labels
    shapes = {np.shape(x) for x in (row, grey, truth, labels)}
    if len(shapes) != 1 or len(shapes.pop()) != 1:
        raise ValueError("expected (N,) classes of the same pictures")
    of_row, of_grey, of_truth = ((x == labels).astype(np.float64) for x in (row, grey, truth))
    return of_row - of_grey, of_truth - of_grey
