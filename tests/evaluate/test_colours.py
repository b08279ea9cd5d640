"""evaluate/colours.py on made-up pictures with plain answers, and a slow version of the bleed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.colour.colourfulness import colourfulness
from kolorit.evaluate.colours import (
    bleed_terms,
    brown_share,
    clipped_share,
    colourfulness_absolute,
    colourfulness_ratio,
    hue_distance,
    hue_histogram,
    red_terms,
    skin_blue_terms,
)
from kolorit.evaluate.view import lab_of

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 31, 3), dtype=np.uint8)
AB = RNG.uniform(-60, 60, (12, 9, 2))

# sRGB bytes of the ColorChecker's patches, as its maker publishes them
DARK_SKIN, LIGHT_SKIN, BLUE_SKY = (115, 82, 68), (194, 150, 130), (98, 122, 157)
FOLIAGE, BLUE, RED, YELLOW = (87, 108, 67), (56, 61, 150), (175, 54, 60), (231, 199, 31)


def patch(*colours: tuple[int, int, int]) -> np.ndarray:
    """One row of pixels, (1,N,3) uint8."""
    return np.array([colours], np.uint8)


def polar(chroma: float, hue: float) -> np.ndarray:
    """An ab picture of two pixels of one colour."""
    angle = np.radians(hue)
    return np.full((1, 2, 2), [chroma * np.cos(angle), chroma * np.sin(angle)])


# Colourfulness


def test_colourfulness_with_absolute_values_worked_by_hand() -> None:
    """rg = 100, -50 and yb = 100, -125: means of their sizes 75, 112.5, deviations 25, 12.5."""
    picture = patch((200, 100, 50), (50, 100, 200))
    golden = math.hypot(25, 12.5) + 0.3 * math.hypot(75, 112.5)
    assert colourfulness_absolute(picture) == pytest.approx(golden)
    assert colourfulness(picture) == pytest.approx(143.5934, abs=1e-3)  # the signed one is another
    assert colourfulness_absolute(np.repeat(RGB[..., :1], 3, -1)) == 0


def test_colourfulness_ratio() -> None:
    grey = np.repeat(RGB[..., :1], 3, -1)
    assert colourfulness_ratio(shown=RGB, truth=RGB) == 1
    assert colourfulness_ratio(shown=grey, truth=RGB) == pytest.approx(0, abs=1e-6)


# Hue histograms


def test_hue_histogram_worked_by_hand() -> None:
    picture = np.concatenate([polar(20, 5), polar(4.9, 5), polar(7, 95), polar(30, -1)])
    expected = np.zeros(36)
    expected[[0, 9, 35]] = 40, 14, 60
    np.testing.assert_allclose(hue_histogram(picture), expected)


def test_hue_histogram_just_below_0_degrees() -> None:
    """The angle is rounded to 360, which is no 37th bin."""
    histogram = hue_histogram(np.array([[[10.0, -1e-18]]]))
    assert histogram.shape == (36,)
    assert histogram.sum() == 10


@given(st.integers(0, 35), st.floats(1.1, 3))
def test_hue_histogram_turns_with_the_hues_and_grows_with_the_chroma(
    sectors: int, gain: float
) -> None:
    chroma, hue = RNG.uniform(6, 60, 50), 10 * RNG.integers(0, 36, 50) + RNG.uniform(1, 9, 50)

    def picture(turn: float) -> np.ndarray:
        angle = np.radians(hue + turn)
        return np.stack([chroma * np.cos(angle), chroma * np.sin(angle)], -1)[None]

    expected = np.roll(hue_histogram(picture(0)), sectors)
    np.testing.assert_allclose(hue_histogram(picture(10 * sectors)), expected)
    np.testing.assert_allclose(hue_histogram(gain * picture(10 * sectors)), gain * expected)


def test_hue_distance() -> None:
    red, green = hue_histogram(polar(20, 5)), hue_histogram(polar(9, 125))
    none = hue_histogram(polar(1, 5))
    assert hue_distance(shown=red, truth=red / 7) == 0
    assert hue_distance(shown=green, truth=red) == 1
    assert hue_distance(shown=red / red.sum() + green / green.sum(), truth=red) == 0.5
    assert hue_distance(shown=none, truth=red) == hue_distance(shown=red, truth=none) == 1
    assert hue_distance(shown=none, truth=none) == 0
    with pytest.raises(ValueError, match="expected histograms"):
        hue_distance(shown=polar(20, 5), truth=polar(20, 5))


# Reds, browns, blue on skin


@pytest.mark.parametrize(
    ("true", "shown", "expected"),
    [
        ((60, 30), (60, 30), (2, 2)),
        ((60, 30), (31, 50), (2, 2)),  # paler and turned towards orange: found
        ((60, 30), (29, 30), (0, 2)),  # less than half of its chroma
        ((60, 30), (60, 65), (0, 2)),  # yellow
        ((60, 2), (60, -14), (2, 2)),  # across 0 degrees
        ((60, 2), (60, -16), (0, 2)),
        ((60, 50), (60, 50), (0, 0)),  # orange is no red
        ((29, 20), (29, 20), (0, 0)),  # nor is a pale one
    ],
)
def test_reds(true: tuple, shown: tuple, expected: tuple) -> None:
    assert red_terms(shown=polar(*shown), truth=polar(*true)) == expected


def test_red_of_the_chart() -> None:
    ab = lab_of(patch(RED, DARK_SKIN, BLUE, YELLOW))[..., 1:]
    assert red_terms(shown=ab, truth=ab) == (1, 1)
    assert red_terms(shown=ab[:, ::-1], truth=ab) == (0, 1)


def test_brown() -> None:
    brown, vivid, grey, green = polar(20, 60), polar(50, 60), polar(5, 60), polar(20, 120)
    assert brown_share(np.concatenate([brown, vivid, grey, green])) == 0.25
    rgb = patch((115, 77, 46))  # what people call brown
    assert brown_share(lab_of(rgb)[..., 1:]) == 1


def test_blue_on_the_skins_of_the_chart() -> None:
    truth = lab_of(patch(DARK_SKIN, LIGHT_SKIN, FOLIAGE, BLUE, YELLOW, (128, 128, 128)))
    assert skin_blue_terms(shown=truth, truth=truth) == (0, 2)
    for blue in (BLUE, BLUE_SKY):
        shown = lab_of(patch(*[blue] * 6))
        assert skin_blue_terms(shown=shown, truth=truth) == (2, 2)
    green = lab_of(patch(*[FOLIAGE] * 6))
    assert skin_blue_terms(shown=green, truth=truth) == (0, 2)


@pytest.mark.parametrize(
    ("true", "shown", "expected"),
    [
        ((60, 20, 50), (60, 20, 250), (2, 2)),
        ((60, 20, 50), (10, 8.1, 201), (2, 2)),  # a shown lightness does not matter
        ((60, 20, 50), (60, 7.9, 250), (0, 2)),  # too pale to be seen
        ((60, 20, 50), (60, 20, 199), (0, 2)),
        ((60, 20, 50), (60, 20, 301), (0, 2)),
        ((29, 20, 50), (60, 20, 250), (0, 0)),  # too dark, light, pale, vivid; red, yellow
        ((86, 20, 50), (60, 20, 250), (0, 0)),
        ((60, 9, 50), (60, 20, 250), (0, 0)),
        ((60, 41, 50), (60, 20, 250), (0, 0)),
        ((60, 20, 24), (60, 20, 250), (0, 0)),
        ((60, 20, 76), (60, 20, 250), (0, 0)),
    ],
)
def test_blue_on_skin(true: tuple, shown: tuple, expected: tuple) -> None:
    def lab(L: float, chroma: float, hue: float) -> np.ndarray:
        return np.concatenate([np.full((1, 2, 1), L), polar(chroma, hue)], -1)

    assert skin_blue_terms(shown=lab(*shown), truth=lab(*true)) == expected


# Bleed

LEFT, RIGHT = (40.0, 0.0), (-20.0, 0.0)  # a step of 60
EDGE, SIZE = 24, (40, 48)


def two_regions(left: tuple = LEFT, right: tuple = RIGHT) -> np.ndarray:
    """An ab picture (40,48,2) with a colour on either side of a sharp upright edge."""
    columns = np.arange(SIZE[1])[None, :, None]
    return np.broadcast_to(np.where(columns < EDGE, left, right), (*SIZE, 2)).astype(float)


def blurred(ab: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of the rows, the ends repeated; the window is cut off at 4 sigma."""
    reach = math.ceil(4 * sigma)
    window = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    wide = np.pad(ab, ((0, 0), (reach, reach), (0, 0)), "edge")
    parts = [w * wide[:, k : k + ab.shape[1]] for k, w in enumerate(window / window.sum())]
    return np.sum(parts, axis=0)


def bleed(shown: np.ndarray, truth: np.ndarray) -> float:
    outside, step = bleed_terms(shown=shown, truth=truth)
    return outside / step


@pytest.mark.parametrize("right", [RIGHT, (40.0, 60.0)])
def test_a_sharp_step_bleeds_nowhere(right: tuple) -> None:
    """Four places see the edge within 2 px, in each of 40 rows; none in the columns."""
    truth = two_regions(right=right)
    assert bleed_terms(shown=truth, truth=truth) == (0, 40 * 4 * 60)
    for turned in (truth.transpose(1, 0, 2), truth[:, ::-1]):
        assert bleed_terms(shown=turned, truth=turned) == (0, 40 * 4 * 60)


@pytest.mark.parametrize("sigma", [2, 4])
def test_the_bleed_of_a_blurred_step_is_that_of_the_normal_distribution(sigma: float) -> None:
    def share_within(reach: float) -> float:
        """Of the step, as the four places see it, 1.5 px and 0.5 px on either side of the edge."""
        normal = [math.erf((d + reach) / sigma / 2**0.5) for d in (-1.5, -0.5, 0.5, 1.5)]
        return sum(normal) / 4

    expected = 1 - share_within(2) / share_within(8)
    truth = two_regions()
    assert bleed(blurred(truth, sigma), truth) == pytest.approx(expected, abs=0.01)


def test_more_blur_and_a_wrong_place_raise_the_bleed() -> None:
    truth = blurred(two_regions(), 0.8)
    own = bleed(truth, truth)
    values = [bleed(blurred(truth, sigma), truth) for sigma in (1, 2, 4, 6)]
    assert [own, *values] == sorted([own, *values])
    assert values[0] > own + 0.05
    assert bleed(np.roll(truth, 3, axis=1), truth) > own + 0.3


@pytest.mark.parametrize("share", [0.5, 0.0625, 2])
def test_scaled_chroma_has_exactly_the_truths_own_bleed(share: float) -> None:
    truth = blurred(two_regions(), 1.3)
    own = bleed_terms(shown=truth, truth=truth)
    assert bleed_terms(shown=share * truth, truth=truth) == (share * own[0], share * own[1])
    assert own[0] > 0.01 * own[1]


@pytest.mark.parametrize("share", [0, 0.04, -1])
def test_without_a_step_the_right_way_the_bleed_has_no_meaning(share: float) -> None:
    truth = two_regions()
    assert bleed_terms(shown=share * truth, truth=truth) == (0, 0)


def test_more_than_the_step_is_negative() -> None:
    truth = two_regions()
    columns = np.abs(np.arange(SIZE[1]) - EDGE + 0.5)[None, :, None]
    assert bleed(np.where(columns < 4, 1.5 * truth, truth), truth) == pytest.approx(-0.5)


STRIPE = np.where(np.abs(np.arange(48) - 24)[:, None] < 3, (0.0, 30.0), (0.0, 0.0))
RAMP = np.arange(48)[:, None] * (2.0, 0.0)
CORNER = np.repeat([(0.0, 0.0), (0.0, 30.0), (30.0, 0.0)], (22, 5, 21), axis=0)


@pytest.mark.parametrize("row", [STRIPE, RAMP, CORNER], ids=["stripe", "ramp", "corner"])
def test_what_is_no_clean_edge(row: np.ndarray) -> None:
    """A stripe of 5 px is no border of two regions, 8 units in 4 px no edge; three colours turn."""
    truth = np.broadcast_to(row, (20, 48, 2)).astype(float)
    assert bleed_terms(shown=truth, truth=truth) == (0, 0)
    assert bleed_terms(shown=truth.transpose(1, 0, 2), truth=truth.transpose(1, 0, 2)) == (0, 0)


@pytest.mark.parametrize(("step", "edges"), [(19.9, 0), (20.1, 160)])
def test_a_weak_step_is_no_edge(step: float, edges: int) -> None:
    truth = two_regions((0, 0), (0, step))
    assert bleed_terms(shown=truth, truth=truth) == pytest.approx((0, edges * step))


@pytest.mark.parametrize("size", [(16, 16), (15, 15), (3, 16), (16, 1)])
def test_pictures_too_small_for_far_steps(size: tuple[int, int]) -> None:
    truth = RNG.uniform(-60, 60, (*size, 2))
    assert bleed_terms(shown=truth, truth=truth) == (0, 0)


def slow_bleed(shown: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Place by place, as the docstring says it."""
    outside = step = 0.0
    for down, right in ((0, 1), (1, 0)):
        for y in range(8 * down, truth.shape[0] - 8 * down):
            for x in range(8 * right, truth.shape[1] - 8 * right):
                (near, far), (seen_near, seen_far) = (
                    [
                        ab[y + r * down, x + r * right] - ab[y - r * down, x - r * right]
                        for r in (2, 8)
                    ]
                    for ab in (truth, shown)
                )
                n, f = math.hypot(*near), math.hypot(*far)
                if n < 20 or not 0.75 <= f / n < 1.5:
                    continue
                if math.degrees(math.acos(min(1, np.dot(near, far) / n / f))) >= 60:
                    continue
                outside += np.dot(seen_far - seen_near, far / f)
                step += np.dot(seen_far, far / f)
    return outside, step


@pytest.mark.parametrize("seed", [0, 1])
def test_bleed_equals_a_slow_version(seed: int) -> None:
    random = np.random.default_rng(seed)
    regions = random.uniform(-50, 50, (4, 4, 2)).repeat(12, 0).repeat(11, 1)  # (48,44,2)
    truth = regions + random.normal(0, 3, regions.shape)
    shown = blurred(truth, 2) * 0.8 + random.normal(0, 3, regions.shape)
    expected = slow_bleed(shown, truth)
    assert expected[1] > 1000
    assert bleed_terms(shown=shown, truth=truth) == pytest.approx(expected)


def test_edges_that_turn_are_counted_up_to_60_degrees() -> None:
    """Each row goes from grey over a stripe to a colour turned further from it than the last."""
    turns = np.radians(np.arange(0, 180, 4.5))[:, None]  # (40,1)
    row = np.arange(48)
    far = 32 * np.stack([np.cos(turns), np.sin(turns)], -1)  # (40,1,2)
    stripe = np.where((row < 22)[:, None], (0.0, 0.0), (30.0, 0.0))  # (48,2)
    truth = np.where((row < 27)[None, :, None], stripe, far)
    expected = slow_bleed(truth, truth)
    assert expected[1] > 1000
    assert bleed_terms(shown=truth, truth=truth) == pytest.approx(expected)


# Clipped pixels


@pytest.mark.parametrize(
    ("rgb", "clipped"),
    [
        ((255, 0, 0), True),
        ((120, 90, 0), True),
        ((120, 255, 130), True),
        ((0, 0, 5), True),  # luma 0.57, the byte 1
        ((0, 0, 4), False),  # luma 0.46: black, as a file holds it
        ((255, 255, 252), False),  # luma 254.66, the byte 255
        ((255, 255, 250), True),  # luma 254.43, the byte 254
        ((0, 0, 0), False),
        ((255, 255, 255), False),
        ((1, 128, 254), False),
    ],
)
def test_clipped(rgb: tuple[int, int, int], clipped: bool) -> None:
    assert clipped_share(patch(rgb)) == clipped
    assert clipped_share(patch(rgb, (9, 9, 9), (9, 9, 9), (9, 9, 9))) == clipped / 4


def test_grey_is_never_clipped() -> None:
    assert clipped_share(np.repeat(RGB[..., :1], 3, -1)) == 0


# What is refused


@pytest.mark.parametrize("terms", [red_terms, bleed_terms, skin_blue_terms])
def test_no_pair_of_two_sizes(terms: Callable[..., object]) -> None:
    picture = lab_of(RGB) if terms is skin_blue_terms else lab_of(RGB)[..., 1:]
    terms(shown=picture, truth=picture)
    with pytest.raises(ValueError, match="is judged against"):
        terms(shown=picture[:1, :1], truth=picture)
    wrong = lab_of(RGB)[..., 1:] if terms is skin_blue_terms else lab_of(RGB)
    with pytest.raises(ValueError, match="expected a picture"):
        terms(shown=wrong, truth=wrong)


@pytest.mark.parametrize("share", [brown_share, hue_histogram])
def test_no_colours_of_bytes(share: Callable[[np.ndarray], object]) -> None:
    with pytest.raises(ValueError, match="expected floating values"):
        share(RGB[..., :2])


@pytest.mark.parametrize("share", [clipped_share, colourfulness_absolute])
def test_no_bytes_of_floats(share: Callable[[np.ndarray], object]) -> None:
    with pytest.raises(ValueError, match="expected uint8 values"):
        share(RGB / 255.0)
