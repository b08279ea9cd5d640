"""Score a model on sets of colour photographs, beside grey and a constant tint.

    python benchmarks/score.py coco-sample kodak24 [--model M] [--first N] [--grey luma|lightness]

Each photograph is read at short side 256, made grey, and coloured by the shipped pipeline from the
grey values alone. ``--grey luma`` is what a grey file holds; ``--grey lightness`` feeds and keeps
the truth's L*. Writes results/score-SET-GREY.json and .md. Needs no torch.
"""

from __future__ import annotations

import argparse
import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kolorit.colorizer import Colorizer
from kolorit.colour.gamut import shrink_lab
from kolorit.colour.lab import lab_to_rgb, lightness_to_grey
from kolorit.colour.luma import luma
from kolorit.evaluate.colours import colourfulness_ratio
from kolorit.evaluate.fidelity import auc_terms, mean_difference, psnr, rarity
from kolorit.evaluate.intervals import interval
from kolorit.evaluate.provenance import provenance
from kolorit.evaluate.view import lab_of
from kolorit.hints import Hint
from kolorit.merge import merge, merge_lab
from kolorit.picture.picture import Picture, from_luma, to_rgb
from kolorit.picture.rgb import decode_rgb, resize_rgb
from kolorit.runtime.model import load_model
from kolorit.runtime.store import find_model

SHORT = 256
HINTS = (1, 10, 100)
IN_CARD = ("ciede2000_of_grey", "psnr_over_grey", "auc_rebalanced_over_grey", "colourfulness")
Sheet = dict[str, list[dict[str, float]]]  # row -> one dict of numbers a picture


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", help="folders under KOLORIT_DATA/eval, or paths")
    parser.add_argument("--model", default="default")
    parser.add_argument("--first", type=int, help="only the first N pictures")
    parser.add_argument("--grey", choices=("luma", "lightness"), default="luma")
    parser.add_argument("--looks", default="faithful,vivid")
    parser.add_argument("--no-hints", action="store_true")
    parser.add_argument("-o", "--out", type=Path, default=Path("results"))
    parser.add_argument(
        "--card", action="store_true", help="write the scores into the model's card"
    )
    args = parser.parse_args()
    colorizer = Colorizer(args.model)
    for name in args.sets:
        files = find_set(name)[: args.first]
        hints = () if args.no_hints else HINTS
        sheet = judge(files, colorizer, args.looks.split(","), args.grey, hints)
        rows = {row: summarise(numbers, sheet["grey"]) for row, numbers in sheet.items()}
        card = colorizer.model.card
        record = {
            "set": Path(name).name,
            "pictures": len(files),
            "grey": args.grey,
            "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
            "looks": {k: vars(v) for k, v in card.looks.items()},
            **provenance("numpy", "pillow", "onnxruntime"),
            "rows": rows,
        }
        args.out.mkdir(exist_ok=True)
        stem = args.out / f"score-{Path(name).name}-{args.grey}"
        stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
        text = table(record)
        stem.with_suffix(".md").write_text(text)
        print(text)
        if args.card:
            write_into_card(find_model(args.model).with_suffix(".toml"), record)


def write_into_card(path: Path, record: dict) -> None:
    """The set's table [scores.SET] at the end of a card, in place of an earlier one.

    Each row is {column = [mean, low, high]}, with the bootstrap 95 % interval over the pictures.
    """
    name = f"scores.{record['set']}"
    table = tomllib.loads(path.read_text("utf-8")).get("scores", {})
    if record["set"] in table:
        head, _, rest = path.read_text("utf-8").partition(f"\n[{name}]\n")
        kept = head + ("\n[" + rest.partition("\n[")[2] if "\n[" in rest else "\n")
        path.write_text(kept, encoding="utf-8")
    lines = [f"[{name}]", f"pictures = {record['pictures']}", f'kept = "{record["grey"]}"']
    for row, values in record["rows"].items():
        cells = ", ".join(f"{column} = {values[column]}" for column in IN_CARD)
        lines.append(f'"{row}" = {{ {cells} }}')
    path.write_text(path.read_text("utf-8").rstrip() + "\n\n" + "\n".join(lines) + "\n", "utf-8")


def find_set(name: str) -> list[Path]:
    """The pictures of a set, sorted; plates and other grey files are left to the eye."""
    folder = Path(name)
    if not folder.is_dir():
        folder = Path(os.environ.get("KOLORIT_DATA", ".")) / "eval" / name
    found = [p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
    return sorted(p for p in found if not p.name.startswith("plate_"))


def judge(
    files: list[Path], colorizer: Colorizer, looks: list[str], grey: str, hints: tuple[int, ...]
) -> Sheet:
    """Numbers for every row and picture."""
    truths = [read_short(path) for path in files]
    tint = np.mean([lab_of(t)[..., 1:].mean((0, 1)) for t in truths], axis=0)
    card = colorizer.model.card
    prior = (card if card.stride else load_model("default").card).prior  # a model may have no bins
    sheet: Sheet = {}
    for number, truth in enumerate(truths):
        picture = grey_picture(truth, grey)
        lab = lab_of(truth)
        weight = rarity(lab[..., 1:], prior)
        for row, shown in colourings(picture, lab, colorizer, looks, grey, tint, hints, number):
            sheet.setdefault(row, []).append(numbers_of(to_rgb(shown), truth, lab, weight))
    return sheet


def colourings(
    picture: Picture,
    lab: np.ndarray,
    colorizer: Colorizer,
    looks: list[str],
    grey: str,
    tint: np.ndarray,
    counts: tuple[int, ...],
    seed: int,
) -> list[tuple[str, Picture]]:
    """(row, coloured picture) for the baselines, the looks, and the first look with true hints."""
    how = "luma" if grey == "luma" else "lab"
    put: Callable[[np.ndarray], Picture] = (
        (lambda ab: merge(picture, lab[..., 0], ab))
        if grey == "luma"
        else lambda ab: merge_lab(picture, ab)
    )
    flat = np.broadcast_to(tint[:, None, None], (2, *picture.luma.shape)).astype(np.float32)
    rows = [("grey", put(0 * flat)), ("constant tint", put(flat))]
    for look in looks:
        rows.append((look, colorizer.run(picture, look=look, merge=how).picture))
    for count in counts:
        hinted = true_hints(picture, lab, count, seed)
        run = colorizer.run(picture, look=looks[0], merge=how, hints=hinted)
        rows.append((f"{looks[0]}, {count} hints", run.picture))
    return rows


def numbers_of(
    shown: np.ndarray, truth: np.ndarray, lab: np.ndarray, rare: np.ndarray
) -> dict[str, float]:
    """Everything that is counted for one picture."""
    seen = lab_of(shown)
    ab = seen[..., 1:]
    raw, pixels = auc_terms(shown=ab, truth=lab[..., 1:])
    weighted, weight = auc_terms(shown=ab, truth=lab[..., 1:], weight=rare)
    spread, true_spread = ab.std((0, 1)), lab[..., 1:].std((0, 1))
    return {
        "psnr": psnr(shown=shown, truth=truth),
        "ciede2000": mean_difference(shown=seen, truth=lab),
        "auc": raw, "auc_weight": pixels,
        "auc_rebalanced": weighted, "auc_rebalanced_weight": weight,
        "colourfulness": colourfulness_ratio(shown=shown, truth=truth),
        "sd_a": spread[0], "sd_a_weight": true_spread[0],
        "sd_b": spread[1], "sd_b_weight": true_spread[1],
        "shift_a": float((ab - lab[..., 1:])[..., 0].mean()),
        "shift_b": float((ab - lab[..., 1:])[..., 1].mean()),
    }  # fmt: skip


def summarise(
    numbers: list[dict[str, float]], grey: list[dict[str, float]]
) -> dict[str, list[float]]:
    """[mean, low, high] of each column; differences to grey are paired by picture."""
    column = lambda key, of=numbers: np.array([n[key] for n in of])  # noqa: E731
    out = {
        k: interval(column(k)) for k in ("psnr", "ciede2000", "colourfulness", "shift_a", "shift_b")
    }
    out["psnr_over_grey"] = interval(column("psnr") - column("psnr", grey))
    out["ciede2000_of_grey"] = interval(column("ciede2000"), column("ciede2000", grey))
    for key in ("auc", "auc_rebalanced", "sd_a", "sd_b"):
        share = interval(column(key), column(f"{key}_weight"))
        out[key] = tuple(100 * s for s in share) if key.startswith("auc") else share
    gain = column("auc_rebalanced") - column("auc_rebalanced", grey)
    out["auc_rebalanced_over_grey"] = tuple(
        100 * s for s in interval(gain, column("auc_rebalanced_weight"))
    )
    return {key: [round(v, 4) for v in value] for key, value in out.items()}


def table(record: dict) -> str:
    """The record as Markdown: mean, and the 95 % interval of the columns that decide."""
    head = (
        f"# {record['set']}: {record['pictures']} pictures, {record['grey']} kept\n\n"
        f"Model {record['model']['name']} {record['model']['version']}, sha256 "
        f"{record['model']['sha256'][:12]}, commit {record['commit']}; `{record['command']}`.\n"
        "Brackets: bootstrap 95 % interval over pictures. Rebalanced by the training prior.\n\n"
    )
    columns = {
        "PSNR dB": "psnr", "over grey": "psnr_over_grey", "CIEDE2000": "ciede2000",
        "of grey's": "ciede2000_of_grey", "AuC": "auc", "AuC rebal.": "auc_rebalanced",
        "over grey ": "auc_rebalanced_over_grey", "colourf.": "colourfulness", "sd a": "sd_a",
        "sd b": "sd_b", "shift a": "shift_a", "shift b": "shift_b",
    }  # fmt: skip
    bracketed = {"psnr_over_grey", "ciede2000_of_grey", "auc_rebalanced_over_grey", "colourfulness"}
    lines = ["| row | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for row, values in record["rows"].items():
        cells = []
        for key in columns.values():
            mean, low, high = values[key]
            cells.append(
                f"{mean:.2f} ({low:.2f}, {high:.2f})" if key in bracketed else f"{mean:.2f}"
            )
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return head + "\n".join(lines) + "\n"


def grey_picture(truth: np.ndarray, grey: str) -> Picture:
    """The grey photograph (H,W) uint8 of rgb (H,W,3) uint8, holding its luma or its L*."""
    value = luma(truth / 255.0) if grey == "luma" else lightness_to_grey(lab_of(truth)[..., 0])
    return from_luma(np.round(255 * np.clip(value, 0, 1)).astype(np.uint8))


def true_hints(picture: Picture, lab: np.ndarray, count: int, seed: int) -> tuple[Hint, ...]:
    """Discs of 9 px with the true mean colour, at random places; the same for every model."""
    rng = np.random.default_rng((seed, count))
    height, width = picture.luma.shape
    hints = []
    for _ in range(count):
        y, x = int(rng.integers(4, height - 4)), int(rng.integers(4, width - 4))
        a, b = lab[y - 4 : y + 5, x - 4 : x + 5, 1:].mean((0, 1))
        hints.append(Hint(x / width, y / height, _hex(a, b), 4.5 / max(height, width)))
    return tuple(hints)


def _hex(a: float, b: float) -> str:
    """A colour of this a and b at the lightness where sRGB holds most of it."""
    tries = shrink_lab(np.array([[L, a, b] for L in range(30, 95, 5)], np.float64))  # (13,3)
    best = tries[np.hypot(tries[:, 1] - a, tries[:, 2] - b).argmin()]
    rgb = np.clip(np.round(255 * lab_to_rgb(best)), 0, 255).astype(int)
    return "#" + "".join(f"{v:02x}" for v in rgb)


def read_short(path: Path) -> np.ndarray:
    """rgb (H,W,3) uint8 with short side 256."""
    rgb = decode_rgb(path)
    scale = SHORT / min(rgb.shape[:2])
    return resize_rgb(rgb, (round(rgb.shape[0] * scale), round(rgb.shape[1] * scale)))


if __name__ == "__main__":
    main()
