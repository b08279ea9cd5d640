"""What colouring one photograph costs, stage by stage, against the JPEG codec itself.

    python benchmarks/image.py [--rounds 7] [--megapixels 12 48] [-o results/image.json]

The floor is what no program can avoid: Pillow decoding this input and encoding this output. Both
are timed in turns within one run, in CPU time (user + system) with the model loaded, and the
medians are divided. Memory is the peak above the process that has the model loaded and used, in a
process of its own. The photographs are made from the examples: enlarged, put side by side, grain.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from kolorit.colorizer import Colorizer, colour_picture
from kolorit.evaluate.provenance import provenance
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))
KINDS = ("grey file", "grey as RGB", "colour")
# 12-megapixel JPEG with the network, one torch thread on another machine of this size, each with
# its own floor; rebuilt from the published architectures, random weights.
PEERS = {
    "Zhang 2016": 69, "Zhang 2017": 80, "Inception-ResNet-v2, 400 px": 70,
    "DDColor tiny": 104, "DDColor large": 166, "DeOldify stable": 246,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megapixels", type=int, nargs="+", default=[12, 48])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory_of:
        print(memory_of(args.memory_of, args.threads))
        return
    colorizer = Colorizer(threads=args.threads)
    rows = []
    for megapixels in args.megapixels:
        for kind in KINDS if megapixels <= 12 else KINDS[-1:]:
            rows.append(
                measure(make_jpeg(megapixels, kind), colorizer, kind, args.rounds, args.threads)
            )
            print(line(rows[-1]), flush=True)
    for name, content in other_formats(args.megapixels[0]):
        rows.append(measure(content, colorizer, name, max(1, args.rounds // 3), args.threads))
        print(line(rows[-1]), flush=True)
    print("\nPeers, 12-megapixel JPEG, x floor: " + ", ".join(f"{k} {v}" for k, v in PEERS.items()))
    if args.out:
        card = colorizer.model.card
        record = {**provenance("numpy", "pillow", "onnxruntime"), "model_sha256": card.sha256}
        record |= {"threads": args.threads, "rows": rows, "peers_x_floor": PEERS}
        args.out.write_text(json.dumps(record, indent=1) + "\n")


def measure(
    content: bytes, colorizer: Colorizer, kind: str, rounds: int, threads: int
) -> dict[str, object]:
    """Medians of floor and stages in CPU seconds, ratios, and the peak of memory."""
    floors, totals, stages = [], [], []
    _, output = colour(content, colorizer)
    for _ in range(rounds):
        floors.append(cpu(floor, content, output))
        seconds, output = colour(content, colorizer)
        stages.append(seconds)
        totals.append(sum(seconds.values()))
    base = statistics.median(floors)
    size = Image.open(io.BytesIO(content)).size
    return {
        "kind": kind,
        "megapixels": round(size[0] * size[1] / 1e6, 1),
        "floor_seconds": round(base, 4),
        "x_floor": round(statistics.median(totals) / base, 2),
        "x_floor_least": round(min(totals) / min(floors), 2),
        "stages_x_floor": {
            stage: round(statistics.median(s[stage] for s in stages) / base, 3)
            for stage in stages[0]
        },
        "peak_mib_above_model": peak(content, threads),
    }


def colour(content: bytes, colorizer: Colorizer) -> tuple[dict[str, float], bytes]:
    """CPU seconds of each stage of the shipped path, and the coloured file."""
    seconds: dict[str, float] = {}
    last = time.process_time()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.process_time()
        seconds[stage], last = now - last, now

    picture = decode(content)
    lap("decode")
    result = colour_picture(picture, colorizer.model, timer=time.process_time)
    seconds |= result.seconds
    last = time.process_time()
    output = encode(result.picture, mark=colorizer.mark)
    lap("encode")
    return seconds, output


def floor(content: bytes, output: bytes) -> None:
    """Pillow reads the input whole and writes the output's pixels as the output was written."""
    with Image.open(io.BytesIO(content)) as image:
        image.load()
    coloured, options = decoded(output)
    coloured.save(io.BytesIO(), **options)


_DECODED: dict[int, tuple[Image.Image, dict[str, object]]] = {}


def decoded(output: bytes) -> tuple[Image.Image, dict[str, object]]:
    """The output as Pillow's RGB, kept so that decoding it is not counted."""
    key = hash(output)
    if key not in _DECODED:
        _DECODED.clear()
        with Image.open(io.BytesIO(output)) as image:
            options: dict[str, object] = {"format": image.format}
            if image.format == "JPEG":
                options |= {"qtables": image.quantization, "subsampling": 2}
            _DECODED[key] = (image.convert("RGB"), options)
    return _DECODED[key]


def cpu(work: Callable[[bytes, bytes], None], content: bytes, output: bytes) -> float:
    decoded(output)
    start = time.process_time()
    work(content, output)
    return time.process_time() - start


def peak(content: bytes, threads: int) -> int:
    """MiB above the loaded model at the peak of colouring one file, in a fresh process."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        command = [sys.executable, __file__, "--memory-of", file.name, "--threads", str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def memory_of(path: Path, threads: int) -> int:
    colorizer = Colorizer(threads=threads)
    small = io.BytesIO()
    Image.new("L", (64, 64), 90).save(small, "JPEG")
    colour(small.getvalue(), colorizer)
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here
    picture = decode(path)
    encode(colorizer.run(picture).picture, mark=colorizer.mark)
    return round((status("VmHWM") - before) / 1024)


def status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def make_jpeg(megapixels: int, kind: str) -> bytes:
    """A JPEG q90 4:2:0 of 4:3 with grain: true grey, grey stored as RGB, or coloured."""
    image = mosaic(megapixels, coloured=kind == "colour")
    if kind == "grey file":
        image = image.convert("L")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, subsampling=2)
    return out.getvalue()


def mosaic(megapixels: int, *, coloured: bool) -> Image.Image:
    """RGB (3k x 4k) of enlarged examples, those of 12 megapixels repeated for more."""
    unit = round((megapixels * 1e6 / 12) ** 0.5)
    tile = (2 * unit, 3 * unit) if megapixels <= 12 else (unit, 3 * unit // 2)
    canvas = Image.new("L", (4 * unit, 3 * unit))
    for k in range((4 * unit // tile[0]) * (-(-3 * unit // tile[1]))):
        picture = Image.open(EXAMPLES[k % len(EXAMPLES)]).convert("L").resize(tile, 3)
        canvas.paste(picture, (k * tile[0] % (4 * unit), k * tile[0] // (4 * unit) * tile[1]))
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (512, 512))
    luma = np.asarray(canvas, np.int16)
    rows, cols = (-(-n // 512) for n in luma.shape)
    luma = luma + np.tile(grain, (rows, cols))[: luma.shape[0], : luma.shape[1]].astype(np.int16)
    grey = Image.fromarray(np.clip(luma, 0, 255).astype(np.uint8))
    if not coloured:
        return grey.convert("RGB")
    tint = Image.fromarray(rng.integers(96, 160, (12, 16), dtype=np.uint8)).resize(grey.size, 3)
    other = Image.fromarray(rng.integers(96, 160, (12, 16), dtype=np.uint8)).resize(grey.size, 3)
    return Image.merge("YCbCr", [grey, tint, other]).convert("RGB")


def other_formats(megapixels: int) -> list[tuple[str, bytes]]:
    """PNG 8 and 16 bit of the same picture: measured, without a target."""
    grey = mosaic(megapixels, coloured=False).convert("L")
    eight, sixteen = io.BytesIO(), io.BytesIO()
    grey.save(eight, "PNG", compress_level=3)
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(sixteen, "PNG", compress_level=3)
    return [("PNG grey 8 bit", eight.getvalue()), ("PNG grey 16 bit", sixteen.getvalue())]


def line(row: dict[str, object]) -> str:
    stages = ", ".join(f"{k} {v}" for k, v in row["stages_x_floor"].items())  # type: ignore[attr-defined]
    return (
        f"{row['megapixels']:>5} MP {row['kind']:<16} {row['x_floor']:>5} x floor "
        f"(least/least {row['x_floor_least']}; floor {row['floor_seconds']} s CPU), "
        f"+{row['peak_mib_above_model']} MiB: {stages}"
    )


if __name__ == "__main__":
    main()
