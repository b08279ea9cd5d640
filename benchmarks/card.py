"""Write the scores of an evaluation into a model's card, in place of earlier ones.

    python benchmarks/card.py results/evaluation/scores.json [--row default] [--card PATH]

Each table [scores.SET] has a line a row: {column = [mean, low, high]}, with the bootstrap 95 %
interval over the pictures; grey, tint, and the looks of the model, with their PSNR by number of
hints.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kolorit.runtime.store import find_model

COLUMNS = (
    "ciede2000_of_grey",
    "psnr_over_grey",
    "auc_rebalanced_over_grey",
    "colourfulness_ratio",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scores", type=Path)
    parser.add_argument("--row", default="default", help="what the model's rows begin with")
    parser.add_argument("--card", type=Path)
    args = parser.parse_args()
    card = args.card or find_model(args.row).with_suffix(".toml")
    head = card.read_text("utf-8").partition("\n[scores.")[0].rstrip()
    record = json.loads(args.scores.read_text("utf-8"))
    tables = [table(of_set, args.row) for of_set in record["sets"]]
    card.write_text("\n\n".join([head, *tables]) + "\n", "utf-8")


def table(of_set: dict[str, Any], model: str) -> str:
    lines = [f"[scores.{of_set['name']}]", f"pictures = {of_set['pictures']}", 'kept = "luma"']
    for row, cells in of_set["rows"].items():
        if row in ("grey", "tint") or row.startswith(f"{model}, "):
            values = ", ".join(f"{column} = {cells[column]}" for column in COLUMNS)
            lines.append(f'"{row}" = {{ {values} }}')
    for row, psnr in of_set["hints"].items():
        if row.startswith(f"{model}, "):
            values = ", ".join(f'"{count}" = {value}' for count, value in psnr.items())
            lines.append(f'"{row}, PSNR with hints" = {{ {values} }}')
    return "\n".join(lines)


if __name__ == "__main__":
    main()
