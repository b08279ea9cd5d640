"""What a loss takes: the checks that all of them share, and the tensors that they read.

Each check says what was wanted, what came, and the remedy. A truth outside its space is refused. A
prediction may be any number, since an early network overshoots; a NaN in it goes through to the
loss, where the loop stops.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid
from kolorit.training.colour import lab_to_rgb
from kolorit.training.data import Batch

TRUE_LAB = 110.0  # the reach of a batch that is Lab
_ROUNDING = 0.1  # Lab units; the tables of the data are off by half of that


def read_ab(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
    """Predicted and true ab (B,2,h,w) in ab units; the truth within the batch's reach.

    Raises ConfigInvalid for another shape or space; see `check_truth`.
    """
    shown = _output(out, "ab")
    if shown.shape != batch.ab.shape:
        raise ConfigInvalid(
            f"the network gives ab {tuple(shown.shape)}, the truth is {tuple(batch.ab.shape)}",
            remedy="A network answers at the size of its input.",
        )
    check_truth(batch)
    return shown, batch.ab


def read_lab(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """L (B,1,h,w) 0..100, predicted and true ab (B,2,h,w), all true Lab.

    Raises ConfigInvalid for another shape or space, and for a batch that is not true Lab.
    """
    check_true_lab(batch)
    shown, truth = read_ab(out, batch)
    L = batch.L
    if L.shape != (len(truth), 1, *truth.shape[2:]):
        raise ConfigInvalid(
            f"L is {tuple(L.shape)}, but ab is {tuple(truth.shape)}",
            remedy="Give L (B,1,h,w) of the same pictures.",
        )
    low, high = _span(L)
    if not (low >= -_ROUNDING and high <= 100 + _ROUNDING):
        raise ConfigInvalid(
            f"L must lie in 0..100; it spans {low:g} to {high:g}",
            remedy="Undo its scaling; the L of 8-bit libraries is 255/100 too large.",
        )
    if _normalised(L, low, high):
        raise ConfigInvalid(
            f"L spans {low:g} to {high:g}, which looks normalised",
            remedy="Give L in 0..100; networks scale inside.",
        )
    return L, shown, truth


def read_rgb(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
    """Predicted and true pictures (B,3,h,w), sRGB-encoded with the batch's L, unclipped.

    The truth too may leave [0, 1] where L is that of a grey file and not of its colours. It
    carries no gradient. Raises ConfigInvalid as `read_lab`.
    """
    L, shown, truth = read_lab(out, batch)
    with torch.no_grad():
        picture = lab_to_rgb(L, truth)
    return lab_to_rgb(L, shown), picture


def read_logits(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits (B,Q,h/s,w/s), and the true ab averaged to their cells (B,2,h/s,w/s).

    Raises ConfigInvalid for a network without bins, for logits that do not tile ab, and for a
    batch that is not true Lab, since the bins are.
    """
    check_true_lab(batch)
    check_truth(batch)
    logits, ab = _output(out, "logits"), batch.ab
    stride = ab.shape[-1] // max(1, logits.shape[-1])
    tiles = (len(ab), len(BINS), *(n * stride for n in logits.shape[2:]))
    if logits.ndim != 4 or tiles != (len(logits), logits.shape[1], *ab.shape[2:]):
        raise ConfigInvalid(
            f"logits {tuple(logits.shape)} do not tile ab {tuple(ab.shape)}",
            remedy=f"Give logits (B,{len(BINS)},h/s,w/s) with one whole stride s.",
        )
    return logits, F.avg_pool2d(ab, stride) if stride > 1 else ab


def check_true_lab(batch: Batch) -> None:
    """Raises ConfigInvalid for a batch whose ab are of another space than Lab."""
    if batch.reach != TRUE_LAB:
        raise ConfigInvalid(
            f"this batch is not true Lab: its reach is {batch.reach:g}, not {TRUE_LAB:g}",
            remedy='Use l1, l2 or smooth_l1 with lab = "as-run", or true Lab with this loss.',
        )


def check_truth(batch: Batch) -> None:
    """Raises ConfigInvalid unless the true ab are floats (B,2,h,w) within the batch's reach.

    Also refused: more than one picture and no |a| or |b| above 1, unless all are 0. That is ab
    divided by 110 or 128 far rather than a batch of pictures that are all nearly grey.
    """
    ab, reach = batch.ab, batch.reach
    if ab.ndim != 4 or ab.shape[1] != 2 or not ab.is_floating_point() or not ab.numel():
        raise ConfigInvalid(
            f"the true ab must be floats (B,2,h,w), not {ab.dtype} {tuple(ab.shape)}",
            remedy="Give a, b in Lab units, channels second.",
        )
    low, high = _span(ab)
    if not (low >= -reach - _ROUNDING and high <= reach + _ROUNDING):  # also refuses NaN
        raise ConfigInvalid(
            f"the true ab must lie within {reach:g} of 0; they span {low:g} to {high:g}",
            remedy="Give a, b in Lab units; take 128 off the ab of 8-bit libraries.",
        )
    if _normalised(ab, low, high):
        raise ConfigInvalid(
            f"the true ab span {low:g} to {high:g}, which looks normalised",
            remedy="Give a, b in Lab units, about -110 to 110; networks scale inside.",
        )


def _output(out: dict[str, Tensor], name: str) -> Tensor:
    """The network's tensor of that name, in float32 at least."""
    if name not in out:
        raise ConfigInvalid(
            f"this loss needs the output '{name}'; the network gives {', '.join(out) or 'none'}",
            remedy="Choose another loss, or a network that has it.",
        )
    return out[name].float() if out[name].itemsize < 4 else out[name]


def _span(x: Tensor) -> tuple[float, float]:
    """Least and largest number, fetched at once: on a GPU each fetch waits."""
    low, high = torch.stack(x.detach().aminmax()).tolist()
    return low, high


def _normalised(x: Tensor, low: float, high: float) -> bool:
    return len(x) > 1 and 0 < max(-low, high) <= 1
