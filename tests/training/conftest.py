"""Small training data made on the spot: two shards of coloured gradients."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the extra 'train' is not installed")

TINY = """
net = "hinted_unet"
shards = ["photos"]
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
