"""Squares: the confusions of the best pretext, and the pictures that decoders make."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kolorit.evaluate.page import plain
from kolorit.training.representation.figures.style import WIDTH, Drawn, figure_of
from kolorit.training.representation.record import (
    DOMAINS,
    Record,
    best_pretext,
    labels_in_words,
)

_NAMED = 25  # classes whose names still fit beside a heat map


def draw_confusion(
    results: Record, kind: str, confusions: Mapping[str, np.ndarray]
) -> Drawn | None:
    """Of the best arm that was taught a pretext: which class is taken for which."""
    arm = best_pretext(results, kind)
    shares = {}
    for domain, about in results["split"]["domains"].items():
        counts = confusions.get(f"{arm}/{kind}/{domain}")
        if counts is not None:
            inside = np.flatnonzero(counts.sum(1))
            named = counts[np.ix_(inside, inside)] / counts.sum(1)[inside, None]
            shares[domain] = (named, about["classes"])
    if not shares:
        return None
    heights = [0.9 + min(4.6, 0.17 * len(names) + 0.6) for _, names in shares.values()]
    with figure_of(sum(heights), layout="compressed") as (figure, png):
        panels = figure.subplots(len(shares), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (domain, (share, names)) in zip(panels, shares.items(), strict=True):
            image = ax.imshow(100 * share, cmap="Blues", vmin=0, vmax=100 * share.max())
            figure.colorbar(image, ax=ax, label="% of the class's pictures", shrink=0.8)
            fits = len(names) <= _NAMED
            ax.set_yticks(range(len(names)) if fits else [], names if fits else [], fontsize=8)
            ax.set(xticks=[], xlabel="taken for, in the same order", title=DOMAINS[domain])
            if not fits:
                ax.set_ylabel(f"{len(names)} classes, by name")
        content = png()
    mistakes = [f"{DOMAINS[d]}: {_mistakes(*found)}" for d, found in shares.items()]
    note = (
        f"Which class is taken for which by the {kind} probe on '{arm}', with "
        f"{labels_in_words(results, kind)}; the "
        f"diagonal is right. Most often mistaken. {'. '.join(mistakes)}."
    )
    return content, f"Heat maps of the confusions of {arm}", note


def _mistakes(share: np.ndarray, names: list[str], most: int = 4) -> str:
    """The commonest mistakes, in words."""
    wrong = np.where(np.eye(len(names), dtype=bool), 0, share)
    found = []
    for place in np.argsort(-wrong, axis=None, kind="stable")[:most]:
        i, j = divmod(int(place), len(names))
        if wrong[i, j] > 0:
            found.append(f"{names[i]} for {names[j]} ({100 * wrong[i, j]:.0f} %)")
    return ", ".join(found) or "nothing"


def draw_samples(samples: Mapping[str, Mapping[str, np.ndarray]]) -> Drawn | None:
    """A row a picture: grey, what each arm's decoder makes of it, truth."""
    shown = {arm: found for arm, found in samples.items() if found}
    if not shown:
        return None
    first = next(iter(shown.values()))
    columns = {"grey": first["grey"], **{a: f["made"] for a, f in shown.items()}}
    columns["truth"] = first["truth"]
    rows, px = first["grey"].shape[:2]
    gap, wide = max(2, px // 16), len(columns)
    wall = np.full((rows * (px + gap) - gap, wide * (px + gap) - gap, 3), 255, np.uint8)
    for j, pictures in enumerate(columns.values()):
        for i, picture in enumerate(pictures):
            wall[i * (px + gap) :, j * (px + gap) :][:px, :px] = picture
    with figure_of(0.5 + WIDTH * wall.shape[0] / wall.shape[1]) as (figure, png):
        ax = figure.subplots()
        ax.imshow(wall, interpolation="nearest")
        ax.set_axis_off()
        for j, name in enumerate(columns):
            words = plain(name).replace("-", "-\n")
            place = (j * (px + gap) + px / 2, -gap)
            ax.text(*place, words, ha="center", va="bottom", fontsize=min(10.5, 60 / wide))
        content = png()
    note = (
        "Held-out pictures, half of them of classes that no pretext saw: what goes in, what the "
        "decoder of each arm's first seed makes of it, and the truth. An autoencoder makes the "
        "whole picture, the others colours alone."
    )
    return content, f"Pictures in grey, as made by {', '.join(shown)}, and in truth", note
