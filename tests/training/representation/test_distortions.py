"""distortions.py against torchvision's own functions."""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.training.representation import distortions
from kolorit.training.representation.distortions import distort, trivial_augment

from .conftest import food


@pytest.fixture(scope="module")
def F():  # type: ignore[no-untyped-def]
    pytest.importorskip("torchvision", reason="timm's, not ours")
    from torchvision.transforms.v2 import functional

    return functional


@pytest.mark.parametrize(
    ("ours", "theirs", "strengths"),
    [
        (distortions.brightness, "adjust_brightness", (0.5, 1.4)),
        (distortions.contrast, "adjust_contrast", (0.5, 1.5)),
        (distortions.saturation, "adjust_saturation", (0.0, 0.5, 1.5)),
        (distortions.hue, "adjust_hue", (-0.3, 0.05, 0.5)),
        (distortions.sharpness, "adjust_sharpness", (0.0, 2.0)),
        (distortions._posterised, "posterize", (2, 5, 8)),
        (distortions._solarised, "solarize", (0, 100, 255)),
        (distortions._stretched, "autocontrast", (0,)),
        (distortions._equalised, "equalize", (0,)),
        (distortions._turned, "rotate", (30, -100)),
    ],
)
def test_a_change_is_torchvisions(F, ours, theirs: str, strengths) -> None:  # type: ignore[no-untyped-def]
    import torch

    for k in (0, 5):
        picture = food(k, 1, px=33)
        tensor = torch.from_numpy(picture).permute(2, 0, 1)
        for strength in strengths:
            arguments = () if theirs in ("autocontrast", "equalize") else (strength,)
            want = getattr(F, theirs)(tensor, *arguments).permute(1, 2, 0).numpy().astype(int)
            found = distortions._bytes(ours(picture.astype(np.float32) / 255, strength))
            off = np.abs(found.astype(int) - want)
            assert (off <= 2).mean() > 0.98, (theirs, strength, off.max())


@pytest.mark.parametrize(
    ("name", "strength", "shift"), [("translate-x", 5, (0, 5)), ("translate-y", -7, (-7, 0))]
)
def test_a_shift_leaves_black(name: str, strength: int, shift: tuple[int, int]) -> None:
    picture = food(3, 0).astype(np.float32) / 255
    moved = distortions._WIDE[name][0](picture, strength)
    y, x = shift
    want = np.zeros_like(picture)
    want[max(y, 0) : 32 + min(y, 0), max(x, 0) : 32 + min(x, 0)] = picture[
        max(-y, 0) : 32 + min(-y, 0), max(-x, 0) : 32 + min(-x, 0)
    ]
    np.testing.assert_array_equal(moved, want)


def test_pictures_are_drawn_apart_and_of_a_seed() -> None:
    rgb = np.stack([food(0, 0)] * 60)
    for change in (distort, trivial_augment):
        one, same = (change(rgb, np.random.default_rng(3)) for _ in range(2))
        assert one.shape == rgb.shape and one.dtype == np.uint8
        assert np.array_equal(one, same)
        assert len({picture.tobytes() for picture in one}) > 20
    inverted = [p.mean() < 127 for p in distort(np.full((300, 4, 4, 3), 230, np.uint8),
                                                np.random.default_rng(0))]  # fmt: skip
    assert 0.35 < np.mean(inverted) < 0.65
