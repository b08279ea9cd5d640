"""Photographs for training, decoded once: one memory-mapped array of squares with an index.

    store-<contents>.npy    (N,side,side,3) uint8, in the order of their hashes
    store-<contents>.json   for each its source and hash; what was skipped, and why

Both are written in a folder of the build's own and renamed at the end, the index last: a build
that is killed leaves nothing that is taken for whole, and two at once give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kolorit.errors import OutputUnwritable
from kolorit.training.recipe import Recipe
from kolorit.training.sources import Skipped, Source, find_sources, list_photographs
from kolorit.training.squares import Say, Squares, content_hash, reasons, write_squares

FORMAT = 3  # of the files; another number makes new ones
DEAD = 3600.0  # seconds after which a build that wrote nothing was killed
SAMPLES = 16  # squares that are compared with the index when a store is opened


@dataclass(frozen=True, eq=False)
class Store:
    """squares (N,side,side,3) uint8, in the order of ``hashes``; source (N,) says whose each is.

    names, weights: of the sources, as the recipe has them. hashes: the first 16 digits of the
    sha256 of each square's bytes, rising. skipped: (file, why) of what was not taken.
    """

    squares: Squares
    source: npt.NDArray[np.int32]
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    weights: tuple[float, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def open_recipe_store(recipe: Recipe, run: Path, say: Say = lambda _: None) -> Store:
    """The store of a recipe's sources, kept beside the run's folder so that runs share it."""
    return open_store(recipe.sources, recipe.store_px, run.parent / "stores", say)


def open_store(
    sources: dict[str, float], side: int, cache: Path, say: Say = lambda _: None
) -> Store:
    """The squares of all usable photographs of the sources, made where ``cache`` has none.

    The files are named after what the sources hold (names, sizes and times of files), so new
    photographs make a new store; say is told of the progress. Grey pictures, copies and broken
    files are skipped. Raises DataCorrupt when more than one in a hundred members of a source's
    shards are broken or fewer than two pictures are left, OutputUnwritable when the disk is full.
    """
    found = find_sources(sources)
    made = _contents(found, side)
    path = cache / f"store-{made}.npy"
    store = _load(path, made, side, found)
    if store is None:
        with _writing(path):
            _build(path, made, side, found, say)
        store = _load(path, made, side, found)
        if store is None:
            raise OutputUnwritable("what was just written here cannot be read again", file=path)
    return store


def split(store: Store, share: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices for training and for validation: held out are the hashes in the last ``share``.

    So a picture's side follows from its pixels alone, whatever else is in the store; except that
    each side gets one picture where it would have none.
    """
    count = len(store.hashes)
    border = bisect_left(store.hashes, f"{min(int((1 - share) * 2**64), 2**64 - 1):016x}")
    border = min(max(border, 1), count - 1)
    return np.arange(border), np.arange(border, count)


def _contents(sources: list[Source], side: int) -> str:
    """What a store is named after."""
    files = [[s.sharded, [[f.name, f.size, f.changed] for f in s.files]] for s in sources]
    return hashlib.sha256(json.dumps([FORMAT, side, files]).encode()).hexdigest()[:16]


def _load(path: Path, made: str, side: int, sources: list[Source]) -> Store | None:
    """The store at a path, or None unless it is whole and what its index says."""
    try:
        index = json.loads(path.with_suffix(".json").read_text("utf-8"))
        squares: Squares = np.load(path, mmap_mode="r")
        hashes = tuple(index["hashes"])
        source = np.array(index["source"], np.int32)
        skipped = tuple(Skipped(**item) for item in index["skipped"])
        shown = tuple((f"{sources[s.source].name}/{s.key}", s.why) for s in skipped)
        whole = (
            index["made"] == made
            and len(hashes) > 1
            and squares.shape == (len(hashes), side, side, 3)
            and squares.dtype == np.uint8
            and source.shape == (len(hashes),)
            and 0 <= source.min() <= source.max() < len(sources)
            and all(a < b for a, b in pairwise(hashes))
        )
        some = range(0, len(hashes), max(1, len(hashes) // SAMPLES))
        if not whole or any(content_hash(squares[at]) != hashes[at] for at in some):
            return None
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, OverflowError):
        return None  # missing, cut off, or somebody else's
    return Store(
        squares,
        source,
        tuple(s.name for s in sources),
        hashes,
        tuple(s.weight for s in sources),
        shown,
    )


def _build(path: Path, made: str, side: int, sources: list[Source], say: Say) -> None:
    """Write both files in a folder of their own, then rename them."""
    listing = list_photographs(sources)
    total, need = len(listing.photographs), len(listing.photographs) * side * side * 3
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    _check_space(path, need)
    say(f"decoding {total:,} photographs, {need / 1e6:,.0f} MB at most, into {path}")
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix="building-"))
    try:
        squares_file, index_file = folder / "squares.npy", folder / "index.json"
        with squares_file.open("w+b") as out:
            kept, skipped = write_squares(out, listing, side, sources, say)
        index = {
            "made": made,
            "ignored": listing.ignored,
            "hashes": [mark for mark, _ in kept],
            "source": [at for _, at in kept],
            "skipped": [asdict(item) for item in skipped],
        }
        index_file.write_text(json.dumps(index, indent=0), "utf-8")
        for file, final in ((squares_file, path), (index_file, path.with_suffix(".json"))):
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
            file.replace(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    listed = f"; skipped: {reasons(skipped)}, listed in {path.stem}.json" if skipped else ""
    say(f"{len(kept):,} of {total:,} photographs can be used{listed}")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Around a build: what the disk refuses becomes an error that names the file."""
    try:
        yield
    except OSError as error:
        cause = f"the decoded photographs cannot be written: {error.strerror or error}"
        raise OutputUnwritable(cause, file=path) from error


def _check_space(path: Path, need: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < need:
        raise OutputUnwritable(
            f"the decoded photographs take {need:,} bytes here, and {free:,} are free",
            file=path,
            remedy="Free some space, put the run elsewhere with -o, or set a smaller store_px.",
        )


def _sweep(cache: Path) -> None:
    """Remove what killed builds have left; a living one writes all the time."""
    for folder in cache.glob("building-*"):
        with suppress(OSError):
            newest = max(p.stat().st_mtime for p in (folder, *folder.iterdir()))
            if time.time() - newest > DEAD:
                shutil.rmtree(folder, ignore_errors=True)
