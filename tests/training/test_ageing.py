"""training/ageing.py: each effect does what its name says, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.training import ageing
from kolorit.training.ageing import age, blur, compress, dust, fade, grain, scratch

RAMP = np.linspace(0, 100, 64, dtype=np.float32)[None].repeat(48, 0)
FLAT = np.full((48, 64), 50, np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(0, 10_000))
def test_an_aged_picture_is_a_picture(seed: int) -> None:
    noise = rng(seed).uniform(0, 100, (40, 56)).astype(np.float32)
    before = noise.copy()
    aged = age(noise, rng(seed))
    assert (aged.shape, aged.dtype) == (noise.shape, np.float32)
    assert 0 <= aged.min() and aged.max() <= 100
    assert not np.array_equal(aged, noise)
    np.testing.assert_array_equal(noise, before)
    np.testing.assert_array_equal(aged, age(noise, rng(seed)))


def test_every_effect_is_chosen_about_half_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = dict.fromkeys(("blur", "grain", "fade", "scratch", "dust", "compress"), 0)

    def count(name: str) -> None:
        def effect(L: np.ndarray, *_: object) -> np.ndarray:
            seen[name] += 1
            return L

        monkeypatch.setattr(ageing, name, effect)

    for name in seen:
        count(name)
    for seed in range(500):
        before = sum(seen.values())
        age(FLAT, rng(seed))
        assert sum(seen.values()) > before
    assert all(240 < number < 370 for number in seen.values()), seen


def test_blur_is_a_gaussian_and_keeps_what_is_flat() -> None:
    np.testing.assert_allclose(blur(FLAT, 1.3), FLAT, atol=1e-4)
    dot = np.zeros((31, 31), np.float32)
    dot[15, 15] = 100
    out = blur(dot, 1.5)
    y, x = np.mgrid[-15:16, -15:16]
    expected = 100 * np.exp(-(x**2 + y**2) / (2 * 1.5**2)) / (2 * np.pi * 1.5**2)
    np.testing.assert_allclose(out, expected, atol=0.05)
    assert out.sum() == pytest.approx(100, rel=1e-4)


def test_grain_has_its_strength_and_size_and_no_tint() -> None:
    fine = grain(np.full((256, 256), 50, np.float32), 4, 0, rng()) - 50
    coarse = grain(np.full((256, 256), 50, np.float32), 4, 1.5, rng()) - 50
    for noise in (fine, coarse):
        assert noise.std() == pytest.approx(4, rel=0.02)
        assert abs(noise.mean()) < 0.15
    beside = [float((n[:, 1:] * n[:, :-1]).mean() / n.var()) for n in (fine, coarse)]
    assert abs(beside[0]) < 0.02
    assert beside[1] == pytest.approx(np.exp(-1 / (4 * 1.5**2)), abs=0.03)
    dark = grain(np.full((256, 256), 10, np.float32), 4, 0, rng()) - 10
    assert 2 < dark.std() < 3.2


def test_fading_lifts_black_and_lowers_contrast() -> None:
    faded = fade(RAMP, 20, 80)
    assert faded.min() == pytest.approx(20)
    assert faded.max() == pytest.approx(80)
    np.testing.assert_allclose(np.diff(faded), np.diff(RAMP) * 0.6, atol=1e-4)


def test_scratches_are_few_thin_and_upright() -> None:
    np.testing.assert_array_equal(scratch(FLAT, 0, rng()), FLAT)
    hit = np.abs(scratch(np.full((100, 100), 50, np.float32), 1, rng(4)) - 50) > 1
    rows, columns = np.flatnonzero(hit.any(1)), np.flatnonzero(hit.any(0))
    assert len(rows) > 30 and len(columns) < 20
    assert hit.sum(1).max() <= 4
    assert np.diff(rows).max() == 1  # one piece
    many = [(np.abs(scratch(FLAT, 3, rng(k)) - 50) > 1).mean() for k in range(50)]
    assert 0.005 < np.mean(many) < 0.12


def test_dust_is_round_specks() -> None:
    np.testing.assert_array_equal(dust(FLAT, 0, rng()), FLAT)
    for k in range(20):
        hit = np.abs(dust(FLAT, 1, rng(k)) - 50) > 1
        height, width = hit.any(1).sum(), hit.any(0).sum()
        assert hit.sum() <= 80 and height <= 10 and width <= 10
    assert (dust(FLAT, 20, rng()) != FLAT).mean() < 0.2
    light = sum(dust(FLAT, 20, rng(k)).max() > 60 for k in range(20))
    dark = sum(dust(FLAT, 20, rng(k)).min() < 40 for k in range(20))
    assert light > 15 and dark > 15


def test_compression_leaves_blocks_and_coarser_ones_at_less_quality() -> None:
    noise = rng().uniform(20, 80, (64, 64)).astype(np.float32)
    errors = [float(np.abs(compress(noise, q) - noise).mean()) for q in (20, 50, 80, 100)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 4 and errors[3] < 1
    np.testing.assert_allclose(compress(FLAT, 50), FLAT, atol=0.5)
    np.testing.assert_allclose(compress(RAMP, 95), RAMP, atol=2.5)
    assert compress(np.full((8, 8), 130, np.float32), 90).max() == pytest.approx(100)
