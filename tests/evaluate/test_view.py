"""evaluate/view.py: Lab of bytes against published colours, once per picture; what is refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from skimage.color import rgb2lab

from kolorit.colour.colourfulness import colourfulness
from kolorit.evaluate.view import View, check_pair, lab_of

RGB = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)


def test_lab_of_the_primaries() -> None:
    """D65 with the row sums of the matrix as white: grey is neutral."""
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [119, 119, 119]]], np.uint8)
    golden = [
        [53.2406, 80.0942, 67.2015],
        [87.7351, -86.1813, 83.1775],
        [32.2957, 79.1870, -107.8617],
        [50.0344, 0, 0],
    ]
    np.testing.assert_allclose(lab_of(rgb)[0], golden, atol=1e-4)


def test_the_planes_of_a_picture() -> None:
    view = View(RGB)
    np.testing.assert_allclose(view.lab, rgb2lab(RGB), atol=0.01)  # its white is rounded
    assert view.lab.dtype == np.float64
    assert (view.ab == view.lab[..., 1:]).all()
    np.testing.assert_allclose(view.chroma, np.linalg.norm(view.ab, axis=-1))
    assert view.colourfulness == colourfulness(RGB)


def test_everything_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(RGB)
    kept = view.lab, view.chroma, view.colourfulness
    for name in ("rgb_to_lab", "colourfulness"):
        monkeypatch.setattr(f"kolorit.evaluate.view.{name}", lambda _: pytest.fail("again"))
    again = view.lab, view.chroma, view.colourfulness
    assert all(old is new for old, new in zip(kept, again, strict=True))
    assert np.shares_memory(view.ab, view.lab)


def test_a_view_keeps_its_picture() -> None:
    with pytest.raises(FrozenInstanceError):
        View(RGB).rgb = RGB  # type: ignore[misc]
    assert len({View(RGB), View(RGB)}) == 2  # hashable, though arrays are not


@pytest.mark.parametrize(
    ("rgb", "why"),
    [
        (RGB / 255.0, "expected uint8 values, got float64"),
        (RGB.astype(np.uint16), "expected uint8 values, got uint16"),
        (RGB[..., 0], r"expected a picture \(H, W, 3\)"),
        (np.moveaxis(RGB, -1, 0), r"expected a picture \(H, W, 3\)"),
        (RGB[:0], r"expected a picture \(H, W, 3\)"),
    ],
)
def test_what_is_no_picture(rgb: np.ndarray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        View(rgb)


def test_a_pair_of_two_sizes() -> None:
    check_pair(shown=RGB / 255.0, truth=RGB / 1.0, channels=3)
    with pytest.raises(ValueError, match=r"\(1, 1, 3\) is judged against a truth of \(12, 17, 3\)"):
        check_pair(shown=RGB[:1, :1], truth=RGB, channels=3, kind=np.uint8)
    with pytest.raises(ValueError, match="expected floating values, got uint8"):
        check_pair(shown=RGB / 255.0, truth=RGB, channels=3)
