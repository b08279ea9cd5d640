"""What a model costs, how steady it is, and what its stored precision loses.

    python benchmarks/model.py [--model default] [--run runs/hinted-default] [--sets coco-sample]
        [--first 60] [-o results/model]

Cost: size of the file, milliseconds of the network and of the whole way from grey planes to
coloured ones at 256 px, memory above a process that has only opened onnxruntime. Steadiness: the
same photographs given at other sizes and shifted, CIEDE2000 between the results. Precision, with
--run, whose checkpoint has the weights in full: CIEDE2000 to the truth of float32, of weights
stored in float16 and int8, and of int8 computation. The photographs are those of evaluation sets.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from kolorit.colorizer import colour_picture, shrink
from kolorit.colour.difference import ciede2000
from kolorit.evaluate.intervals import interval
from kolorit.evaluate.provenance import provenance
from kolorit.evaluate.sets import find_set, read_truth
from kolorit.evaluate.systems import grey_of
from kolorit.evaluate.view import lab_of
from kolorit.picture.picture import from_luma, to_rgb
from kolorit.runtime.model import Model, load_model
from kolorit.runtime.onnx import Session
from kolorit.runtime.store import find_model

SIZES = (256, 512, 1024, 2048)  # short sides
SHIFT = 8  # pixels
RUNS = 15
_MEMORY = """
import resource, sys, numpy as np, onnxruntime
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
if sys.argv[1] != "empty":
    from kolorit.hints import paint
    from kolorit.runtime.model import load_model
    from kolorit.runtime.store import find_model
    model = load_model(sys.argv[1])
    for _ in range(3):
        model.predict(np.full((256, 256), 50, np.float32), paint((), 256, 256))
else:
    import kolorit.runtime.model
print(peak())
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--sets", nargs="+", default=["coco-sample"])
    parser.add_argument("--first", type=int, default=60)
    parser.add_argument("-o", "--out", type=Path, default=Path("results/model"))
    args = parser.parse_args()
    model = load_model(args.model, threads=2)
    paths = [p.path for name in args.sets for p in find_set(name, args.first).photographs]
    record = {
        **provenance("onnxruntime", "numpy", "pillow", "onnx"),
        "seed": 0,
        "model_sha256": model.card.sha256,
        "pictures": len(paths),
        "cost": cost(args.model, model),
        "steadiness": steadiness(model, paths),
        "precision": precision(args.run, model, paths) if args.run else {},
    }
    args.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    text = table(record)
    args.out.with_suffix(".md").write_text(text)
    print(text)


def cost(name: str, model: Model) -> dict[str, float]:
    L = np.full((256, 256), 50, np.float32)
    hints = np.zeros((3, 256, 256), np.float32)
    grey = from_luma(np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8))
    peak = {which: _peak(which) for which in ("empty", name)}
    return {
        "megabytes": find_model(name).stat().st_size / 1e6,
        "network_ms": 1e3 * _median(lambda: model.predict(L, hints)),
        "network_ms_at_its_size": 1e3
        * _median(lambda: model.predict(L[:160, :160], hints[:, :160, :160])),
        "whole_way_ms": 1e3 * _median(lambda: colour_picture(grey, model)),
        "memory_megabytes": peak[name] - peak["empty"],
    }


def _median(do) -> float:
    do()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _peak(which: str) -> float:
    command = [sys.executable, "-c", _MEMORY, which]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def steadiness(model: Model, paths: list[Path]) -> dict[str, list[float]]:
    """CIEDE2000 between a photograph's result at 256 px and its results at others, reduced to it.

    Sizes beyond the photograph's own are made by enlarging it.
    """
    apart: dict[str, list[float]] = {}
    for path in paths:
        grey = Image.fromarray(grey_of(read_truth(path, max(SIZES))).luma)
        small = _resized(grey, SIZES[0])
        first = _coloured(model, small)
        moved = _coloured(model, small.crop((SHIFT, SHIFT, *small.size)))
        pairs = {f"shifted by {SHIFT} px": (first[SHIFT:, SHIFT:], moved)}
        for side in SIZES[1:]:
            large = Image.fromarray(_coloured(model, _resized(grey, side)))
            other = np.asarray(large.resize(small.size, Image.Resampling.BOX))
            pairs[f"at {side} px"] = (first, other)
        for name, (one, other) in pairs.items():
            between = ciede2000(lab_of(one)[::2, ::2], lab_of(other)[::2, ::2]).mean()
            apart.setdefault(name, []).append(float(between))
    return {name: _interval(values) for name, values in apart.items()}


def _resized(image: Image.Image, short: int) -> Image.Image:
    scale = short / min(image.size)
    size = tuple(round(n * scale) for n in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _coloured(model: Model, image: Image.Image) -> np.ndarray:
    return np.asarray(to_rgb(colour_picture(from_luma(np.asarray(image)), model).picture))


def precision(run: Path, model: Model, paths: list[Path]) -> dict[str, dict[str, object]]:
    """The run's weights in four ways: megabytes, CIEDE2000, how much more than float32, and time as
    a share of float32's. Calibrated on other photographs than those that are scored: the second
    half of them."""
    scored, other = paths[: len(paths) // 2], paths[len(paths) // 2 :]
    variants = make_variants(run, [shrink(grey_of(read_truth(p, 256)), model.card) for p in other])
    looked = {
        name: Model(model.card, Session(network, threads=2)) for name, network in variants.items()
    }
    errors: dict[str, list[float]] = {name: [] for name in variants}
    for path in scored:
        truth = read_truth(path, 256)
        lab = lab_of(truth)[::2, ::2]
        for name, one in looked.items():
            rgb = np.asarray(to_rgb(colour_picture(grey_of(truth), one).picture))
            errors[name].append(float(ciede2000(lab_of(rgb)[::2, ::2], lab).mean()))
    L, hints = np.full((160, 160), 50, np.float32), np.zeros((3, 160, 160), np.float32)
    seconds = {name: _median(lambda one=one: one.predict(L, hints)) for name, one in looked.items()}
    return {
        name: {
            "megabytes": round(len(variants[name]) / 1e6, 2),
            "ciede2000": _interval(errors[name]),
            "more_than_float32": _interval(list(np.subtract(errors[name], errors["float32"]))),
            "time_of_float32": round(seconds[name] / seconds["float32"], 3),
        }
        for name in variants
    }


def make_variants(run: Path, lightness: list[np.ndarray]) -> dict[str, bytes]:
    """The network in float32, stored in float16 and int8, and computing in int8."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from kolorit.training import onnx_file
    from kolorit.training.export import load_trained

    net, recipe, _ = load_trained(run / "best.safetensors")
    half, keep = onnx_file.to_onnx(net, recipe.lab), onnx_file.store_half
    onnx_file.store_half = lambda proto: proto
    try:
        full = onnx_file.to_onnx(net, recipe.lab)
    finally:
        onnx_file.store_half = keep

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(lightness)

        def get_next(self) -> dict[str, np.ndarray] | None:
            L = next(self.left, None)
            if L is None:
                return None
            return {"L": L[None, None], "hints": np.zeros((1, 3, *L.shape), np.float32)}

    with tempfile.TemporaryDirectory() as folder:
        one, ready, out = (str(Path(folder) / f"{name}.onnx") for name in ("full", "ready", "int8"))
        Path(one).write_bytes(full)
        quant_pre_process(one, ready, skip_symbolic_shape=True)
        quantize_static(
            ready, out, Reader(), per_channel=True, weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
        )  # fmt: skip
        computed = Path(out).read_bytes()
    stored = store_int8(onnx.load_from_string(full)).SerializeToString()
    return {
        "float32": full,
        "float16 stored": half,
        "int8 stored": stored,
        "int8 computed": computed,
    }


def store_int8(model):
    """Each large weight in int8 with a scale for each of its first axis, symmetric about 0."""
    from onnx import helper, numpy_helper

    nodes, added = [], []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < 64:
            continue
        rows = values.reshape(len(values), -1)
        scale = np.maximum(np.abs(rows).max(1), 1e-12).astype(np.float32) / 127
        whole = np.round(rows / scale[:, None]).astype(np.int8).reshape(values.shape)
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(whole, f"{name}_int8"))
        added += [numpy_helper.from_array(scale, f"{name}_scale")]
        inputs = [f"{name}_int8", f"{name}_scale"]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [name], axis=0))
    model.graph.initializer.extend(added)
    for k, node in enumerate(nodes):
        model.graph.node.insert(k, node)
    return model


def _interval(values: list[float]) -> list[float]:
    return [round(v, 3) for v in interval(np.array(values), np.ones(len(values)))]


def table(record: dict) -> str:
    cost = record["cost"]
    lines = [
        "# What the model costs, how steady it is, what its precision loses",
        "",
        f"`{record['command']}` on {record['machine']}, commit {record['commit']}, "
        f"model {record['model_sha256'][:12]}, {record['pictures']} photographs; brackets: 95 % "
        "intervals over them.",
        "",
        "| cost | |",
        "|---|---|",
        f"| file | {cost['megabytes']:.1f} MB |",
        f"| network at 256 px | {cost['network_ms']:.0f} ms |",
        f"| network at the size at which it looks | {cost['network_ms_at_its_size']:.0f} ms |",
        f"| grey planes to coloured planes, 256 px | {cost['whole_way_ms']:.0f} ms |",
        f"| memory above an empty onnxruntime process | {cost['memory_megabytes']:.0f} MB |",
        "",
        "| the same photograph | CIEDE2000 from that at 256 px |",
        "|---|---|",
    ]
    for name, (mean, low, high) in record["steadiness"].items():
        lines.append(f"| {name} | {mean:.2f} ({low:.2f} to {high:.2f}) |")
    if record["precision"]:
        lines += [
            "",
            "| weights | MB | CIEDE2000 | more than float32 | time of float32 |",
            "|---|---|---|---|---|",
        ]
        for name, row in record["precision"].items():
            mean, low, high = row["ciede2000"]
            more = "{:+.3f} ({:+.3f} to {:+.3f})".format(*row["more_than_float32"])
            lines.append(
                f"| {name} | {row['megabytes']} | {mean:.2f} ({low:.2f} to {high:.2f}) | {more} | "
                f"{row['time_of_float32']:.2f} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
