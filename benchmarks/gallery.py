"""Make docs/gallery.md and its pictures, and the picture at the head of the README.

    python benchmarks/gallery.py                          # of examples/
    python benchmarks/gallery.py --photos DIR -o sheets/  # sheets of other photographs, to look at

A sheet: the photograph, faithful, vivid; below them three alternatives and the map of confidence.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from kolorit import Colorizer
from kolorit.picture.compare import grey_map, shrink_picture
from kolorit.picture.decode import decode
from kolorit.picture.picture import Picture, to_depth, to_rgb
from kolorit.picture.rgb import encode_rgb, resize_rgb

ROOT = Path(__file__).parent.parent
HEAD = ("hopper", "astronaut", "rocket")
LONG, GAP, QUALITY = 460, 6, 84  # pixels, pixels, of a JPEG


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="a folder of photographs, instead of examples/")
    parser.add_argument("--model", default="default")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "docs" / "pictures")
    args = parser.parse_args()
    colorizer = Colorizer(args.model)
    found = sorted((args.photos or ROOT / "examples").glob("*.[jp][pn]g"))
    args.out.mkdir(parents=True, exist_ok=True)
    lines = []
    for path in found:
        rows, confidence = sheet(colorizer, decode(path))
        (args.out / f"gallery-{path.stem}.jpg").write_bytes(
            encode_rgb(stack(rows), quality=QUALITY)
        )
        lines.append((path.stem, confidence))
        print(f"{path.stem}: confidence {confidence:.2f}")
    if args.photos is None:
        (args.out / "before-after.jpg").write_bytes(encode_rgb(head(colorizer), quality=88))
        (ROOT / "docs" / "gallery.md").write_text(page(colorizer, lines), "utf-8")


def sheet(colorizer: Colorizer, picture: Picture) -> tuple[list[list[np.ndarray]], float]:
    """Two rows of small pictures, and the mean confidence."""
    vivid = colorizer.run(picture, alternatives=3)
    faithful = colorizer.run(picture, look="faithful")
    sure = grey_map(vivid.prediction.confidence, picture)
    first = [picture, faithful.picture, vivid.picture]
    second = [*vivid.alternatives, sure]
    return [[small(p) for p in row] for row in (first, second)], vivid.confidence


def small(picture: Picture, longest: int = LONG) -> np.ndarray:
    return np.asarray(to_rgb(to_depth(shrink_picture(picture, longest), 8)))


def stack(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Rows of pictures as one, each row as wide as the first."""
    wide = [beside(row) for row in rows]
    width = wide[0].shape[1]
    same = [row if row.shape[1] == width else scaled(row, width) for row in wide]
    line = np.full((GAP, width, 3), 255, np.uint8)
    return np.vstack([part for row in same for part in (row, line)][:-1])


def beside(pictures: list[np.ndarray]) -> np.ndarray:
    line = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    return np.hstack([part for picture in pictures for part in (picture, line)][:-1])


def scaled(rgb: np.ndarray, width: int) -> np.ndarray:
    return resize_rgb(rgb, (round(rgb.shape[0] * width / rgb.shape[1]), width))


def head(colorizer: Colorizer) -> np.ndarray:
    """Before and after of three examples, at one height."""
    pairs = []
    for stem in HEAD:
        picture = decode(ROOT / "examples" / f"{stem}.jpg")
        pair = [small(p, 512) for p in (picture, colorizer.run(picture).picture)]
        height = 300
        pairs += [resize_rgb(p, (height, round(p.shape[1] * height / p.shape[0]))) for p in pair]
    return beside(pairs)


def page(colorizer: Colorizer, lines: list[tuple[str, float]]) -> str:
    card = colorizer.model.card
    text = [
        "# Gallery",
        "",
        f"What `{card.name}` {card.version} makes of the photographs in `examples/`, which were",
        "chosen before it was trained. Each sheet: the photograph, *faithful*, *vivid*; below,",
        "three alternatives (`--alternatives 3`) and the map of confidence (`--confidence`): white",
        "is sure, black is a guess. `python benchmarks/gallery.py` makes this page. Credits:",
        "[examples/README.md](../examples/README.md).",
    ]
    for stem, confidence in lines:
        what = f"{stem}: grey, faithful, vivid; three alternatives, confidence"
        text += ["", f"## {stem}", "", f"Mean confidence {confidence:.2f}.", ""]
        text += [f"![{what}](pictures/gallery-{stem}.jpg)"]
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    main()
