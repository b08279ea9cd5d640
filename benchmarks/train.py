"""How many photographs a second each recipe learns from, and what share of the time loading takes.

    python benchmarks/train.py [RECIPE...] [--steps 5] [--threads 1 2] [-o results/train]

Every recipe runs as it is, with its own network, losses, critic and crops, on pictures cut out of
the coloured examples, but in small batches and for a few steps, each setting in a process of its
own. The first step is not counted. Share of loading: how long the loop stood still for the next
batch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from kolorit.evaluate.provenance import provenance
from kolorit.picture.rgb import decode_rgb, encode_rgb, resize_rgb
from kolorit.training.recipe_file import load_recipe, shipped_recipes

EXAMPLES = sorted((Path(__file__).parent.parent / "examples" / "coloured").glob("*.jpg"))
PICTURES = 40
PRECISIONS = ("32-true", "bf16-mixed")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="*", default=list(shipped_recipes()))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("-o", "--out", type=Path, default=Path("results/train"))
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(
            json.dumps(
                measure(args.recipes[0], args.recipes[1], args.steps, args.batch, args.threads[0])
            )
        )
        return
    rows = []
    for name in args.recipes:
        for precision in PRECISIONS:
            for threads in args.threads:
                command = [sys.executable, __file__, "--one", name, precision]
                command += ["--steps", str(args.steps), "--batch", str(args.batch)]
                command += ["--threads", str(threads)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    sys.exit(done.stderr)
                row = json.loads(done.stdout.splitlines()[-1])
                rows.append({"recipe": name, "precision": precision, "threads": threads, **row})
                print(line(rows[-1]), flush=True)
    record = {**provenance("torch", "timm", "lightning-fabric", "numpy", "pillow"), "rows": rows}
    args.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(table(record))


def measure(name: str, precision: str, steps: int, batch: int, threads: int) -> dict:
    """One setting, in this process."""
    import torch

    from kolorit.training.loop import train

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        changes = [f'sources=["{pictures}"]', f"precision={precision}", f"steps={steps}"]
        changes += [f"batch={batch}", "log_every=1", "start=none", "weights=none"]
        changes += ["validation=0.1", "validation_pictures=1", "final_share=0.0"]
        recipe = load_recipe(name, tuple(changes))
        if recipe.adversary:  # the dear part: both learn
            changes += ["adversary.begin=0", "adversary.alone=0"]
            recipe = load_recipe(name, tuple(changes))
        cut_pictures(pictures, recipe.store_px)
        train(recipe, Path(folder) / "run", accelerator="cpu", devices=1, say=lambda _: None)
        log = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, log) if "seconds" in row]
    ends = [row["seconds"] for row in rows]
    waits = [row["seconds"] * row["waiting"] for row in rows]
    took = np.diff(ends).tolist()
    return {
        "crops": recipe.crops,
        "images_per_second": round(batch / statistics.median(took), 2),
        "loading": max(0.0, round((waits[-1] - waits[0]) / (ends[-1] - ends[0]), 3)),
    }


def cut_pictures(folder: Path, side: int) -> None:
    """Square pictures with the detail of photographs, no two alike."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    photographs = [decode_rgb(path) for path in EXAMPLES]
    for number in range(PICTURES):
        rgb = photographs[number % len(photographs)]
        px = min(side, *rgb.shape[:2])
        top, left = (int(rng.integers(0, n - px + 1)) for n in rgb.shape[:2])
        cut = resize_rgb(rgb[top : top + px, left : left + px], (side, side))
        (folder / f"{number:03d}.jpg").write_bytes(encode_rgb(cut))


def line(row: dict) -> str:
    return (
        f"{row['recipe']:20} {row['precision']:10} {row['threads']} threads "
        f"{row['images_per_second']:8.2f} a second, loading {100 * row['loading']:.1f} %"
    )


def table(record: dict) -> str:
    """One line a recipe, one column a setting."""
    settings = list(dict.fromkeys((r["precision"], r["threads"]) for r in record["rows"]))
    head = " | ".join(f"{p}, {t} thread{'s' * (t > 1)}" for p, t in settings)
    lines = [
        "# Photographs a second in training",
        "",
        f"`{record['command']}` on {record['machine']}, commit {record['commit']}.",
        "In brackets: the share of the time spent waiting for the next batch. For comparison,",
        "on another machine of two such cores in quiet minutes, random tensors, batch 32, two",
        "threads: a MobileNetV2 U-Net of 3.8 M parameters at 128 px, 39.5 a second in fp32, 54",
        "in bf16.",
        "",
        f"| recipe | crop, px | {head} |",
        "|---|---|" + "---|" * len(settings),
    ]
    for name in dict.fromkeys(r["recipe"] for r in record["rows"]):
        mine = {(r["precision"], r["threads"]): r for r in record["rows"] if r["recipe"] == name}
        crops = ", ".join(map(str, sorted(set(next(iter(mine.values()))["crops"]))))
        cells = [
            f"{mine[s]['images_per_second']:.1f} ({100 * mine[s]['loading']:.0f} %)"
            for s in settings
        ]
        lines.append(f"| {name} | {crops} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
