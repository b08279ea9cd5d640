"""Photographs for training: tar shards in, one memory-mapped array of squares out."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kolorit.errors import DataCorrupt, InputUnreadable, LimitExceeded
from kolorit.picture.rgb import decode_rgb, resize_rgb
from kolorit.training.recipe import Recipe, data_root

Array = np.ndarray


def read_shards(folders: list[Path]) -> Iterator[tuple[str, bytes]]:
    """(key, file bytes) of every member of every ``*.tar`` in the folders, in sorted order.

    Only plain files with a bare name are taken, so a shard cannot point outside itself. Raises
    DataCorrupt when a folder has no shards or a shard breaks off.
    """
    for folder in folders:
        shards = sorted(folder.glob("*.tar"))
        if not shards:
            raise DataCorrupt(
                "no .tar shards here",
                file=folder,
                remedy="Check KOLORIT_DATA and the recipe's shards.",
            )
        for shard in shards:
            try:
                if not _is_whole(shard):
                    raise tarfile.ReadError("its end is missing")
                with tarfile.open(shard) as tar:
                    for member in tar:
                        if member.isfile() and "/" not in member.name and "\\" not in member.name:
                            handle = tar.extractfile(member)
                            assert handle is not None
                            yield f"{folder.name}/{shard.stem}/{member.name}", handle.read()
            except (tarfile.TarError, OSError) as error:
                raise DataCorrupt(f"this shard breaks off: {error}", file=shard) from error


def _is_whole(shard: Path) -> bool:
    """Whether a tar file has its closing blocks of zeros; tarfile itself does not mind."""
    with shard.open("rb") as file:
        file.seek(-min(1024, shard.stat().st_size), 2)
        return file.read() == bytes(1024)


def open_store(folders: list[Path], side: int, cache: Path) -> Array:
    """Squares (N,side,side,3) uint8 of all pictures, shuffled by name; built once, then mapped.

    Broken pictures are left out, up to one in a hundred; above that DataCorrupt is raised. The
    cache is named after the shards' names and sizes, so new shards make a new store.
    """
    shards = [p for folder in folders for p in sorted(folder.glob("*.tar"))]
    what = json.dumps([side, *[(p.parent.name, p.name, p.stat().st_size) for p in shards]])
    path = cache / f"store-{hashlib.sha256(what.encode()).hexdigest()[:12]}.npy"
    if not path.exists():
        _build(folders, side, path)
    squares: Array = np.load(path, mmap_mode="r")
    return squares


def open_recipe_store(recipe: Recipe, run: Path) -> Array:
    """The store of a recipe's shards, kept beside the run's folder so that runs share it."""
    return open_store(
        [data_root() / s for s in recipe.shards], recipe.store_px, run.parent / "stores"
    )


def _build(folders: list[Path], side: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw, bad, keys = path.with_suffix(".partial"), 0, []
    with raw.open("wb") as out:
        for key, data in read_shards(folders):
            try:
                out.write(square(decode_rgb(data), side).tobytes())
            except (InputUnreadable, LimitExceeded):
                bad += 1
                continue
            keys.append(key)
    if not keys or bad > 0.01 * (len(keys) + bad):
        raise DataCorrupt(f"{bad} of {len(keys) + bad} pictures cannot be read", file=folders[0])
    flat = np.memmap(raw, dtype=np.uint8, mode="r", shape=(len(keys), side, side, 3))
    order = sorted(range(len(keys)), key=lambda i: hashlib.sha256(keys[i].encode()).digest())
    partial = path.with_suffix(".npy.partial")
    squares = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=flat.shape)
    for k in range(0, len(order), 256):
        squares[k : k + 256] = flat[order[k : k + 256]]
    squares.flush()
    del squares, flat
    partial.replace(path)
    raw.unlink()


def square(rgb: Array, side: int) -> Array:
    """The middle square of rgb (H,W,3) uint8, resized to (side,side,3)."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    return resize_rgb(rgb[top : top + short, left : left + short], (side, side))
