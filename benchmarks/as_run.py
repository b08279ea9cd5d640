"""Was the first study's brown, dull, red-less result its loss or its wrong conversion?

    python benchmarks/as_run.py train --arms right as-run --seeds 0 1 2 -o runs/as-run
    python benchmarks/as_run.py score coco-sample kodak24 bsds500-test -o runs/as-run

Two arms, all else equal: the study's network and loss (recipes seed-a-faithful and seed-a-as-run)
with the MobileNetV2 encoder, for as many steps as a small machine has. Each seed of the as-run arm
is read in three ways, which part the mistake:

    right          right Lab in training and at inference
    as-run         the study: wrong Lab in training, luma in at inference, answers taken for ab
    own input      the same network given at inference what it learned from; answers taken for ab
    read back      the same, and its answers converted back by the inverse of the wrong conversion

Writes results/as-run.json and .md, and docs/pictures/as-run.jpg.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from kolorit.colorizer import shrink
from kolorit.colour.lab import lightness_to_grey, rgb_to_lab
from kolorit.evaluate.colours import brown_share, colourfulness_ratio, red_terms
from kolorit.evaluate.fidelity import mean_difference, psnr
from kolorit.evaluate.provenance import provenance
from kolorit.evaluate.sets import find_set, read_truth
from kolorit.evaluate.systems import grey_of
from kolorit.evaluate.view import lab_of
from kolorit.merge import merge
from kolorit.picture.picture import Picture, to_rgb
from kolorit.picture.rgb import encode_rgb
from kolorit.runtime.model import load_model
from kolorit.training.as_run import as_run_input, as_run_lab, as_run_to_rgb
from kolorit.training.export import load_trained
from kolorit.training.loop import train
from kolorit.training.recipe_file import load_recipe

RECIPES = {"right": "seed-a-faithful", "as-run": "seed-a-as-run"}
SMALL = (
    'net_config={encoder="mobilenetv2_100", widths=[256,128,64,32], frozen_norms=true}',
    "weights=mobilenet_v2_imagenet_fp16.safetensors",
    "sources=[\"photos-192\"]", "store_px=192", "crops=[128]", "rotate=0.0",
    "steps=1500", "batch=16", "optimiser=adamw", "optimiser_options={}", "lr=1e-3",
    "encoder_lr=2e-4", "schedule=cosine", "warmup=50", "ema=0.99", "precision=bf16-mixed",
    "validation=0.02", "validation_pictures=128", "validate_every=500", "save_every=250",
    "size=192",
)  # fmt: skip
READINGS = ("right", "as-run", "own input", "read back")
PAIRED = ("as-run", "read back")  # with right
RESAMPLES = 2000
SHORT = 256  # px of the shorter side
Reader = Callable[[np.ndarray], np.ndarray]  # L (h,w) 0..100 -> ab (2,h,w)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("train", "score"))
    parser.add_argument("sets", nargs="*", default=["coco-sample"])
    parser.add_argument("--arms", nargs="+", choices=tuple(RECIPES), default=list(RECIPES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--first", type=int, help="only the first N pictures of a set")
    parser.add_argument("-o", "--out", type=Path, default=Path("runs/as-run"))
    args = parser.parse_args()
    if args.what == "train":
        for seed in args.seeds:
            for arm in args.arms:
                recipe = load_recipe(RECIPES[arm], (*SMALL, *args.changes, f"seed={seed}"))
                run = args.out / f"{arm}-{seed}"
                train(recipe, run, resume=(run / "last.safetensors").exists(), devices=1)
    else:
        score(args.out, args.sets, args.seeds, args.first)


def score(out: Path, sets: list[str], seeds: list[int], first: int | None) -> None:
    """Judge every reading of every seed on the sets, and write it down."""
    runs = {(arm, seed): out / f"{arm}-{seed}" for arm in RECIPES for seed in seeds}
    readers = {
        (reading, seed): reader_of(reading, runs["right" if reading == "right" else "as-run", seed])
        for reading in READINGS
        for seed in seeds
    }
    record = {
        **provenance("numpy", "torch", "timm"),
        "seeds": seeds,
        "weights_sha256": {
            f"{arm} {seed}": hashlib.sha256((run / "best.safetensors").read_bytes()).hexdigest()
            for (arm, seed), run in runs.items()
        },
        "recipe": vars(load_trained(runs["right", seeds[0]] / "best.safetensors")[1])
        | {"name": ""},
        "sets": {},
    }
    for name in sets:
        truths = truths_of(name, first)
        sheet = {
            key: [numbers_of(t, paint(t, reader)) for t in truths]
            for key, reader in readers.items()
        }
        grey = [
            numbers_of(t, paint(t, lambda L: np.zeros((2, *L.shape), np.float32))) for t in truths
        ]
        rows = {"grey": summarise({0: grey}, grey)}
        for reading in READINGS:
            rows[reading] = summarise({s: sheet[reading, s] for s in seeds}, grey)
        record["sets"][name] = {
            "pictures": len(truths),
            "rows": rows,
            **{f"right minus {other}": paired(sheet, seeds, grey, other) for other in PAIRED},
        }
        print(table(name, record["sets"][name]))
    Path("results").mkdir(exist_ok=True)
    Path("results/as-run.json").write_text(json.dumps(record, indent=1, default=str) + "\n")
    text = "\n".join(table(name, values) for name, values in record["sets"].items())
    Path("results/as-run.md").write_text(heading(record) + text)
    picture = sheet_of(truths_of(sets[0], first), readers, seeds[0])
    Path("docs/pictures/as-run.jpg").write_bytes(encode_rgb(picture, quality=80))


def truths_of(name: str, first: int | None) -> list[np.ndarray]:
    """rgb (H,W,3) uint8 of each photograph of a set."""
    return [read_truth(photograph.path, SHORT) for photograph in find_set(name, first).photographs]


def reader_of(reading: str, run: Path) -> Reader:
    """How a run is asked, L (h,w) of the photograph -> ab (2,h,w)."""
    net, _, _ = load_trained(run / "best.safetensors")

    @torch.no_grad()
    def answer(L: torch.Tensor) -> np.ndarray:
        return net(L[None, None], torch.zeros(1, 3, *L.shape))["ab"][0].numpy()

    def own_input(L: np.ndarray) -> np.ndarray:
        grey = np.repeat(np.clip(lightness_to_grey(L), 0, 1)[..., None], 3, -1)
        return as_run_lab(grey.astype(np.float32))[..., 0]

    def read_back(L: np.ndarray) -> np.ndarray:
        wrong = own_input(L)
        ab = answer(torch.from_numpy(wrong))
        rgb = as_run_to_rgb(wrong[None, None], ab[None])[0]  # (h,w,3)
        return np.moveaxis(rgb_to_lab(np.clip(rgb, 0, 1))[..., 1:], -1, 0)

    return {
        "right": lambda L: answer(torch.from_numpy(L)),
        "as-run": lambda L: answer(as_run_input(torch.from_numpy(L))),
        "own input": lambda L: answer(torch.from_numpy(own_input(L))),
        "read back": read_back,
    }[reading]


def paint(truth: np.ndarray, reader: Reader) -> np.ndarray:
    """The photograph made grey and coloured by the shipped pipeline: rgb (H,W,3) uint8."""
    picture: Picture = grey_of(truth)
    L = shrink(picture, replace(CARD, size=192, multiple=32), 192)
    return to_rgb(merge(picture, L, reader(L).astype(np.float32)))


CARD = load_model("default").card


def numbers_of(truth: np.ndarray, shown: np.ndarray) -> dict[str, float]:
    """Everything that is counted for one picture."""
    lab, true_lab = lab_of(shown), lab_of(truth)
    ab, true_ab = lab[..., 1:], true_lab[..., 1:]
    found, reds = red_terms(shown=ab, truth=true_ab)
    return {
        "ciede2000": mean_difference(shown=lab, truth=true_lab),
        "psnr": psnr(shown=shown, truth=truth),
        "colourfulness": colourfulness_ratio(shown=shown, truth=truth),
        "chroma": float(np.linalg.norm(ab, axis=-1).mean()),
        "true_chroma": float(np.linalg.norm(true_ab, axis=-1).mean()),
        "reds_found": found,
        "reds": reds,
        "brown": brown_share(ab),
        "true_brown": brown_share(true_ab),
        "a": float(ab[..., 0].mean() - true_ab[..., 0].mean()),
        "b": float(ab[..., 1].mean() - true_ab[..., 1].mean()),
    }


Numbers = dict[int, list[dict[str, float]]]  # seed -> one dict a picture


def columns(x: dict[str, np.ndarray], grey: dict[str, np.ndarray]) -> dict[str, float]:
    """The figures of a set from per-picture numbers (any shape)."""
    return {
        "ciede2000_of_grey": x["ciede2000"].mean() / grey["ciede2000"].mean(),
        "psnr_over_grey": (x["psnr"] - grey["psnr"]).mean(),
        "chroma_of_truth": x["chroma"].mean() / x["true_chroma"].mean(),
        "colourfulness_of_truth": x["colourfulness"].mean(),
        "recall_of_reds": x["reds_found"].sum() / max(x["reds"].sum(), 1),
        "brown_of_truth": x["brown"].mean() / x["true_brown"].mean(),
        "shift_a": x["a"].mean(),
        "shift_b": x["b"].mean(),
    }


def arrays(numbers: Numbers) -> dict[str, np.ndarray]:
    """(seeds, pictures) of each number."""
    keys = next(iter(numbers.values()))[0]
    return {k: np.array([[n[k] for n in rows] for rows in numbers.values()]) for k in keys}


def resampled(
    of: list[Numbers], grey: list[dict[str, float]], resamples: int = RESAMPLES
) -> list[list[dict[str, float]]]:
    """The figures of each arm in bootstrap samples of pictures and seeds, alike in all arms."""
    rng = np.random.default_rng(0)
    arms, plain = [arrays(numbers) for numbers in of], arrays({0: grey})
    seeds, pictures = arms[0]["psnr"].shape
    out = []
    for _ in range(resamples):
        s, p = rng.integers(0, seeds, seeds), rng.integers(0, pictures, pictures)
        base = {k: v[0][p] for k, v in plain.items()}
        out.append([columns({k: v[np.ix_(s, p)] for k, v in arm.items()}, base) for arm in arms])
    return out


def summarise(numbers: Numbers, grey: list[dict[str, float]]) -> dict[str, list[float]]:
    """[mean, low, high] of each figure: 95 % over pictures and seeds."""
    mean = columns(arrays(numbers), arrays({0: grey}))
    samples = [arm for (arm,) in resampled([numbers], grey)]
    return {k: with_interval(v, [s[k] for s in samples]) for k, v in mean.items()}


def paired(
    sheet: dict, seeds: list[int], grey: list[dict[str, float]], other: str
) -> dict[str, list[float]]:
    """[difference, low, high] of right and another reading, on the same pictures and seeds."""
    of = [{s: sheet[reading, s] for s in seeds} for reading in ("right", other)]
    one, two = (columns(arrays(numbers), arrays({0: grey})) for numbers in of)
    samples = resampled(of, grey)
    return {k: with_interval(one[k] - two[k], [a[k] - b[k] for a, b in samples]) for k in one}


def with_interval(value: float, samples: list[float]) -> list[float]:
    low, high = np.percentile(samples, [2.5, 97.5])
    return [round(float(v), 3) for v in (value, low, high)]


def heading(record: dict) -> str:
    return (
        "# The first study's conversion: what it cost\n\n"
        f"`{record['command']}` on {record['machine']}, commit {record['commit']}, "
        f"seeds {record['seeds']}; mean and 95 % interval over pictures and seeds. "
        "What the rows mean: [docs/as-run.md](../docs/as-run.md).\n\n"
    )


def table(name: str, values: dict) -> str:
    heads = list(values["rows"]["grey"])
    lines = [f"## {name}, {values['pictures']} pictures", ""]
    lines += ["| | " + " | ".join(h.replace("_", " ") for h in heads) + " |"]
    lines += ["|---|" + "---|" * len(heads)]
    rows = {**values["rows"], **{k: v for k, v in values.items() if k.startswith("right minus")}}
    for row, figures in rows.items():
        cells = " | ".join("{:.2f} ({:.2f} to {:.2f})".format(*figures[h]) for h in heads)
        lines.append(f"| {row} | {cells} |")
    return "\n".join([*lines, "", ""])


def sheet_of(truths: list[np.ndarray], readers: dict, seed: int, count: int = 5) -> np.ndarray:
    """Some pictures: grey, the four readings, the truth, side by side."""
    rows = []
    for truth in truths[:: max(1, len(truths) // count)][:count]:
        grey = paint(truth, lambda L: np.zeros((2, *L.shape), np.float32))
        shown = [grey, *(paint(truth, readers[reading, seed]) for reading in READINGS), truth]
        side = min(truth.shape[:2])
        rows.append(np.concatenate([p[:side, :side][:SHORT, :SHORT] for p in shown], 1))
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
