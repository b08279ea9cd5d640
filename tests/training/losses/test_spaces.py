"""losses/spaces.py: each wrong space is refused by every loss that would not notice it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.colour import lab_to_rgb
from kolorit.training.data import Batch
from kolorit.training.losses import LOSSES
from kolorit.training.losses.spaces import read_ab, read_lab, read_logits, read_rgb

BatchOf = Callable[..., Batch]
ANY_SPACE = ("l1", "l2", "smooth_l1", "total_variation")
OF_FILES = ("perceptual",)  # has tests of its own
OPTIONS = {"rebalanced": {"prior": torch.full((313,), 1 / 313)}}
NAMES = [name for name in LOSSES if name not in OF_FILES]


def loss(name: str) -> Callable[..., Tensor]:
    return partial(LOSSES[name], **OPTIONS.get(name, {}))


def answer(batch: Batch, requires_grad: bool = False) -> dict[str, Tensor]:
    """What a network might give: about the truth, and logits at half the size."""
    torch.manual_seed(0)
    B, _, h, w = batch.ab.shape
    ab = batch.ab + torch.randn_like(batch.ab)
    logits = torch.randn(B, 313, h // 2, w // 2, dtype=ab.dtype)
    return {"ab": ab.requires_grad_(requires_grad), "logits": logits.requires_grad_(requires_grad)}


@pytest.mark.parametrize("name", NAMES)
def test_a_right_batch_passes(name: str, colours: Callable[..., Batch]) -> None:
    for dtype in (torch.float64, torch.float32):
        batch = colours(dtype=dtype)
        out = answer(batch, requires_grad=True)
        value = loss(name)(out, batch)
        assert value.shape == () and value.dtype == dtype and value.isfinite()
        value.backward()
        read = out["logits" if name in ("classification", "rebalanced") else "ab"]
        assert read.grad is not None and read.grad.isfinite().all() and read.grad.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_prediction_may_overshoot_or_be_of_half_precision(
    name: str, colours: Callable[..., Batch]
) -> None:
    batch = colours(dtype=torch.float32)
    out = {key: 1e3 * value for key, value in answer(batch).items()}
    for value in out.values():
        value.requires_grad_()
    value = loss(name)(out, batch)
    assert value.isfinite()
    value.backward()
    assert all(x.grad is None or x.grad.isfinite().all() for x in out.values())
    half = {key: x.bfloat16() for key, x in answer(batch).items()}
    assert loss(name)(half, batch).dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_goes_through(name: str, colours: Callable[..., Batch]) -> None:
    batch = colours()
    out = {key: value * float("nan") for key, value in answer(batch).items()}
    assert loss(name)(out, batch).isnan()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("spoil", "caught"),
    [
        (lambda b: replace(b, ab=b.ab / 110), "normalised"),
        (lambda b: replace(b, ab=b.ab / 128), "normalised"),
        (lambda b: replace(b, ab=b.ab + 128), "within 110"),  # 8-bit Lab
        (lambda b: replace(b, ab=b.ab * float("nan")), "within 110"),
        (lambda b: replace(b, ab=b.ab[:, :1]), r"\(B,2,h,w\)"),
        (lambda b: replace(b, ab=b.ab.long()), "floats"),
        (lambda b: replace(b, ab=b.ab[:0]), "floats"),
    ],
)
def test_truths_of_another_space_are_refused(
    name: str, spoil: Callable[[Batch], Batch], caught: str, colours: Callable[..., Batch]
) -> None:
    wrong = spoil(colours())
    out = {"ab": wrong.ab, "logits": torch.zeros(len(wrong.ab), 313, 6, 6, dtype=torch.float64)}
    with pytest.raises(ConfigInvalid, match=caught):
        loss(name)(out, wrong)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ANY_SPACE])
def test_losses_through_rgb_or_bins_refuse_what_is_not_lab(
    name: str, colours: Callable[..., Batch]
) -> None:
    batch = replace(colours(), reach=182.0)
    with pytest.raises(ConfigInvalid, match="this batch is not true Lab"):
        loss(name)(answer(batch), batch)


@pytest.mark.parametrize("name", ANY_SPACE)
def test_losses_on_ab_take_any_reach(name: str, colours: Callable[..., Batch]) -> None:
    batch = colours()
    wide = replace(batch, ab=1.6 * batch.ab)
    with pytest.raises(ConfigInvalid, match="within 110"):
        loss(name)(answer(wide), wide)
    wide = replace(wide, reach=182.0)
    assert loss(name)(answer(wide), wide).isfinite()
    with pytest.raises(ConfigInvalid, match="within 182"):
        loss(name)(answer(wide), replace(wide, ab=3 * wide.ab))


@pytest.mark.parametrize("name", ["ssim", "gamut", "colourfulness"])
@pytest.mark.parametrize(
    ("spoil", "caught"),
    [
        (lambda L: (L - 50) / 50, "0..100"),
        (lambda L: L * 2.55, "0..100"),  # 8-bit Lab
        (lambda L: L / 100, "normalised"),
        (lambda L: L[:, :, :-1], "same pictures"),
    ],
)
def test_lightness_of_another_space_is_refused(
    name: str, spoil: Callable[[Tensor], Tensor], caught: str, colours: Callable[..., Batch]
) -> None:
    batch = colours()
    wrong = replace(batch, L=spoil(batch.L))
    with pytest.raises(ConfigInvalid) as refusal:
        loss(name)(answer(batch), wrong)
    assert caught in refusal.value.cause + refusal.value.remedy


@pytest.mark.parametrize("name", NAMES)
def test_missing_outputs_and_other_sizes_are_refused(
    name: str, colours: Callable[..., Batch]
) -> None:
    batch = colours()
    with pytest.raises(ConfigInvalid, match="needs the output"):
        loss(name)({}, batch)
    out = answer(batch)
    out = {"ab": out["ab"][..., :-2], "logits": out["logits"][..., :-1]}
    with pytest.raises(ConfigInvalid, match=r"the truth is|tile"):
        loss(name)(out, batch)


def test_grey_batches_and_single_dull_pictures_pass(batch_of: BatchOf) -> None:
    grey = torch.zeros(4, 2, 8, 8)
    read_ab({"ab": grey}, batch_of(grey))
    read_lab({"ab": grey}, batch_of(grey, torch.zeros(4, 1, 8, 8)))
    dull = torch.rand(1, 2, 8, 8)
    read_ab({"ab": dull}, batch_of(dull))


def test_truths_a_rounding_outside_pass(batch_of: BatchOf) -> None:
    ab = torch.full((1, 2, 4, 4), 110.05)
    read_ab({"ab": ab}, batch_of(ab))
    read_lab({"ab": ab}, batch_of(ab, torch.full((1, 1, 4, 4), 100.01)))


def test_what_is_read(colours: Callable[..., Batch]) -> None:
    batch = colours()
    out = answer(batch, requires_grad=True)
    shown, truth = read_rgb(out, batch)
    torch.testing.assert_close(truth, lab_to_rgb(batch.L, batch.ab))
    torch.testing.assert_close(shown, lab_to_rgb(batch.L, out["ab"]))
    assert shown.requires_grad and not truth.requires_grad
    logits, cells = read_logits(out, batch)
    assert logits is out["logits"]
    torch.testing.assert_close(cells[1, :, 2, 3], batch.ab[1, :, 4:6, 6:8].mean((1, 2)))


def test_the_remedy_is_said(colours: Callable[..., Batch]) -> None:
    batch = colours()
    for wrong in (replace(batch, ab=batch.ab / 110), replace(batch, ab=batch.ab + 128)):
        with pytest.raises(ConfigInvalid) as refusal:
            read_ab({"ab": batch.ab}, wrong)
        assert "Lab units" in refusal.value.remedy
