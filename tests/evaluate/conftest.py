"""A record of two sets and two systems, written by hand, and pictures for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kolorit.evaluate.columns import Words
from kolorit.evaluate.summary import describe_columns

VIVID, OTHER = "mine, vivid", "folder: other"
DEEP = {"fid": Words("FID, TF Inception 2048", "", "low", "Fréchet distance.", counted=True)}


def rows() -> dict[str, dict[str, Any]]:
    """All columns of grey's neighbours are 1; below stands what the tests speak of."""
    special: dict[str, dict[str, Any]] = {
        "truth": {"psnr": ["inf"] * 3, "psnr_over_grey": ["inf"] * 3, "ciede2000": [0.0] * 3},
        "grey": {"psnr": [22.0, 20.0, 24.0], "psnr_over_grey": [0.0] * 3, "bleed": None},
        "tint": {"ciede2000": [12.0, 11.0, 13.0], "reds": None},
        "half-chroma": {"ciede2000": [5.0, 4.5, 5.5]},
        VIVID: {
            "psnr": [21.5, 20.0, 23.0],
            "psnr_over_grey": [-0.5, -1.25, 0.25],
            "ciede2000": [13.0, 12.0, 14.0],
            "colourfulness": [30.0, 25.0, 35.0],
            "cast_a": [-0.04, -1.0, 1.0],
            "bleed": [0.6, 0.5, 0.7],
            "browns": [2.0, 1.5, 2.5],
            "fid": [123.456, None, None],
            "ece": [0.05, 0.04, 0.06],
        },
        OTHER: {
            "psnr": [24.0, 23.0, 25.0],
            "psnr_over_grey": [2.0, 1.0, 3.0],
            "ciede2000": [8.0, 7.0, 9.0],
            "colourfulness": [20.0, 15.0, 25.0],
            "cast_a": [-2.0, -3.0, -1.0],
            "bleed": [0.2, 0.1, 0.3],
            "browns": [0.25, 0.2, 0.3],
            "fid": [99.0, None, None],
        },
    }
    shares = {
        "ciede2000_of_grey": [[0.0], [1.0], [1.03, 0.9, 1.2], [0.43, 0.41, 0.44]],
        "colourfulness_ratio": [[1.0], [0.0], [0.3, 0.2, 0.4], [0.5, 0.45, 0.55]],
    }
    shares["ciede2000_of_grey"] += [[1.11, 0.96, 1.33], [0.67, 0.6, 0.75]]
    shares["colourfulness_ratio"] += [[0.75, 0.6, 0.9], [0.5, 0.4, 0.6]]
    plain = [name for name in describe_columns({}) if name != "ece"]
    found = {row: {**{name: [1.0, 1.0, 1.0] for name in plain}, **special[row]} for row in special}
    for name, values in shares.items():
        for cells, value in zip(found.values(), values, strict=True):
            cells[name] = value * 3 if len(value) == 1 else value
    found["truth"] |= {"colourfulness": [40.0, 35.0, 45.0], "bleed": [0.1, 0.08, 0.12]}
    return found


def one_set(name: str, **more: Any) -> dict[str, Any]:
    hue = {row: [0.0] * 36 for row in ("grey", "tint", "half-chroma")}
    hue |= {"truth": [0.5] + [0.0] * 8 + [0.5] + [0.0] * 26, VIVID: [1.0] + [0.0] * 35}
    hue |= {OTHER: [0.25] * 4 + [0.0] * 32}
    bins = [{"confidence": 0.35, "right": 0.5, "share": 0.25}]
    bins += [{"confidence": 0.85, "right": 0.7, "share": 0.75}]
    differences = {"ciede2000": [5.0, 4.0, 6.0], "psnr": [-2.5, -6.0, 1.0]}
    return {
        "name": name,
        "sha256": "ab" * 32,
        "pictures": 24,
        "near_grey": 1,
        "left_out": [],
        "failures": [],
        "rows": rows(),
        "best_median_worst": {
            VIVID: {"best": "a", "median": "b", "worst": "c"},
            OTHER: {"best": "c", "median": "a", "worst": "b"},
        },
        "reds": ["c", "a"],
        "hue": hue,
        "hints": {VIVID: {"0": [21.5, 20, 23], "10": [25.0, 24, 26], "500": [30.0, 29, 31]}},
        "calibration": {VIVID: {"bins": bins}},
        "paired": [
            {"first": VIVID, "second": OTHER, "column": column, "difference": d, "better": 0.125}
            | {"p": 0.0004 if column == "ciede2000" else 0.25}
            for column, d in differences.items()
        ],
        **more,
    }


@pytest.fixture
def record() -> dict[str, Any]:
    """A new one for each test, that it may spoil."""
    left = [{"picture": "012", "why": "its truth has no colour"}]
    failures = [{"row": OTHER, "picture": "017", "why": "there is no picture of this stem"}]
    return {
        "schema": 1,
        "kolorit": "0.2.0",
        "command": "kolorit evaluate kodak24 plates -m mine -m folder:other",
        "commit": "1234567",
        "machine": "Some processor, 2 cores",
        "python": "3.12.1",
        "versions": {"numpy": "2.1.0"},
        "seed": 0,
        "resamples": 2000,
        "short_side": 256,
        "prior": "the card of default 0.2.0",
        "columns": describe_columns(DEEP),
        "systems": {
            VIVID: {"model": "mine", "version": "1", "sha256": "cd" * 32, "look": "vivid"},
            OTHER: {"folder": "other"},
        },
        "without_truth": {},
        "missing": {"lpips_alex": "needs weights: alexnet.pth"},
        "sets": [one_set("kodak24", left_out=left, failures=failures), one_set("plates")],
    }


@pytest.fixture
def shots() -> dict[str, dict[str, np.ndarray]]:
    """Three photographs of one set: smooth ramps, each row in a colour of its own."""
    found = {}
    for stem, (height, width) in {"a": (256, 384), "b": (384, 256), "c": (40, 60)}.items():
        ramp = np.linspace(60, 200, width)[None, :, None] * np.ones((height, 1, 3))  # (h,w,3)
        colours = {"truth": (1.2, 0.7, 0.6), "grey": (1, 1, 1), "tint": (1, 1, 0.9)}
        colours |= {"half-chroma": (1.1, 0.85, 0.8), VIVID: (1.1, 0.9, 0.6), OTHER: (1, 0.9, 0.9)}
        found[stem] = {row: (ramp * colour).astype(np.uint8) for row, colour in colours.items()}
    return found
