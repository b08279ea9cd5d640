"""Self-tests that travel with the judge: does it fall for the known mistakes of the field?

Each check plants one mistake, in its own few lines, and holds the judge's number against the wrong
one, or sees that the judge refuses it.

    scenes      made-up photographs            pixels     PSNR, SSIM, what is truth
    finding     what a check says              colours    colourfulness, lightness, gamut
    trial       a set judged from files        files      reading and pairing
    frozen      a pair with stored values      judging    who counts, means, processes
                                               leak       who sees the truth
                                               features   deep features
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kolorit.colour.gamut import chroma_room
from kolorit.colour.lab import lab_to_rgb
from kolorit.colour.luma import rgb_to_ycbcr
from kolorit.errors import ConfigInvalid
from kolorit.evaluate.judge import NO_COLOUR
from kolorit.evaluate.self_test import colours, features, files, frozen, judging, leak, pixels
from kolorit.evaluate.self_test.finding import Finding, Material
from kolorit.evaluate.self_test.scenes import made_up
from kolorit.evaluate.self_test.trial import hold
from kolorit.evaluate.systems import Put
from kolorit.evaluate.view import View
from kolorit.picture.picture import Picture

__all__ = ["Finding", "run"]

_LEAST, _SIDE = 4, 64  # pictures; pixels of the shorter side

OF_PICTURES = (
    pixels.identical,
    pixels.extremes,
    pixels.wrapped,
    pixels.luma_only,
    pixels.cropped,
    pixels.round_trip,
    pixels.ssim_range,
    pixels.swapped,
    pixels.two_sizes,
    pixels.other_range,
    colours.absolute,
    colours.difference_of_means,
    colours.lightness,
    colours.gamut,
)
OF_FILES = (
    files.saturated_truth,
    files.jpeg,
    files.resizing,
    files.proportions,
    files.pairing,
    files.duplicates,
    files.same_picture,
)
OF_TRIAL = (
    judging.floors,
    judging.failures,
    judging.dropped,
    judging.greys_in_one_mean,
    judging.capped,
    judging.mean_of_psnr,
    judging.low_chroma,
    judging.partial_batch,
    judging.best_of_k,
    judging.disjoint_reference,
    judging.processes,
)
OF_JUDGING = (leak.leak, judging.seeds)
OF_FEATURES = (
    features.known_sets,
    features.other_input,
    features.squeezed_twice,
    features.half_range,
)


def keep_luma(picture: Picture, L: np.ndarray, ab: np.ndarray) -> Picture:
    """ab (2,H,W) on a grey picture of that size, at its own luma; into gamut by less chroma.

    The plainest way that keeps grey values; the shipped merge is one too, and may be given to run.
    """
    ycc = rgb_to_ycbcr(lab_to_rgb(np.stack([L, *ab], -1)))  # (H,W,3)
    room = chroma_room(picture.luma / np.float32(255), ycc[..., 1], ycc[..., 2])  # (H,W)
    planes = np.round(255 * room * ycc[..., 1:].transpose(2, 0, 1)) + 128  # (2,H,W)
    return replace(picture, chroma=np.clip(planes, 0, 255).astype(np.uint8))


def run(pictures: Sequence[np.ndarray] | None = None, put: Put = keep_luma) -> list[Finding]:
    """Plant every known mistake; what came of each.

    pictures: truths (H,W,3) uint8 to plant them in, made-up scenes if None; those without colour
    are not used. put: as in `judge.Bench`. Two processes are started for one of the checks, so a
    program that calls this needs its `if __name__ == "__main__"`. Raises ConfigInvalid for less
    than 4 pictures with colour, or a side of less than 64 pixels.
    """
    given = made_up() if pictures is None else list(pictures)
    coloured = [rgb for rgb in given if View(rgb).chroma.mean() >= NO_COLOUR]
    if len(coloured) < _LEAST or min(min(rgb.shape[:2]) for rgb in coloured) < _SIDE:
        raise ConfigInvalid(
            f"these pictures do not do for a self-test: {len(coloured)} have colour",
            remedy=f"Give {_LEAST} photographs with colour, {_SIDE} pixels a side or more, or none "
            "for the built-in ones.",
        )
    material = Material(tuple(coloured), put)
    findings = [frozen.stored_pair(), *(check(material) for check in OF_PICTURES)]
    for check_files in (*OF_FILES, features.other_weights):
        with TemporaryDirectory() as folder:
            findings.append(check_files(material, Path(folder)))
    with TemporaryDirectory() as folder:
        trial = hold(material, Path(folder))
    findings += [check_trial(trial) for check_trial in OF_TRIAL]
    return findings + [check(material) for check in (*OF_JUDGING, *OF_FEATURES)]
