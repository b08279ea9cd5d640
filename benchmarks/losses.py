"""The study of losses, after Ballester et al. 2022: one network, equal budgets, one thing changed.

    python benchmarks/losses.py train [ARM...] [--seeds 0 1] [-o runs/losses]
    python benchmarks/losses.py score coco-sample kodak24 [-o runs/losses]

Every arm is the recipe hinted-small (a U-Net on ImageNet's MobileNetV2) without hints, for the same
number of steps on the same pictures in the same order; an arm is what ARMS changes, and no more.
A stopped training goes on. ``score`` judges all that is trained as ``kolorit evaluate`` does, pools
the seeds, and writes results/losses.json and .md, and docs/pictures/losses.jpg.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kolorit.cli.contestants import Contestant, Order, describe
from kolorit.evaluate.intervals import RESAMPLES
from kolorit.evaluate.judge import BASELINES, GREY, TRUTH, Judgement, Verdict, judge
from kolorit.evaluate.provenance import provenance
from kolorit.evaluate.sets import find_set
from kolorit.evaluate.shots import take_shots
from kolorit.picture.rgb import encode_rgb, resize_rgb
from kolorit.training.export import export_run
from kolorit.training.loop import train
from kolorit.training.recipe_file import load_recipe

STEPS = 600
BASE = (
    'sources=["photos-192"]', "store_px=192", "crops=[96]", "final_crops=[]", "final_share=0.0",
    "crop_min=96", f"steps={STEPS}", "batch=16", "warmup=50", "hints=0.0", "ema=0.99", "size=192",
    f"validate_every={STEPS}", "validation_pictures=256", "grid_every=300", "save_every=200",
    "log_every=20", "loss_options={}",
)  # fmt: skip
REGRESSION = "looks={plain={prior_exponent=0.0, temperature=1.0, regression=1.0}}"
CLASSES = "looks={plain={prior_exponent=0.0, temperature=0.38, regression=0.0, detail=0.0}}"
L2 = "l2={scale=110.0}"
SGD = ("optimiser=sgd", "optimiser_options={momentum=0.9, nesterov=true}")

# The weights make the parts of a sum about equal at the beginning.
LOSSES = {
    "l1": ("losses={l1=1.0}", REGRESSION),
    "l2": ("losses={l2=1.0}", f"loss_options={{{L2}}}", REGRESSION),
    "smooth-l1": (
        "losses={smooth_l1=1.0}",
        "loss_options={smooth_l1={beta=5.0}}",
        REGRESSION,
    ),
    "l2-ssim": ("losses={l2=1.0, ssim=0.2}", f"loss_options={{{L2}}}", REGRESSION),
    "l2-perceptual": ("losses={l2=1.0, perceptual=0.01}", f"loss_options={{{L2}}}", REGRESSION),
    "classification": ("losses={classification=1.0}", CLASSES),
    "rebalanced": ("losses={rebalanced=1.0}", CLASSES),
    "l2-wgan": (
        "losses={l2=1.0}",
        f"loss_options={{{L2}}}",
        REGRESSION,
        'adversary={loss="wgan", weight=0.0003, gradient_penalty=10.0,'
        ' critic_config={norm="none", base=24}, begin=100, alone=20, joint=80}',
    ),
    "gan-polish": (
        "losses={l2=1.0}",
        f"loss_options={{{L2}}}",
        REGRESSION,
        'adversary={loss="hinge", weight=0.01, critic_config={norm="instance", base=32},'
        " begin=400, alone=60, joint=140}",
    ),
}
TRAINING = {  # all with the loss l2; "l2" above is AdamW with a cosine
    "adamw-constant": ("schedule=constant",),
    "adamw-one-cycle": ("schedule=one-cycle",),
    "adamw-step": ("schedule=step", f"drop_every={STEPS // 2}"),
    "adamw-plateau": ("schedule=plateau", "patience=1", f"validate_every={STEPS // 10}"),
    "adam-cosine": ("optimiser=adam", "weight_decay=0.0"),
    "sgd-nesterov-cosine": (*SGD, "lr=0.3", "encoder_lr=0.06", "weight_decay=0.0"),
}
ARMS = LOSSES | {
    name: ("losses={l2=1.0}", f"loss_options={{{L2}}}", REGRESSION, *changes)
    for name, changes in TRAINING.items()
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("train", "score"))
    parser.add_argument("names", nargs="*", help="arms to train, or sets to judge on")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--first", type=int, help="only the first N pictures of each set")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--out", type=Path, default=Path("runs/losses"))
    args = parser.parse_args()
    if args.what == "train":
        for seed in args.seeds:
            for arm in args.names or ARMS:
                train_arm(arm, seed, args.out, args.changes)
    else:
        score(args.names or ["coco-sample"], args.seeds, args.out, args.first, args.jobs)


def train_arm(arm: str, seed: int, out: Path, changes: list[str]) -> None:
    """One arm with one seed; goes on where it was stopped, and does nothing where it is done."""
    run = out / f"{arm}-{seed}"
    if (run / "model.onnx").exists():
        return
    recipe = load_recipe("hinted-small", (*BASE, *ARMS[arm], *changes, f"seed={seed}"))
    train(recipe, run, resume=(run / "last.safetensors").exists(), devices=1)
    export_run(run, recipe, run / "model.onnx")


def score(sets: list[str], seeds: list[int], out: Path, first: int | None, jobs: int) -> None:
    """Judge every arm that has all its seeds, and write it down."""
    arms = [a for a in ARMS if all((out / f"{a}-{s}" / "model.onnx").exists() for s in seeds)]
    runs = {f"{arm} {seed}": out / f"{arm}-{seed}" / "model.onnx" for arm in arms for seed in seeds}
    contestants = tuple(Contestant(row, str(path), "plain") for row, path in runs.items())
    order = Order(contestants, short_side=256, hints=(), deep=True)
    record: dict[str, Any] = {
        **provenance("numpy", "torch", "onnxruntime"),
        "seeds": seeds,
        "steps": STEPS,
        "changes": {arm: list(ARMS[arm]) for arm in arms},
        "sha256": {c.row: describe(c)["sha256"] for c in contestants},
        "sets": {},
    }
    judgements = [judge(find_set(name, first), order, jobs) for name in sets]
    for judgement in judgements:
        rows: dict[str, Any] = {
            row: pool(judgement.verdicts, [row]) for row in BASELINES if row != TRUTH
        }
        rows |= {arm: pool(judgement.verdicts, [f"{arm} {s}" for s in seeds]) for arm in arms}
        record["sets"][judgement.photo_set.name] = {
            "pictures": len(judgement.verdicts),
            "sha256": judgement.photo_set.sha256,
            "rows": rows,
        }
    Path("results").mkdir(exist_ok=True)
    Path("results/losses.json").write_text(json.dumps(record, indent=1) + "\n")
    Path("results/losses.md").write_text(report(record))
    losses = [arm for arm in arms if arm in LOSSES]
    sheet = picture_of(judgements[0], losses, seeds[0], order)
    Path("docs/pictures/losses.jpg").write_bytes(encode_rgb(sheet, quality=82))


def pool(verdicts: tuple[Verdict, ...], rows: list[str]) -> dict[str, list[float]]:
    """[mean, low, high] of every column over pictures and the rows of several seeds.

    Both pictures and seeds are drawn anew in each bootstrap sample.
    """
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, len(verdicts), (RESAMPLES, len(verdicts)))
    seeds = rng.integers(0, len(rows), (RESAMPLES, len(rows)))
    grey = {name: terms(verdicts, [GREY], name) for name in verdicts[0].terms[GREY]}

    def cell(values: np.ndarray, weights: np.ndarray) -> list[float]:  # (S,N) each
        def sums(of: np.ndarray) -> np.ndarray:
            by_seed = np.stack([of[s].sum(0) for s in seeds])  # (R,N)
            return np.take_along_axis(by_seed, pictures, 1).sum(1)

        with np.errstate(invalid="ignore", divide="ignore"):
            tried = sums(values) / sums(weights)
        low, high = np.nanpercentile(tried, [2.5, 97.5])
        return [round(float(v), 4) for v in (values.sum() / weights.sum(), low, high)]

    cells = {}
    for name in verdicts[0].terms[rows[0]]:
        values, weights = terms(verdicts, rows, name)
        if weights.sum():
            cells[name] = cell(values, weights)
        if name == "ciede2000":
            cells["ciede2000_of_grey"] = cell(values, np.broadcast_to(grey[name][0], values.shape))
        if name in ("psnr", "auc_rebalanced"):
            cells[f"{name}_over_grey"] = cell(values - grey[name][0], weights)
    return cells


def terms(
    verdicts: tuple[Verdict, ...], rows: list[str], column: str
) -> tuple[np.ndarray, np.ndarray]:
    """(S,N) numerators and weights."""
    found = np.array([[v.terms[row][column] for v in verdicts] for row in rows])  # (S,N,2)
    return found[..., 0], found[..., 1]


SHOWN = (
    "psnr_over_grey", "ciede2000_of_grey", "auc_rebalanced_over_grey", "colourfulness_ratio",
    "sd_a", "sd_b", "cast_b", "reds", "browns", "bleed", "squeezenet_distance",
)  # fmt: skip
BRACKETED = SHOWN[:4]
HEADS = {
    "psnr_over_grey": "PSNR over grey, dB",
    "ciede2000_of_grey": "CIEDE2000, of grey's",
    "auc_rebalanced_over_grey": "AuC rebalanced over grey, %",
    "colourfulness_ratio": "colourfulness, of the truth's",
}


def report(record: dict[str, Any]) -> str:
    """Markdown: two tables a set, losses and training."""
    lines = [
        "# The study of losses",
        "",
        f"`{record['command']}` on {record['machine']}, commit {record['commit']}; seeds "
        f"{', '.join(map(str, record['seeds']))}, {record['steps']} steps of 16 crops of 96 px "
        "each.",
        "Brackets: 95 % interval, bootstrap over pictures and seeds. What each arm changes stands",
        "in losses.json; what the columns mean in docs/evaluation.md.",
    ]
    for name, of_set in record["sets"].items():
        plain = [row for row in of_set["rows"] if row in BASELINES]
        for title, arms in (("Losses", LOSSES), ("Optimisers and schedules, all L2", TRAINING)):
            first = plain if arms is LOSSES else ["l2"]
            rows = [*first, *(arm for arm in arms if arm in of_set["rows"])]
            lines += ["", f"## {title}: {name}, {of_set['pictures']} pictures", ""]
            lines += table({row: of_set["rows"][row] for row in rows if row in of_set["rows"]})
    return "\n".join(lines) + "\n"


def table(rows: dict[str, dict[str, list[float]]]) -> list[str]:
    heads = [HEADS.get(column, column.replace("_", " ")) for column in SHOWN]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for row, cells in rows.items():
        texts = []
        for column in SHOWN:
            if column not in cells:
                texts.append("")
                continue
            mean, low, high = cells[column]
            text = f"{mean:.2f}"
            texts.append(f"{text} ({low:.2f}, {high:.2f})" if column in BRACKETED else text)
        lines.append(f"| {row} | " + " | ".join(texts) + " |")
    return lines


def picture_of(judgement: Judgement, losses: list[str], seed: int, order: Order) -> np.ndarray:
    """The same pictures (rows) grey, under each loss in the table's order, and true (columns)."""
    stems = [v.stem for v in sorted(judgement.verdicts, key=lambda v: -v.reds)]
    chosen = [*stems[:3], *stems[len(stems) // 3 :: max(1, len(stems) // 4)][:3]]
    shots = take_shots(judgement, chosen, order())
    columns = [GREY, *(f"{loss} {seed}" for loss in losses), TRUTH]
    square = partial(square_of, px=144)
    rows = [np.hstack([square(shots[stem][column]) for column in columns]) for stem in chosen]
    return np.vstack(rows)


def square_of(rgb: np.ndarray, px: int) -> np.ndarray:
    """The middle of a picture, as a square of px pixels."""
    side = min(rgb.shape[:2])
    top, left = ((n - side) // 2 for n in rgb.shape[:2])
    return resize_rgb(np.ascontiguousarray(rgb[top : top + side, left : left + side]), (px, px))


if __name__ == "__main__":
    main()
