"""Small sets of pictures in classes, made on the spot, and studies of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the extra 'train' is not installed")
pytest.importorskip("diffusers", reason="the extra 'train' is not installed")

if TYPE_CHECKING:
    from kolorit.training.representation.sets import ClassSet
    from kolorit.training.representation.splits import Domain
    from kolorit.training.representation.study import Study

STAGES = ("down1", "down2", "latent")
LABELS = {"in": {0.25: 20, 1.0: 80}, "out": {0.25: 5, 1.0: 20}}

CLASSES = ("apple", "bread", "curry", "dumpling", "eggs", "fries")

TINY = """
question = "Does it run?"
data = "foods"
px = 32
baseline = "random"
net = { widths = [4, 8, 8], layers = 1, groups = 4 }

[split]
held_out = 2
pretext = 0.5
development = 0.2

[training]
steps = 3
batch = 4
warmup = 1
seeds = [0, 1]

[probe]
numbers = 64
stages = ["down1", "latent"]
fractions = [0.5, 1.0]
seeds = [0, 1]
weight_decays = [1e-3, 1e-1]

[arms.raw]
features = "grey"

[arms.random]
features = "random"

[arms.colour]
features = "pretext"
pretext = "ab"
"""


def food(of_class: int, k: int, px: int = 32) -> np.ndarray:
    """A picture (px,px,3) uint8 whose hue and stripes tell its class, under noise."""
    rng = np.random.default_rng((of_class, k))
    hues = [(200, 40, 40), (190, 150, 80), (220, 180, 30), (90, 160, 60), (240, 230, 120)]
    colour = np.array([*hues, (60, 90, 200)][of_class])
    place = np.arange(px)[:, None] * (of_class % 3) + np.arange(px)[None] * (of_class // 3 + 1)
    wave = 1 + 0.3 * np.sin(place * 2 * np.pi / 12 + rng.uniform(0, 6))
    noise = rng.normal(0, 12, (px, px, 3))
    return (wave[..., None] * colour + noise).clip(0, 255).astype(np.uint8)


def write_foods(folder: Path, train: int = 20, test: int = 6, classes: int = 6) -> Path:
    """train/CLASS/ID.png and test/CLASS/ID.png."""
    for k, name in enumerate(CLASSES[:classes]):
        for side, ids in (("train", range(train)), ("test", range(train, train + test))):
            (folder / side / name).mkdir(parents=True, exist_ok=True)
            for i in ids:
                Image.fromarray(food(k, i)).save(folder / side / name / f"{i:03d}.png")
    return folder


@pytest.fixture(scope="session")
def foods_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_foods(tmp_path_factory.mktemp("data") / "foods")


@pytest.fixture
def foods(foods_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """KOLORIT_DATA/foods: six classes, twenty pictures to train and six to test each."""
    monkeypatch.setenv("KOLORIT_DATA", str(foods_once.parent))
    return foods_once


@pytest.fixture(scope="session")
def food_set(foods_once: Path, tmp_path_factory: pytest.TempPathFactory) -> ClassSet:
    from kolorit.training.representation.sets import open_set

    return open_set(str(foods_once), 32, tmp_path_factory.mktemp("stores"))


@pytest.fixture
def study(tmp_path: Path, foods: Path) -> Callable[..., Study]:
    """Makes tiny studies, as changed by "key=value"."""
    from kolorit.training.representation.study_file import load_study

    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return lambda *changes: load_study(str(path), changes)


@pytest.fixture
def domains(food_set: ClassSet) -> dict[str, Domain]:
    from kolorit.training.representation.splits import split_set
    from kolorit.training.representation.study import Defects, Split

    return split_set(food_set, Split(held_out=2, pretext=0.5, development=0.2), Defects())


@pytest.fixture
def made_up() -> Callable[..., ClassSet]:
    """A set of grey pixels with so many pictures of so many classes; only its labels matter."""

    def make(classes: int, train: int, test: int, px: int = 4, **more: Any) -> ClassSet:
        from kolorit.training.representation.sets import ClassSet

        label = np.concatenate([np.repeat(np.arange(classes), n) for n in (train, test)])
        side = np.arange(len(label)) >= classes * train
        names = tuple(f"{k}/{i}" for i, k in enumerate(label))
        pictures = np.full((len(label), px, px, 3), 128, np.uint8)
        return ClassSet(
            pictures, label, side, tuple(f"class{k}" for k in range(classes)), names, "0" * 16
        )

    return make


def made_record(
    arms: tuple[str, ...], stages: tuple[str, ...] = STAGES, classes: tuple[int, int] = (4, 2)
) -> dict[str, Any]:
    """A record of the fair study whose numbers are made up: arm k has about 20 + k per cent."""
    from kolorit.training.representation.study import as_table
    from kolorit.training.representation.study_file import load_study

    study = as_table(load_study("food101-fair"))
    rows, best = [], []
    for k, arm in enumerate(arms):
        one = study["arms"][arm]["features"] in ("rgb", "grey", "histogram")
        for domain in ("in", "out"):
            for s, stage in enumerate(("pixels",) if one else stages):
                for fraction, labels in LABELS[domain].items():
                    mean = 0.2 + k / 100 + 0.01 * s - 0.1 * (fraction < 1) + 0.1 * (domain == "out")
                    rows.append(
                        {
                            "arm": arm,
                            "stage": stage,
                            "probe": "linear",
                            "domain": domain,
                            "fraction": fraction,
                            "labels": labels,
                            "development_labels": 8,
                            "train": 0.9,
                            "gap": [0.5, 0.4, 0.6],
                            "accuracy": [mean, mean - 0.02, mean + 0.03],
                            "development": mean,
                        }
                    )
            best.append({"arm": arm, "probe": "linear", "domain": domain, "stage": stage})
    domains = {}
    for name, n, at in zip(("in", "out"), classes, (0, classes[0]), strict=True):
        names = [f"dish{at + k}" for k in range(n)]
        counts = {"pool": 9, "test": 9, "pretext": 9}
        domains[name] = {"classes": names, "chance": 1 / n, **counts}
    split = {"domains": domains, "pictures": 99, "classes": sum(classes), "digest": "0"}
    about = {"perceptual": "none", "test_looked_at": 1, "pretexts": {}, "differences": []}
    sees = {**dict.fromkeys(study["arms"], "grey"), "random": "colour"}
    return {"study": study, "rows": rows, "best": best, "split": split, "sees": sees, **about}
