"""The trap of the truth that reaches a system along with the grey picture."""

from __future__ import annotations

import numpy as np

from kolorit.evaluate import judge, systems
from kolorit.evaluate.self_test.finding import CONTEXT, Finding, Material
from kolorit.evaluate.spots import true_spots
from kolorit.evaluate.systems import Coloured
from kolorit.evaluate.view import View
from kolorit.picture.picture import Picture, to_rgb

_SPOTS = 20


def leak(material: Material) -> Finding:
    """Another truth with the same grey values changes no answer."""
    bench = judge.Bench((systems.System("nosy", _use_all),), material.put, CONTEXT)
    changed = []
    for k, truth in enumerate(material.few.truths):
        first, other = (
            judge.answer(bench, str(k), view, (5.0, 5.0))[0] for view in (truth, _grey(truth))
        )
        changed += [_share(first[r].rgb, other[r].rgb) for r in (judge.GREY, judge.TINT, "nosy")]
    truth = material.truths[0]
    right = max(changed)
    wrong = _share(*(_by_spots(material, view) for view in (truth, _grey(truth))))
    return Finding(
        "truth among the input",
        f"{_SPOTS} true colours come with the grey picture, and the truth is exchanged",
        f"{100 * right:.0f} % of the pixels change",
        f"{100 * wrong:.0f} %",
        "none; with the mistake over half",
        right == 0 and wrong > 0.5,
    )


def _grey(truth: View) -> View:
    """Another truth: its own grey values, and no colour."""
    return View(np.repeat(systems.grey_of(truth.rgb).luma[..., None], 3, -1))


def _use_all(_stem: str, grey: Picture) -> Coloured:
    """A system that shows whatever colour it is handed."""
    return Coloured(np.asarray(to_rgb(grey)))


def _by_spots(material: Material, truth: View) -> np.ndarray:
    """rgb (H,W,3) uint8: every pixel takes the true colour of the nearest spot."""
    spots = true_spots(truth.ab, _SPOTS, "0")
    height, width = truth.chroma.shape
    y, x = np.mgrid[:height, :width]
    apart = [np.hypot(y - s.y * height, x - s.x * width) for s in spots]
    ab = np.array([s.ab for s in spots])[np.argmin(apart, axis=0)]  # (H,W,2)
    return systems.paint_on(systems.grey_of(truth.rgb), ab, material.put)


def _share(first: np.ndarray, second: np.ndarray) -> float:
    """Of the pixels that differ."""
    return float((first != second).any(-1).mean())
