"""Small training data made on the spot: two shards of coloured gradients."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from torch import nn

    from kolorit.training.checkpoint import Checkpoint
    from kolorit.training.recipe import Recipe

pytest.importorskip("torch", reason="the extra 'train' is not installed")

TINY = """
net = "hinted_unet"
sources = ["photos"]
store_px = 64
crops = [32]
crop_min = 40
final_crops = [64]
final_share = 0.25
precision = "32-true"
steps = 4
batch = 4
warmup = 2
log_every = 1
hints = 0.5
save_every = 2
validate_every = 4
validation = 0.2
validation_pictures = 4

[net_config]
deep = 16
s16 = 16
s8 = 16
s4 = 16
s2 = 8
deep_blocks = 1

[losses]
classification = 1.0
smooth_l1 = 0.05
"""


SMALL = """
net = "unet"
net_config = { base = 2 }
sources = ["photos"]
losses = { l2 = 1.0 }
store_px = 64
crops = [32, 64]
crop_min = 40
precision = "32-true"
steps = 6
batch = 4
lr = 0.01
encoder_lr = 0.01
warmup = 2
ema = 0.9
log_every = 1
save_every = 2
validate_every = 3
grid_every = 3
validation = 0.2
validation_pictures = 4
"""


def jpeg(seed: int, size: tuple[int, int] = (96, 80)) -> bytes:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def write_shard(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """KOLORIT_DATA with photos/a.tar and photos/b.tar, ten pictures each."""
    for k, name in enumerate("ab"):
        members = {f"{i:06d}.jpg": jpeg(100 * k + i) for i in range(10)}
        write_shard(tmp_path / "data" / "photos" / f"{name}.tar", members)
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


Make = Callable[..., "Recipe"]


@pytest.fixture
def small(shards: Path, tmp_path: Path) -> Make:
    """Makes recipes of a network of some thousand weights, with norms, as changed by overrides."""
    from kolorit.training.recipe_file import load_recipe

    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return lambda *overrides: load_recipe(str(path), overrides)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two steps of ``small``; look at it, or copy it."""
    from kolorit.training.recipe_file import load_recipe

    folder = tmp_path_factory.mktemp("finished")
    write_shard(folder / "photos" / "a.tar", {f"{k:03d}.jpg": jpeg(k) for k in range(10)})
    (folder / "small.toml").write_text(SMALL)
    changes = ("steps=2", "grid_every=9", f'sources=["{folder}/photos"]')
    recipe = load_recipe(str(folder / "small.toml"), changes)
    run_quietly(recipe, folder / "run")
    return folder / "run"


@pytest.fixture
def again(finished: Path, tmp_path: Path, small: Make) -> tuple[Path, Make]:
    """A copy of the finished run, and its recipe as changed by overrides."""
    shutil.copytree(finished, tmp_path / "again")
    source = f'sources=["{finished.parent}/photos"]'
    return tmp_path / "again", lambda *changes: small("steps=2", "grid_every=9", source, *changes)


@pytest.fixture(scope="session")
def exported_unet() -> tuple[nn.Module, bytes]:
    """A small U-Net whose norms have statistics, and its .onnx, which takes seconds to make."""
    import torch
    from torch.nn.init import normal_

    from kolorit.training.nets import unet
    from kolorit.training.onnx_file import to_onnx

    torch.manual_seed(0)
    net = unet.build(base=4)
    normal_(net.ab.weight, std=0.3)  # it starts as a grey picture
    for _ in range(20):
        net(100 * torch.rand(4, 1, 64, 64))
    return net.eval(), to_onnx(net)


def run_quietly(recipe: Recipe, out: Path, **options: Any) -> Path:
    """``train`` on one CPU process, with no word said."""
    from kolorit.training.loop import train

    quiet = {"accelerator": "cpu", "devices": 1, "say": lambda line: None}
    return train(recipe, out, **{**quiet, **options})


def differences(one: Checkpoint, other: Checkpoint) -> list[str]:
    """What of two checkpoints is not equal bit for bit."""
    import torch

    found = [f for f in ("step", "recipe", "history") if getattr(one, f) != getattr(other, f)]
    for part in ("net", "ema", "optimiser", "critic", "critic_optimiser"):
        a, b = getattr(one, part), getattr(other, part)
        found += [f"{part}/{k}" for k in sorted(a.keys() ^ b.keys())]
        found += [f"{part}/{k}" for k in a.keys() & b.keys() if not torch.equal(a[k], b[k])]
    return found


def rows_of(out: Path) -> list[dict[str, Any]]:
    """The log of a run without its times."""
    from kolorit.training.metrics_log import read

    times = ("seconds", "images_per_second", "waiting")
    return [{k: v for k, v in row.items() if k not in times} for row in read(out / "metrics.jsonl")]
