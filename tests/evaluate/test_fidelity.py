"""evaluate/fidelity.py against values worked by hand, scikit-image and torchmetrics."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from kolorit.colour.bins import BINS, nearest_bin
from kolorit.evaluate.fidelity import auc_terms, mean_difference, psnr, psnr_ab, rarity, ssim
from kolorit.evaluate.view import lab_of
from kolorit.picture.rgb import decode_rgb, resize_rgb
from kolorit.runtime.card import read_card
from kolorit.runtime.store import find_model

RNG = np.random.default_rng(0)
ONE, TWO = RNG.integers(0, 256, (2, 24, 31, 3), dtype=np.uint8)
NEAR = np.clip(ONE + RNG.normal(0, 20, ONE.shape), 0, 255).astype(np.uint8)
BLACK, WHITE = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)


# PSNR


@pytest.mark.parametrize("shown", [TWO, NEAR])
def test_psnr_is_that_of_scikit_image_and_torchmetrics(shown: np.ndarray) -> None:
    value = psnr(shown=shown, truth=ONE)
    assert value == pytest.approx(peak_signal_noise_ratio(ONE, shown), abs=1e-12)
    image = pytest.importorskip("torchmetrics.functional.image")
    theirs = image.peak_signal_noise_ratio(*_tensors(shown, ONE), data_range=255.0)
    assert value == pytest.approx(float(theirs), abs=1e-6)  # float32


def test_psnr_does_not_wrap() -> None:
    assert psnr(shown=BLACK, truth=WHITE) == 0
    assert psnr(shown=ONE, truth=ONE) == math.inf
    wrapped = 10 * np.log10(255**2 / np.mean((ONE - TWO) ** 2))  # of bytes: the common mistake
    assert wrapped > psnr(shown=ONE, truth=TWO) + 3


def test_psnr_of_a_few_is_no_psnr_of_all() -> None:
    """A set's value is the mean of these; torchmetrics takes that of the mean error of a batch."""
    image = pytest.importorskip("torchmetrics.functional.image")
    shown, truth = _tensors(np.stack([TWO, NEAR]), np.stack([ONE, ONE]))
    batch = float(image.peak_signal_noise_ratio(shown, truth, data_range=255.0))
    mean = (psnr(shown=TWO, truth=ONE) + psnr(shown=NEAR, truth=ONE)) / 2
    assert mean > batch + 3


def test_psnr_of_ab() -> None:
    truth = RNG.uniform(-60, 60, (9, 8, 2))
    assert psnr_ab(shown=truth + np.array([3, -4]), truth=truth) == pytest.approx(
        10 * math.log10(255**2 / 12.5)
    )
    assert psnr_ab(shown=truth, truth=truth) == math.inf
    other = truth[::-1].copy()
    theirs = peak_signal_noise_ratio(truth, other, data_range=255)
    assert psnr_ab(shown=other, truth=truth) == pytest.approx(theirs)


# SSIM


@pytest.mark.parametrize("size", [(24, 31), (11, 11), (11, 40), (37, 12)])
@pytest.mark.parametrize("noise", [2, 60])
def test_ssim_is_that_of_scikit_image(size: tuple[int, int], noise: float) -> None:
    rows, columns = np.mgrid[: size[0], : size[1]]
    smooth = np.stack([rows * 6, columns * 5, 255 - rows * columns / 6], -1)
    truth, shown = (
        np.clip(smooth + np.random.default_rng(k).normal(0, noise, smooth.shape), 0, 255).astype(
            np.uint8
        )
        for k in (1, 2)
    )
    theirs = structural_similarity(truth, shown, **WANG)
    assert ssim(shown=shown, truth=truth) == pytest.approx(float(theirs), abs=1e-12)


WANG = {
    "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False,
    "data_range": 255, "channel_axis": 2,
}  # fmt: skip


@pytest.mark.parametrize("shown", [TWO, NEAR])
def test_ssim_is_that_of_torchmetrics_without_its_border(shown: np.ndarray) -> None:
    image = pytest.importorskip("torchmetrics.functional.image")
    with_border, full = image.structural_similarity_index_measure(
        *_tensors(shown, ONE), data_range=255.0, return_full_image=True
    )
    value = ssim(shown=shown, truth=ONE)
    assert value == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), abs=1e-9)
    assert value == pytest.approx(float(with_border), abs=0.05)
    assert value != pytest.approx(float(with_border), abs=1e-4)


def test_ssim_of_constants() -> None:
    fifth, three_fifths = np.full_like(BLACK, 51), np.full_like(BLACK, 153)
    golden = (0.24 + 1e-4) / (0.40 + 1e-4)
    assert golden == pytest.approx(0.600100, abs=1e-6)
    assert ssim(shown=fifth, truth=three_fifths) == pytest.approx(golden, abs=1e-12)
    assert ssim(shown=BLACK, truth=WHITE) == pytest.approx(1e-4 / 1.0001, rel=1e-9)


@pytest.mark.parametrize("picture", [ONE, NEAR, BLACK, WHITE])
def test_ssim_of_equal_pictures_is_1_to_the_last_bit(picture: np.ndarray) -> None:
    assert ssim(shown=picture, truth=picture.copy()) == 1


def test_ssim_is_symmetric_and_negative_for_opposite_textures() -> None:
    assert ssim(shown=ONE, truth=255 - ONE) < -0.5
    assert ssim(shown=ONE, truth=TWO) == pytest.approx(ssim(shown=TWO, truth=ONE), abs=1e-15)


@pytest.mark.parametrize(
    "change",
    [
        {"data_range": 225},
        {"use_sample_covariance": True},
        {"gaussian_weights": False},
        {"sigma": 1.0},
    ],
)
def test_other_ssims_would_fail(change: dict[str, object]) -> None:
    theirs = structural_similarity(ONE, NEAR, **{**WANG, **change})
    assert ssim(shown=NEAR, truth=ONE) != pytest.approx(float(theirs), abs=1e-7)


def test_too_small_for_a_window() -> None:
    with pytest.raises(ValueError, match="SSIM needs 11 pixels a side"):
        ssim(shown=ONE[:10], truth=TWO[:10])


# CIEDE2000


def test_difference_is_that_of_scikit_image() -> None:
    shown, truth = lab_of(ONE), lab_of(TWO)
    expected = deltaE_ciede2000(truth, shown).mean()
    assert mean_difference(shown=shown, truth=truth) == pytest.approx(expected, abs=1e-9)
    assert mean_difference(shown=shown, truth=shown) == 0


def test_difference_of_published_pairs() -> None:
    """Five of Sharma, Wu, Dalal 2005, table 1, as one row of pixels; all 34 in tests/colour."""
    pairs = np.array(
        [
            [50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425],
            [50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792],
            [50, 2.5, 0, 73, 25, -18, 27.1492],
            [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
            [2.0776, 0.0795, -1.135, 0.9033, -0.0636, -0.5514, 0.9082],
        ]
    )
    value = mean_difference(shown=pairs[None, :, :3], truth=pairs[None, :, 3:6])
    assert value == pytest.approx(pairs[:, 6].mean(), abs=1e-4)


# AuC


def test_auc_is_the_area_under_the_curve() -> None:
    shown, truth = RNG.uniform(-60, 60, (2, 20, 20, 2))
    distance = np.linalg.norm(shown - truth, axis=-1)
    thresholds = np.linspace(0, 150, 150_001)
    curve = np.searchsorted(np.sort(distance.ravel()), thresholds, side="right") / distance.size
    total, weight = auc_terms(shown=shown, truth=truth)
    assert total / weight == pytest.approx(np.trapezoid(curve, thresholds) / 150, abs=1e-4)
    assert auc_terms(shown=truth, truth=truth)[0] == weight


@pytest.mark.parametrize("error", [0.5, 30.4, 149.5])
def test_auc_by_151_thresholds_is_near(error: float) -> None:
    """An error e by 0, 1, ..., 150 gives (151 - ceil(e)) / 151, by trapezoids a bit less."""
    truth = np.zeros((3, 3, 2))
    total, weight = auc_terms(shown=truth + np.array([error, 0]), truth=truth)
    assert total / weight == pytest.approx(1 - error / 150)
    within = (np.arange(151) >= error).astype(float)
    sums, trapezoids = within.mean(), np.trapezoid(within) / 150
    assert sums == pytest.approx((151 - math.ceil(error)) / 151)
    assert trapezoids == pytest.approx((150.5 - math.ceil(error)) / 150)
    assert total / weight == pytest.approx(sums, abs=1 / 150)
    assert total / weight == pytest.approx(trapezoids, abs=1 / 150)


def test_auc_is_not_negative_beyond_150() -> None:
    truth = np.zeros((1, 2, 2))
    assert auc_terms(shown=truth + np.array([180, 0]), truth=truth) == (0, 2)


def test_grey_s_auc_is_one_minus_mean_chroma_over_150() -> None:
    truth = RNG.uniform(-60, 60, (20, 20, 2))
    total, weight = auc_terms(shown=np.zeros_like(truth), truth=truth)
    assert total / weight == pytest.approx(1 - np.hypot(*truth.reshape(-1, 2).T).mean() / 150)


def test_rebalanced_weighs_by_the_true_colour_s_rarity() -> None:
    prior = np.full(313, 1 / 313)
    rare = int(nearest_bin(np.array([60.0, 40.0])))
    prior[rare] = 1e-4
    truth = np.zeros((1, 2, 2))
    truth[0, 1] = BINS[rare]
    total, weight = auc_terms(shown=np.zeros_like(truth), truth=truth, weight=rarity(truth, prior))
    w = np.array([313, 1e4])
    scores = np.array([1, 1 - np.hypot(60, 40) / 150])
    assert total == pytest.approx((w * scores).sum())
    assert weight == pytest.approx(w.sum())


NUMBERED = 1.0 / np.arange(1, 314)  # 1 / prior is the bin's number + 1


@given(st.lists(st.tuples(*[st.floats(-300, 300)] * 2), min_size=1, max_size=20))
def test_rarity_is_that_of_the_nearest_bin(colours: list[tuple[float, float]]) -> None:
    truth = np.array([colours])
    expected = (truth[..., None, :] - BINS.astype(float)) ** 2  # (1,N,313,2), the slow way
    found = np.rint(rarity(truth, NUMBERED)).astype(int) - 1
    distance = np.sqrt(expected.sum(-1))
    np.testing.assert_allclose(
        np.take_along_axis(distance, found[..., None], -1)[..., 0], distance.min(-1), rtol=1e-12
    )


def test_rarity_of_ties_is_that_of_nearest_bin() -> None:
    half_way = np.arange(-125.0, 126.0, 5)
    truth = np.stack(np.meshgrid(half_way, half_way), -1)
    np.testing.assert_allclose(rarity(truth, NUMBERED), nearest_bin(truth) + 1)


@pytest.mark.parametrize("prior", [np.ones(312), np.zeros(313), np.full(313, np.nan)])
def test_what_is_no_prior(prior: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected 313 shares above 0"):
        rarity(np.zeros((2, 2, 2)), prior)


def test_grey_has_about_the_published_numbers(data_folder: Path) -> None:
    """Of grey, on ImageNet: AuC 89.1 and rebalanced 58.0 (Zhang et al. 2016, table 1), PSNR 22.8
    (Zhang et al. 2017). Here other photographs and another prior."""
    files = sorted((data_folder / "eval" / "coco-sample").glob("*.jpg"))
    assert len(files) > 100
    prior = read_card(find_model("default").with_suffix(".toml")).prior
    sums, scores = np.zeros(4), []
    for path in files:
        truth = resize_rgb(decode_rgb(path, least=96), (96, 96))
        grey = np.repeat(np.rint(truth @ [0.299, 0.587, 0.114]).astype(np.uint8)[..., None], 3, -1)
        scores.append(psnr(shown=grey, truth=truth))
        ab = lab_of(truth)[..., 1:]
        for k, weight in enumerate((None, rarity(ab, prior))):
            sums[2 * k : 2 * k + 2] += auc_terms(shown=np.zeros_like(ab), truth=ab, weight=weight)
    assert 100 * sums[0] / sums[1] == pytest.approx(89.1, abs=2)
    assert 100 * sums[2] / sums[3] == pytest.approx(58.0, abs=7)
    assert np.mean(scores) == pytest.approx(22.8, abs=1.5)


# What is refused


@pytest.mark.parametrize("metric", [psnr, ssim, mean_difference, psnr_ab, auc_terms])
def test_no_metric_stretches_a_picture(metric: Callable[..., object]) -> None:
    picture: np.ndarray = ONE if metric in (psnr, ssim) else lab_of(ONE)
    picture = picture[..., 1:] if metric in (psnr_ab, auc_terms) else picture
    metric(shown=picture, truth=picture)
    with pytest.raises(ValueError, match="is judged against"):
        metric(shown=picture[:1], truth=picture)
    with pytest.raises(ValueError, match="expected a picture"):
        metric(shown=picture[..., :1], truth=picture)
    wrong = picture / 255.0 if metric in (psnr, ssim) else picture.astype(np.int64)
    with pytest.raises(ValueError, match=r"expected \w+ values"):
        metric(shown=wrong, truth=wrong)


def test_weights_of_another_shape_are_refused() -> None:
    ab = np.zeros((3, 4, 2))
    with pytest.raises(ValueError, match="weights"):
        auc_terms(shown=ab, truth=ab, weight=np.ones(4))


def _tensors(*pictures: np.ndarray) -> list[object]:
    """(H,W,3) or (N,H,W,3) uint8 as (N,3,H,W) float64."""
    torch = pytest.importorskip("torch")
    channels_first = (np.moveaxis(p.astype(float), -1, -3) for p in pictures)
    return [torch.from_numpy(p.reshape(-1, *p.shape[-3:])) for p in channels_first]
