"""Try read-outs of a trained model on the held-out pictures of its own run, to choose its looks.

    python benchmarks/choose_looks.py runs/hinted-small [--sizes 192 256] [--pictures 150]

Prints one line a read-out: what faithful should keep low (CIEDE2000 as a share of grey's) and what
vivid should bring (rebalanced AuC above grey, colourfulness). Nothing here looks at an evaluation
set.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np

from kolorit.colorizer import put_on, shrink
from kolorit.colour.colourfulness import colourfulness
from kolorit.colour.difference import ciede2000
from kolorit.evaluate.fidelity import psnr, rarity
from kolorit.evaluate.view import lab_of
from kolorit.hints import paint
from kolorit.looks import read_out
from kolorit.picture.picture import from_luma, to_rgb
from kolorit.runtime.card import Look
from kolorit.runtime.model import load_model
from kolorit.training.recipe_file import recipe_from_json
from kolorit.training.store import open_recipe_store, split

NAMES = ("ciede", "psnr", "auc", "weight", "colour")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[192, 256])
    parser.add_argument("--pictures", type=int, default=150)
    parser.add_argument("--exponents", type=float, nargs="+", default=[0, 0.25, 0.35, 0.5])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.38, 0.6, 1.0])
    parser.add_argument("--regressions", type=float, nargs="+", default=[0, 0.5, 1])
    parser.add_argument("--doubts", type=float, nargs="+", default=[0])
    parser.add_argument("--gains", type=float, nargs="+", default=[1])
    args = parser.parse_args()
    recipe = recipe_from_json((args.run / "recipe.json").read_text(), args.run / "recipe.json")
    store = open_recipe_store(recipe, args.run)
    _, held = split(store, recipe.validation)
    model = load_model(args.run / "model.onnx")
    looks = [
        Look(e, t, r, doubt=d, gain=g)
        for e, t, r, d, g in itertools.product(
            args.exponents, args.temperatures, args.regressions, args.doubts, args.gains
        )
        if r < 1 or (e, t) == (args.exponents[0], args.temperatures[0])
    ]
    sums: dict[tuple[int, Look | None], np.ndarray] = {}
    for index in held[: args.pictures]:
        truth = np.asarray(store.squares[index])
        lab = lab_of(truth)[::2, ::2]
        weight = rarity(lab[..., 1:], model.card.prior)
        grey = from_luma((truth @ np.float32([0.299, 0.587, 0.114]) + 0.5).astype(np.uint8))
        for size in args.sizes:
            L = shrink(grey, model.card, size)
            prediction = model.predict(L, paint((), *L.shape))
            for look in (None, *looks):
                ab = np.zeros_like(prediction.ab) if look is None else read_out(prediction, look)
                shown = to_rgb(put_on(grey, ab))
                numbers = judge(shown, truth, lab, weight)
                sums[size, look] = sums.get((size, look), 0) + numbers
    for (size, look), total in sums.items():
        mean = dict(zip(NAMES, total / args.pictures, strict=True))
        plain = dict(zip(NAMES, sums[size, None] / args.pictures, strict=True))
        gain = 100 * (mean["auc"] - plain["auc"]) / mean["weight"]
        what = (
            f"e {look.prior_exponent:<4} T {look.temperature:<4} regression {look.regression:<4} "
            f"doubt {look.doubt:<4} gain {look.gain:<4}"
            if look
            else "grey"
        )
        print(
            f"{size} {what:<60} CIEDE2000 x grey {mean['ciede'] / plain['ciede']:.3f}  "
            f"PSNR {mean['psnr'] - plain['psnr']:+.2f}  AuC rebalanced {gain:+.1f}  "
            f"colourfulness {mean['colour']:.2f}"
        )


def judge(shown: np.ndarray, truth: np.ndarray, lab: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """NAMES of one picture; colours at every second pixel each way."""
    seen = lab_of(shown)[::2, ::2]
    score = np.maximum(0, 1 - np.linalg.norm(seen[..., 1:] - lab[..., 1:], axis=-1) / 150)
    return np.array(
        [
            ciede2000(seen, lab).mean(),
            psnr(shown=shown, truth=truth) if (shown != truth).any() else 60.0,
            (weight * score).sum(),
            weight.sum(),
            colourfulness(shown) / colourfulness(truth),
        ]
    )


if __name__ == "__main__":
    main()
