"""deep/kinds.py: bytes and nothing else get to a network; what sets' columns are called."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kolorit.evaluate.deep.kinds import Classifier, Distance, Embedding, set_columns

RGB = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)


def never(*_: np.ndarray) -> float:
    pytest.fail("it reached the network")


DISTANCE = Distance("d", never)
EMBEDDING = Embedding("e", 3, never)  # type: ignore[arg-type]
CLASSIFIER = Classifier("c", ("n1 a",), never)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ask",
    [
        lambda rgb: DISTANCE.terms(shown=rgb, truth=RGB),
        lambda rgb: DISTANCE.terms(shown=RGB, truth=rgb),
        EMBEDDING.embed,
        CLASSIFIER.classify,
    ],
)
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (RGB / 255.0, "expected uint8 values, got float64"),  # [0, 1]
        (RGB / 127.5 - 1.0, "expected uint8 values"),  # [-1, 1]
        (RGB.astype(np.float32), "expected uint8 values"),  # 0..255
        (RGB.astype(np.int64), "expected uint8 values"),
        (RGB[..., 0], r"expected a picture \(H, W, 3\)"),
        (np.moveaxis(RGB, -1, 0), r"expected a picture \(H, W, 3\)"),
        (RGB[None], r"expected a picture \(H, W, 3\)"),
        (RGB[:0], r"expected a picture \(H, W, 3\)"),
    ],
)
def test_other_ranges_and_shapes_are_refused(
    ask: Callable[[np.ndarray], object], wrong: np.ndarray, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        ask(wrong)


def test_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 1, 3\) is judged against a truth of \(6, 7, 3\)"):
        DISTANCE.terms(shown=RGB[:1, :1], truth=RGB)


def test_what_is_asked_is_what_is_answered() -> None:
    other = RGB[::-1]
    distance = Distance("d", lambda shown, truth: float(shown[0, 0, 0]) - float(truth[0, 0, 0]))
    assert distance.terms(shown=RGB, truth=other) == (float(RGB[0, 0, 0]) - other[0, 0, 0], 1)
    assert Embedding("e", 3, lambda rgb: rgb[0, 0]).embed(RGB).tolist() == RGB[0, 0].tolist()
    assert Classifier("c", ("a", "b"), lambda rgb: rgb.shape[1]).classify(RGB) == 7


def test_only_inception_gives_fid_and_kid() -> None:
    assert set_columns("inception2048") == ("fid", "kid")
    assert set_columns("squeezenet512") == ("frechet_squeezenet512", "mmd_squeezenet512")
