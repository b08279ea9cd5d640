"""How much of what a classifier recognises in colour, and not in grey, comes back by colouring.

Zhang et al. 2016, section 3.1, call the accuracy on coloured pictures their semantic
interpretability; between the accuracy on grey and on the truth it becomes a share.
"""

from __future__ import annotations

import numpy as np


def regained(
    row: np.ndarray, grey: np.ndarray, truth: np.ndarray, labels: np.ndarray | None = None
) -> float | None:
    """(accuracy of row - of grey) / (accuracy of truth - of grey); None where grey lost nothing.

    All (N,) class indices of the same pictures. Right is what the labels say; without any it is
    the classifier's own answer on the truth, whose accuracy is then 1. 1: all is back, 0: no more
    is seen than in grey, below 0: the colours mislead. Raises ValueError for other shapes.
    """
    gained, lost = (terms.sum() for terms in regained_terms(row, grey, truth, labels))
    return float(gained / lost) if lost > 0 else None


def regained_terms(
    row: np.ndarray, grey: np.ndarray, truth: np.ndarray, labels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The two differences picture by picture, (N,) each, -1, 0 or 1: a share of two sums.

    The second has a -1 where labels call the grey picture right and the truth wrong.
    """
    labels = truth if labels is None else labels
    shapes = {np.shape(x) for x in (row, grey, truth, labels)}
    if len(shapes) != 1 or len(shapes.pop()) != 1:
        raise ValueError("expected (N,) classes of the same pictures")
    of_row, of_grey, of_truth = ((x == labels).astype(np.float64) for x in (row, grey, truth))
    return of_row - of_grey, of_truth - of_grey
