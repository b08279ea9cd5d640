"""evaluate/columns.py: what each column makes of pictures whose order is known, and of a set."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from kolorit.colour.colourfulness import colourfulness
from kolorit.colour.gamut import shrink_lab
from kolorit.colour.lab import lab_to_rgb
from kolorit.evaluate.colours import (
    bleed_terms,
    brown_share,
    clipped_share,
    colourfulness_absolute,
    red_terms,
    skin_blue_terms,
)
from kolorit.evaluate.columns import COLUMNS, Context, numbers_of
from kolorit.evaluate.fidelity import auc_terms, psnr_ab, rarity, ssim
from kolorit.evaluate.view import View, lab_of

NAMES = (
    "psnr psnr_ab ssim ciede2000 auc auc_rebalanced colourfulness colourfulness_ratio "
    "colourfulness_gap colourfulness_shift cf_abs sd_a sd_b cast_a cast_b hue_distance reds browns "
    "skin_blue bleed clipped"
)
CONTEXT = Context(np.linspace(1, 3, 313) / 626)


def photograph(seed: int) -> np.ndarray:
    """Regions of all kinds of colour, red, brown and skin among them: rgb (80,72,3) uint8."""
    random = np.random.default_rng(seed)
    regions = random.uniform((25, -45, -45), (85, 45, 45), (5, 4, 3))
    regions[0, :3] = (50, 55, 30), (60, 8, 18), (65, 15, 20)  # red, brown, skin
    lab = regions.repeat(16, 0).repeat(18, 1)  # (80,72,3)
    lab[..., 0] += random.normal(0, 4, lab.shape[:2])
    return rgb_of(np.clip(lab, (0, -128, -128), (100, 127, 127)))


def rgb_of(lab: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(lab_to_rgb(shrink_lab(lab)), 0, 1)).astype(np.uint8)


def recoloured(rgb: np.ndarray, turn: complex) -> np.ndarray:
    """The picture with (a + ib) times a number: 0.5 is half the chroma, -1 the opposite hues."""
    lab = lab_of(rgb)
    ab = (lab[..., 1] + 1j * lab[..., 2]) * turn
    return rgb_of(np.stack([lab[..., 0], ab.real, ab.imag], -1))


TRUTHS = [photograph(seed) for seed in range(3)]
GREYS = [recoloured(truth, 0) for truth in TRUTHS]


def values_of(shown: list[np.ndarray], truths: list[np.ndarray] = TRUTHS) -> dict[str, float]:
    """Of a set: sum of numerators by sum of weights; NaN where there is no weight."""
    views = [(View(s), View(t)) for s, t in zip(shown, truths, strict=True)]
    numbers = [numbers_of(s, t, CONTEXT) for s, t in views]
    sums = {name: np.sum([n[name] for n in numbers], axis=0) for name in COLUMNS}
    return {name: n / w if w else math.nan for name, (n, w) in sums.items()}


ROWS = {
    "truth": TRUTHS,
    "three quarters": [recoloured(truth, 0.75) for truth in TRUTHS],
    "half": [recoloured(truth, 0.5) for truth in TRUTHS],
    "grey": GREYS,
    "turned": [recoloured(truth, 1j) for truth in TRUTHS],
    "opposite": [recoloured(truth, -1) for truth in TRUTHS],
}
VALUES = {row: values_of(shown) for row, shown in ROWS.items()}


def test_the_columns() -> None:
    assert list(COLUMNS) == NAMES.split()
    heads = [column.head for column in COLUMNS.values()]
    assert len(set(heads)) == len(heads)
    assert max(map(len, heads)) <= 16
    for column in COLUMNS.values():
        assert column.best in ("high", "low", "truth") or isinstance(column.best, float)
        assert column.meaning[0] in "|1" or column.meaning[0].isupper()
        assert column.meaning.endswith(".")
        assert not re.search(r"\. [A-Z]", column.meaning)  # one sentence
    shown = numbers_of(View(GREYS[0]), View(TRUTHS[0]), CONTEXT)
    assert list(shown) == list(COLUMNS)
    assert all(type(part) is float for terms in shown.values() for part in terms)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_truth_is_best_in_each_column(name: str) -> None:
    best, own = COLUMNS[name].best, VALUES["truth"][name]
    others = [values[name] for row, values in VALUES.items() if row != "truth"]
    if best == "high":
        assert own == max(own, *others) > min(others)
        assert own == {"auc": 100, "auc_rebalanced": 100, "ssim": 1, "reds": 1}.get(name, math.inf)
    elif best == "low":
        if name == "clipped":  # the only one that a truth may lose
            assert 0 <= VALUES["grey"][name] < own < VALUES["opposite"][name]
        else:
            assert own == 0
            assert all(value >= 0 for value in others)
            assert max(others) > 0
    elif best == "truth":
        assert own > 0.5 or name == "bleed"
        assert any(value != own for value in others)
    else:
        assert own == best
        assert any(abs(value - best) > 0.01 for value in others)


def test_each_function_in_its_column() -> None:
    shown, truth = View(ROWS["turned"][0]), View(recoloured(TRUTHS[0], 0.8))
    numbers = numbers_of(shown, truth, CONTEXT)
    ab = {"shown": shown.ab, "truth": truth.ab}
    assert numbers["psnr_ab"] == (psnr_ab(**ab), 1)
    assert numbers["ssim"] == (ssim(shown=shown.rgb, truth=truth.rgb), 1)
    assert numbers["reds"] == red_terms(**ab)
    assert numbers["skin_blue"] == skin_blue_terms(shown=shown.lab, truth=truth.lab)
    assert numbers["browns"] == (brown_share(shown.ab), brown_share(truth.ab))
    assert numbers["cf_abs"] == (colourfulness_absolute(shown.rgb), 1)
    assert numbers["clipped"] == (clipped_share(shown.rgb), 1)
    ab["shown"] = View(ROWS["half"][0]).ab
    bleed = bleed_terms(**ab)
    assert numbers_of(View(ROWS["half"][0]), truth, CONTEXT)["bleed"] == bleed
    assert bleed[1] > 0


@pytest.mark.parametrize("name", ["ciede2000", "auc", "auc_rebalanced", "psnr", "psnr_ab", "ssim"])
def test_less_colour_and_wrong_colour_are_worse(name: str) -> None:
    rows = ["truth", "three quarters", "half", "grey", "opposite"]
    values = [VALUES[row][name] for row in rows]
    assert values == sorted(values, reverse=COLUMNS[name].best == "high")


def test_what_grey_has() -> None:
    grey = VALUES["grey"]
    for name in ("colourfulness", "colourfulness_ratio", "cf_abs", "sd_a", "sd_b"):
        assert grey[name] == pytest.approx(0, abs=1e-9)
    for name in ("reds", "browns", "skin_blue", "clipped"):
        assert grey[name] == 0
    assert grey["hue_distance"] == 1
    assert math.isnan(grey["bleed"])  # nothing to place
    shift = np.mean([-colourfulness(truth) for truth in TRUTHS])
    assert grey["colourfulness_shift"] == pytest.approx(shift)
    assert grey["cast_a"] == pytest.approx(np.mean([-lab_of(t)[..., 1].mean() for t in TRUTHS]))
    assert grey["cast_b"] == pytest.approx(np.mean([-lab_of(t)[..., 2].mean() for t in TRUTHS]))


def test_half_the_chroma() -> None:
    half = VALUES["half"]
    for name in ("colourfulness_ratio", "sd_a", "sd_b"):
        assert half[name] == pytest.approx(0.5, abs=0.06)
    assert half["bleed"] == pytest.approx(VALUES["truth"]["bleed"], abs=0.02)
    assert half["hue_distance"] < 0.1 < VALUES["turned"]["hue_distance"]
    assert half["reds"] > VALUES["turned"]["reds"]


def test_blue_skin_is_seen() -> None:
    """Opposite hues make skin blue."""
    assert VALUES["opposite"]["skin_blue"] > 0.9
    assert VALUES["half"]["skin_blue"] == 0


def test_auc_of_a_set_is_over_its_pixels() -> None:
    """The mean of the pictures' values is another number: they weigh by rare colours."""
    shown, truth = (
        np.concatenate([lab_of(p)[..., 1:] for p in ROWS[r]]) for r in ("half", "truth")
    )
    for name, weight in (("auc", None), ("auc_rebalanced", rarity(truth, CONTEXT.prior))):
        total, weights = auc_terms(shown=shown, truth=truth, weight=weight)
        assert VALUES["half"][name] == pytest.approx(100 * total / weights)
    pairs = zip(ROWS["half"], TRUTHS, strict=True)
    single = [values_of([s], [t])["auc_rebalanced"] for s, t in pairs]
    assert np.mean(single) != pytest.approx(VALUES["half"]["auc_rebalanced"], abs=1e-3)


def test_shares_are_sums_by_sums() -> None:
    shown = [recoloured(TRUTHS[0], 0.2), recoloured(TRUTHS[1], 0.9)]
    values = values_of(shown, TRUTHS[:2])
    of_shown, of_truth = ([colourfulness(p) for p in pictures] for pictures in (shown, TRUTHS[:2]))
    assert values["colourfulness_ratio"] == pytest.approx(sum(of_shown) / sum(of_truth))
    for channel, name in ((1, "sd_a"), (2, "sd_b")):
        sd = [[lab_of(p)[..., channel].std() for p in of] for of in (shown, TRUTHS[:2])]
        assert values[name] == pytest.approx(sum(sd[0]) / sum(sd[1]))


def test_too_pale_and_too_vivid_cancel_in_the_shift_alone() -> None:
    """The difference of two sets' means is no error per picture: published tables mix the two."""
    pale, vivid = photograph(0), photograph(1)
    truths = [vivid, pale]
    values = values_of([pale, vivid], truths)
    gap = abs(colourfulness(pale) - colourfulness(vivid))
    assert gap > 1
    assert values["colourfulness_shift"] == pytest.approx(0, abs=1e-12)
    assert values["colourfulness_gap"] == pytest.approx(gap)


def test_one_perfect_picture_makes_the_set_s_psnr_infinite() -> None:
    values = values_of([TRUTHS[0], *GREYS[1:]])
    assert values["psnr"] == values["psnr_ab"] == math.inf
    assert math.isfinite(values["ssim"] + values["ciede2000"])


def test_a_nearly_grey_truth_hardly_counts_in_the_hue_distance() -> None:
    """Its hues are rounding; a truth without colour does not count at all."""
    pale = recoloured(TRUTHS[1], 0.1)
    turned, true = [TRUTHS[0], recoloured(pale, -1)], [TRUTHS[0], pale]
    assert values_of(turned[1:], true[1:])["hue_distance"] > 0.5
    assert values_of(turned, true)["hue_distance"] < 0.05
    (numerator, weight) = numbers_of(View(TRUTHS[0]), View(GREYS[0]), CONTEXT)["hue_distance"]
    assert (numerator, weight) == (0, 0)


def test_a_truth_without_colour_has_a_number_or_no_weight_in_each_column() -> None:
    numbers = numbers_of(View(TRUTHS[0]), View(GREYS[0]), CONTEXT)
    assert not any(math.isnan(part) for terms in numbers.values() for part in terms)
    assert numbers["reds"] == numbers["bleed"] == numbers["skin_blue"] == (0, 0)


def test_the_prior_counts_in_one_column() -> None:
    other = Context(CONTEXT.prior[::-1].copy())
    shown, truth = View(ROWS["half"][0]), View(TRUTHS[0])
    first, second = (numbers_of(shown, truth, context) for context in (CONTEXT, other))
    assert [name for name in COLUMNS if first[name] != second[name]] == ["auc_rebalanced"]


@pytest.mark.parametrize("prior", [np.ones(10), np.zeros(313), np.full((313, 1), 0.1)])
def test_what_is_no_prior(prior: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected 313 shares above 0"):
        Context(prior)


def test_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="is judged against"):
        numbers_of(View(TRUTHS[0][:-1]), View(TRUTHS[0]), CONTEXT)


def test_one_colour_all_over_has_no_spread() -> None:
    """Its mean is rounded; a share of what that leaves would be any number."""
    flat = [np.full((32, 40, 3), colour, np.uint8) for colour in ((180, 60, 61), (33, 150, 77))]
    for shown in (flat, [TRUTHS[0][:32, :40]] * 2):
        found = values_of(shown, flat)
        assert math.isnan(found["sd_a"]) and math.isnan(found["sd_b"])
    assert values_of(flat[:1], [TRUTHS[0][:32, :40]])["sd_a"] == 0
