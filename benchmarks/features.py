"""Which stage of the shipped network tells what is in a picture, and what ImageNet's encoder does.

    python benchmarks/features.py food101 [--classes 20] [--learn 60] [-o results/features.json]

`kolorit features` gives the mean of a stage's maps. Here a ridge classifier (penalty 100) learns
from them, standardised, to name the class of grey pictures at 64 px of a set of class folders (as
`kolorit study` takes them); it is judged on the set's own test pictures. MobileNetV2 with
ImageNet's weights (KOLORIT_WEIGHTS) sees the same grey pictures, enlarged to the same size.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from kolorit.evaluate.deep.classifier import load_mobilenet
from kolorit.evaluate.deep.weights import weights_path
from kolorit.evaluate.intervals import interval
from kolorit.evaluate.provenance import provenance
from kolorit.features import Encoder, list_stages
from kolorit.training.representation.sets import ClassSet, open_set
from kolorit.training.representation.sources import MOBILENET

PENALTY = 100.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set")
    parser.add_argument("--classes", type=int, default=20, help="evenly from the set's list")
    parser.add_argument("--learn", type=int, default=60, help="pictures a class to learn from")
    parser.add_argument("-o", "--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        of = open_set(args.set, 64, Path(cache))
        learn, test = rows_of(of, args.classes, args.learn)
        grey = [Image.fromarray(of.pictures[row]).convert("L") for row in (*learn, *test)]
    rows = []
    for stage in list_stages():
        encoder = Encoder(stage=stage)
        rows += [{"network": "kolorit", "stage": stage, **judge(
            np.stack([encoder.features(picture) for picture in grey]), of, learn, test
        )}]  # fmt: skip
        print(rows[-1], flush=True)
    for stage, features in imagenet(grey, encoder.size).items():
        rows += [{"network": "imagenet", "stage": stage, **judge(features, of, learn, test)}]
        print(rows[-1], flush=True)
    record = {
        **provenance("numpy", "onnxruntime", "torch"),
        "model_sha256": Encoder().card.sha256,
        "classes": args.classes, "learn": len(learn), "test": len(test),
        "chance": 1 / args.classes, "rows": rows,
    }  # fmt: skip
    if args.out:
        args.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def rows_of(of: ClassSet, classes: int, learn: int) -> tuple[np.ndarray, np.ndarray]:
    used = np.linspace(0, len(of.classes) - 1, classes).astype(int)
    each = [np.flatnonzero((of.label == k) & ~of.test)[:learn] for k in used]
    return np.concatenate(each), np.flatnonzero(np.isin(of.label, used) & of.test)


def judge(features: np.ndarray, of: ClassSet, learn: np.ndarray, test: np.ndarray) -> dict:
    """features (N,C) of learn, then test. right: mean and 95 % over the test pictures."""
    x = features[: len(learn)].astype(np.float64)
    mean, deviation = x.mean(0), x.std(0)
    kept = deviation > 1e-6
    x, z = ((v[:, kept] - mean[kept]) / deviation[kept] for v in (x, features[len(learn) :]))
    names, truth = np.unique(of.label[learn], return_inverse=True)
    wanted = np.eye(len(names))[truth] - 1 / len(names)
    weights = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ wanted)
    right = names[(z @ weights).argmax(1)] == of.label[test]
    return {"numbers": features.shape[1], "right": interval(right.astype(float))}


@torch.no_grad()
def imagenet(pictures: list[Image.Image], size: int) -> dict[str, np.ndarray]:
    """Means (N,C) of the maps after each layer from stride 16 on."""
    net = load_mobilenet(weights_path(MOBILENET))
    found: dict[str, list[np.ndarray]] = {}
    for picture in pictures:
        x = torch.from_numpy(np.array(picture)).float()[None, None] / 127.5 - 1
        x = F.interpolate(x, (size, size), mode="bilinear").expand(-1, 3, -1, -1)
        for k, layer in enumerate(net.features):
            x = layer(x)
            if k >= 13:
                found.setdefault(f"layer {k}", []).append(x[0].mean((1, 2)).numpy())
    return {stage: np.stack(features) for stage, features in found.items()}


if __name__ == "__main__":
    main()
