"""evaluate/systems.py: the grey input, the shipped merge under baselines, foreign folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kolorit.colour.luma import luma
from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.evaluate.systems import folder_system, grey_of, paint_on, strangers
from kolorit.evaluate.view import lab_of
from kolorit.merge import merge
from kolorit.picture.rgb import encode_rgb

RNG = np.random.default_rng(0)
RGB = RNG.integers(40, 200, (32, 48, 3)).astype(np.uint8)


def test_the_grey_picture_holds_the_luma_and_no_more() -> None:
    grey = grey_of(RGB)
    assert grey.chroma is None
    weights = np.array([0.299, 0.587, 0.114])  # Rec. 601
    assert np.abs(grey.luma - (RGB @ weights)).max() <= 0.5 + 1e-9
    assert grey.luma.dtype == np.uint8


def test_painting_keeps_the_luma_and_gives_the_colour() -> None:
    grey = grey_of(np.full((24, 24, 3), 128, np.uint8))
    plain = paint_on(grey, np.zeros(2), merge)
    assert (plain == 128).all()
    tinted = paint_on(grey, np.array([20.0, 10.0]), merge)
    assert np.abs(lab_of(tinted)[..., 1:] - (20, 10)).max() < 1.5
    assert np.abs(255 * luma(tinted / 255.0) - 128).max() < 1


def folder_with(tmp_path: Path, **pictures: np.ndarray) -> Path:
    folder = tmp_path / "other"
    folder.mkdir(exist_ok=True)
    for name, rgb in pictures.items():
        (folder / f"{name}.png").write_bytes(encode_rgb(rgb, "PNG"))
    return folder


def test_pictures_of_another_program_come_by_exact_stem(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, img1=RGB, img10=np.flipud(RGB))
    colour = folder_system("folder: other", folder).colour
    grey = grey_of(RGB)
    assert (colour("img1", grey).rgb == RGB).all()
    assert (colour("img10", grey).rgb == np.flipud(RGB)).all()
    with pytest.raises(InputUnreadable, match="no picture of this stem"):
        colour("img", grey)
    assert strangers(folder, {"img1"}) == ["img10"]


def test_a_larger_picture_is_reduced_and_another_shape_refused(tmp_path: Path) -> None:
    large = np.full((64, 96, 3), (10, 200, 30), np.uint8)
    small = {"tiny": large[:1, :1], "half": large[:16, :24], "wide": large[:, :93]}
    folder = folder_with(tmp_path, large=large, tall=large.transpose(1, 0, 2), **small)
    (folder / "broken.png").write_bytes(b"no picture")
    colour = folder_system("f", folder).colour
    grey = grey_of(RGB)
    assert (colour("large", grey).rgb == large[:32, :48]).all()
    with pytest.raises(InputUnreadable, match="64 x 96 does not have the proportions of 48 x 32"):
        colour("tall", grey)
    with pytest.raises(InputUnreadable, match="93 x 64 does not have the proportions of 48 x 32"):
        colour("wide", grey)
    for name, size in (("tiny", "1 x 1"), ("half", "24 x 16")):
        with pytest.raises(InputUnreadable, match=f"{size} is smaller than 48 x 32"):
            colour(name, grey)
    with pytest.raises(InputUnreadable):
        colour("broken", grey)


def test_an_empty_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataCorrupt):
        folder_system("f", tmp_path)
