"""training/store.py and squares.py: photographs to one array of squares, built once and whole."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kolorit.colour.lab import lab_to_rgb
from kolorit.errors import DataCorrupt, OutputUnwritable
from kolorit.picture.rgb import decode_rgb
from kolorit.training import squares as squares_module
from kolorit.training import store as store_module
from kolorit.training.recipe import Recipe
from kolorit.training.sources import Listing, Skipped
from kolorit.training.squares import (
    content_hash,
    progress,
    reorder,
    square,
    toned,
    write_squares,
)
from kolorit.training.store import Store, open_recipe_store, open_store, split


def picture(seed: int, size: tuple[int, int] = (48, 40), grey: bool = False) -> bytes:
    """A PNG of soft colours."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    small = np.repeat(small[..., :1], 3, -1) if grey else small
    out = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def folder(path: Path, count: int = 6, **more: bytes) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        (path / f"{k:03d}.png").write_bytes(picture(k))
    for name, content in more.items():
        (path / f"{name}.png").write_bytes(content)
    return path


def shard(path: Path, members: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def opened(*folders: Path, side: int = 32, cache: Path | None = None) -> Store:
    names = {str(path): 1.0 for path in folders}
    return open_store(names, side, cache or folders[0].parent / "cache")


# -- what is in it


def test_every_picture_is_there_once_in_the_order_of_its_content(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos", 9)
    store = opened(photos)
    expected = {square(decode_rgb(p.read_bytes()), 32).tobytes() for p in photos.iterdir()}
    assert store.squares.shape == (9, 32, 32, 3)
    assert {s.tobytes() for s in np.asarray(store.squares)} == expected
    assert len(expected) == 9
    assert list(store.hashes) == [content_hash(s) for s in store.squares] == sorted(store.hashes)
    assert isinstance(store.squares, np.memmap)


def test_names_and_packing_do_not_matter(tmp_path: Path) -> None:
    plain = opened(folder(tmp_path / "a", 8))
    shard(tmp_path / "b" / "x.tar", [(f"{k * 7 % 8}.png", picture(k)) for k in range(3)])
    shard(tmp_path / "b" / "y.tar", [(f"{k * 7 % 8}.png", picture(k)) for k in range(3, 8)])
    packed = opened(tmp_path / "b")
    assert plain.hashes == packed.hashes
    np.testing.assert_array_equal(plain.squares, packed.squares)


def test_each_square_knows_its_source(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one", 3), tmp_path / "two"
    shard(two / "a.tar", [(f"{k}.png", picture(k)) for k in range(2, 7)])  # 2 is in both
    store = open_store({str(one): 1.0, str(two): 2.5}, 32, tmp_path / "cache")
    assert store.names == (str(one), str(two))
    assert store.weights == (1.0, 2.5)
    assert np.bincount(store.source).tolist() == [3, 4]  # the first source keeps it
    mine = {content_hash(square(decode_rgb(picture(k)), 32)) for k in range(3)}
    assert {h for h, s in zip(store.hashes, store.source, strict=True) if s == 0} == mine
    assert store.skipped == ((f"{two}/a.tar/2.png", f"copy of {one}/002.png"),)


def test_what_is_skipped_is_listed_with_its_reason(tmp_path: Path) -> None:
    sepia = np.full((40, 40, 3), (128, 127, 126), np.uint8)
    out = io.BytesIO()
    Image.fromarray(sepia).save(out, "PNG")
    photos = folder(
        tmp_path / "photos",
        *(4,),
        grey=picture(50, grey=True),
        nearly=out.getvalue(),
        copy=picture(2),
        text=b"no picture at all",
        half=picture(60)[:-40],
        empty=b"",
    )
    store = opened(photos)
    assert len(store.squares) == 4
    why = {Path(file).stem: reason for file, reason in store.skipped}
    assert why.pop("grey") == "grey: mean chroma 0.0"
    assert why.pop("nearly").startswith("grey: mean chroma 0.")
    assert why.pop("copy") == f"copy of {photos}/002.png"
    assert sorted(why) == ["empty", "half", "text"]
    assert all(reason.startswith("broken: ") and "0x" not in reason for reason in why.values())
    assert json.loads(next((tmp_path / "cache").glob("*.json")).read_text())["skipped"]


# Grey (H,W,1) 0..1 to rgb (H,W,3) 0..1.
TONES = {
    "sepia": lambda grey: grey * np.array([1, 0.87, 0.66]),
    "yellowed paper": lambda grey: grey * np.array([1, 0.96, 0.86]),
    "sepia in the lights alone": lambda grey: grey * (1 - grey * np.array([0, 0.1, 0.25])),
    "cyanotype": lambda grey: grey ** np.array([1.9, 1.1, 0.7]),
    "selenium": lambda grey: grey * 0.9 + np.array([0.05, 0, 0.06]),
}
SOFT = np.asarray(Image.open(io.BytesIO(picture(3, (192, 192)))))
GREY = SOFT[..., :1] / 255
NOISE = np.random.default_rng(0).normal(0, 3, SOFT.shape)


@pytest.mark.parametrize("quality", [80, 95])
@pytest.mark.parametrize("tone", TONES)
def test_a_toned_print_is_known(tone: str, quality: int) -> None:
    """With grain, from a JPEG."""
    rgb = np.rint(TONES[tone](GREY) * 255 + NOISE[..., :1]).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality)
    assert toned(decode_rgb(out.getvalue()))


def _flowers(scale: float) -> np.ndarray:
    """Red and grey places of one lightness: one hue, and a colour photograph."""
    lab = np.zeros((*GREY.shape[:2], 3), np.float32)
    lab[..., 0], lab[..., 1] = 30 + 40 * GREY[..., 0], scale * (SOFT[..., 1] / 255)
    return np.rint(lab_to_rgb(lab).clip(0, 1) * 255).astype(np.uint8)


def _dusk() -> np.ndarray:
    """Each lightness has one colour, but there are two: blue land, an orange sky."""
    dark, light = np.array([20, 30, 80]), np.array([250, 170, 90])
    return np.rint(dark + (light - dark) * GREY).astype(np.uint8)


@pytest.mark.parametrize(
    "rgb", [SOFT, _flowers(30), _flowers(10), _dusk()], ids=["soft", "red", "pale red", "dusk"]
)
def test_a_photograph_in_colours_is_no_toned_print(rgb: np.ndarray) -> None:
    assert not toned(rgb)


def test_photographs_of_the_evaluation_are_no_toned_prints() -> None:
    """Deserts, seas and sunsets are among them; and their prints are, once they are toned."""
    folder = Path(os.environ.get("KOLORIT_DATA", "/none")) / "eval" / "bsds500-test"
    files = sorted(folder.glob("*.jpg"))[::8]
    if not files:
        pytest.skip("no photographs under KOLORIT_DATA")
    photographs = [square(decode_rgb(path, 128), 128) for path in files]
    assert not any(toned(rgb) for rgb in photographs)
    prints = [TONES["sepia"](rgb.mean(2, keepdims=True)).astype(np.uint8) for rgb in photographs]
    assert all(toned(rgb) for rgb in prints)


def test_toned_prints_are_left_out_and_listed(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(np.rint(TONES["sepia"](GREY) * 255).astype(np.uint8)).save(out, "PNG")
    photos, said = folder(tmp_path / "photos", 4, print=out.getvalue()), []
    store = open_store({str(photos): 1.0}, 32, tmp_path / "cache", said.append)
    assert len(store.squares) == 4
    assert store.skipped == ((f"{photos}/print.png", "one colour only (a toned print?)"),)
    assert "skipped: 1 of one colour, listed" in said[-1]
    for path in photos.glob("0*.png"):
        path.unlink()
    with pytest.raises(DataCorrupt, match="none of 1 photographs can be used: 1 of one colour"):
        opened(photos)
    Image.fromarray(np.rint(TONES["cyanotype"](GREY) * 255).astype(np.uint8)).save(
        photos / "blue.png"
    )
    with pytest.raises(DataCorrupt, match="all 2 photographs are of one colour"):
        opened(photos)


def test_large_photographs_come_out_as_small_ones_do(tmp_path: Path) -> None:
    """JPEGs are decoded at a fraction of their size; what is stored stays what it was."""
    rgb = np.asarray(Image.open(io.BytesIO(picture(1, (1600, 1200)))))
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=95)
    photos = folder(tmp_path / "photos", 1)
    (photos / "000.png").write_bytes(out.getvalue())
    (photos / "other.png").write_bytes(picture(9))
    store = opened(photos)
    stored = min(np.abs(s.astype(int) - square(rgb, 32)).mean() for s in store.squares)
    assert stored < 1.5


def test_square_takes_the_middle() -> None:
    rgb = np.zeros((40, 100, 3), np.uint8)
    rgb[:, 30:70] = 200
    assert (square(rgb, 40) == 200).all()


@pytest.mark.parametrize(
    ("grey", "broken", "copies", "words"),
    [
        (14, 0, 0, "all 14 photographs are grey"),
        (0, 3, 0, "all 3 photographs are broken"),
        (2, 1, 0, "none of 3 photographs can be used: 1 broken, 2 grey"),
        (0, 1, 2, "only one of 4 photographs can be used: 1 broken, 2 copies"),
    ],
)
def test_a_source_without_two_usable_pictures_says_why(
    tmp_path: Path, grey: int, broken: int, copies: int, words: str
) -> None:
    photos = folder(
        tmp_path / "photos",
        *(0,),
        **{f"g{k}": picture(k, grey=True) for k in range(grey)},
        **{f"b{k}": b"broken" for k in range(broken)},
        **{f"c{k}": picture(1) for k in range(copies and copies + 1)},
    )
    with pytest.raises(DataCorrupt, match=words) as error:
        opened(photos)
    assert "two at least" in error.value.remedy
    assert not list((tmp_path / "cache").iterdir())


# -- shards that are not what they were


def _flip(good: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    content = bytearray(good[0][1])
    content[len(content) // 2] ^= 4
    return [(good[0][0], bytes(content)), *good[1:]]


FAULTS = {
    "bit flip": _flip,
    "missing member": lambda good: [*good, *((f"{k}.json", b"{}") for k in (*range(5), 9999))],
    "duplicate key": lambda good: [*good, good[0]],
    "absolute name": lambda good: [*good, ("/etc/x.png", picture(1))],
    "not a picture": lambda good: [*good, ("x.jpg", b"none")],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_under_one_bad_sample_in_a_hundred_training_goes_on(tmp_path: Path, fault: str) -> None:
    members = FAULTS[fault]([(f"{k}.png", picture(k, (16, 16))) for k in range(120)])
    shard(tmp_path / "photos" / "a.tar", members)
    store = opened(tmp_path / "photos", side=16)
    assert len(store.squares) >= 119
    assert len(store.skipped) == 1
    assert store.skipped[0][1].startswith("broken: ")


@pytest.mark.parametrize("fault", FAULTS)
def test_above_one_in_a_hundred_it_is_refused(tmp_path: Path, fault: str) -> None:
    members = FAULTS[fault]([(f"{k}.png", picture(k, (16, 16))) for k in range(20)])
    shard(tmp_path / "photos" / "a.tar", members)
    with pytest.raises(DataCorrupt, match=r"at least 1 of 2\d photographs are broken") as error:
        opened(tmp_path / "photos", side=16)
    assert error.value.exit_code == 11
    assert "photos" in str(error.value.file)


def test_one_source_does_not_hide_another_ones_faults(tmp_path: Path) -> None:
    good = [(f"{k}.png", picture(k, (16, 16))) for k in range(120)]
    shard(tmp_path / "good" / "a.tar", good)
    shard(tmp_path / "bad" / "a.tar", [*good[:10], ("x.png", b"none")])
    with pytest.raises(DataCorrupt, match="1 of 11"):
        opened(tmp_path / "good", tmp_path / "bad", side=16)


# -- built once and whole


def test_the_store_is_built_once_and_again_for_other_contents(tmp_path: Path) -> None:
    photos, cache = folder(tmp_path / "photos"), tmp_path / "cache"
    opened(photos)
    first = {p: p.stat().st_mtime_ns for p in cache.iterdir()}
    assert len(first) == 2
    opened(photos)
    assert {p: p.stat().st_mtime_ns for p in cache.iterdir()} == first
    os.utime(photos / "000.png", ns=(1, 1))
    opened(photos)
    assert len(list(cache.iterdir())) == 4
    opened(photos, side=16)
    (photos / "000.png").unlink()
    assert len(opened(photos).squares) == 5
    assert len(list(cache.iterdir())) == 8


def test_the_recipe_store_lies_beside_the_run(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos")
    recipe = Recipe("r", "net", {"l1": 1.0}, {str(photos): 1.0}, store_px=32)
    said: list[str] = []
    store = open_recipe_store(recipe, tmp_path / "runs" / "one", said.append)
    assert len(store.squares) == 6
    assert list((tmp_path / "runs" / "stores").glob("store-*.npy"))
    assert said[-1] == "6 of 6 photographs can be used"
    assert "6 photographs" in said[0]


def _object_array(path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple[object, tuple[str, int]]:
            return os.mknod, (str(path.parent / "canary"), 0)

    head = {"descr": "|O", "fortran_order": False, "shape": (6, 32, 32, 3)}
    with path.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, head)
        out.write(pickle.dumps([Touch()]))


SPOILERS = {
    "cut off": lambda npy, index: npy.write_bytes(npy.read_bytes()[:-1]),
    "empty": lambda npy, index: npy.write_bytes(b""),
    "of another size": lambda npy, index: np.save(npy, np.zeros((6, 16, 16, 3), np.uint8)),
    "of another type": lambda npy, index: np.save(npy, np.zeros((6, 32, 32, 3), np.float32)),
    "of other pictures": lambda npy, index: np.save(npy, np.zeros((6, 32, 32, 3), np.uint8)),
    "of objects": lambda npy, index: _object_array(npy),
    "gone": lambda npy, index: npy.unlink(),
    "without index": lambda npy, index: index.unlink(),
    "index of text": lambda npy, index: index.write_text("hashes"),
    "index of bytes": lambda npy, index: index.write_bytes(b"\xff\xfe"),
    "index of a list": lambda npy, index: index.write_text("[1, 2]"),
    "index of nulls": lambda npy, index: index.write_text('{"hashes": null, "source": null}'),
    "index of another store": lambda npy, index: _change(index, made="other"),
    "index that misses one": lambda npy, index: _change(index, hashes=["0" * 16] * 5),
    "source that is not there": lambda npy, index: _change(index, source=[0, 0, 0, 0, 0, 7]),
    "source below none": lambda npy, index: _change(index, source=[0, 0, 0, 0, 0, -1]),
    "source without end": lambda npy, index: _change(index, source=[0, 0, 0, 0, 0, 10**40]),
    "skipped of another source": lambda npy, index: _change(index, skipped=[[1]]),
}


def _change(index: Path, **values: object) -> None:
    index.write_text(json.dumps(json.loads(index.read_text()) | values))


@pytest.mark.parametrize("how", SPOILERS)
def test_a_store_that_is_spoilt_or_foreign_is_built_again(tmp_path: Path, how: str) -> None:
    photos, cache = folder(tmp_path / "photos"), tmp_path / "cache"
    before = np.array(opened(photos).squares)
    (npy,), (index,) = cache.glob("*.npy"), cache.glob("*.json")
    right = index.read_text()
    SPOILERS[how](npy, index)
    after = opened(photos)
    np.testing.assert_array_equal(after.squares, before)
    assert index.read_text() == right
    assert sorted(p.suffix for p in cache.iterdir()) == [".json", ".npy"]  # and no canary


KILLED = """
import os, signal, sys
from pathlib import Path
from kolorit.training import squares, store

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "while decoding":
    squares.EVERY = 0.0
    say = lambda text: "left" in text and kill()
    store.open_store({sys.argv[1]: 1.0}, 32, Path(sys.argv[2]), say)
elif sys.argv[3] == "while ordering":
    squares.reorder = kill
else:
    replace = Path.replace
    Path.replace = lambda a, b: (replace(a, b), kill())  # the array is there, its index is not
store.open_store({sys.argv[1]: 1.0}, 32, Path(sys.argv[2]))
"""


@pytest.mark.parametrize("when", ["while decoding", "while ordering", "while renaming"])
def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_whole(
    tmp_path: Path, when: str
) -> None:
    photos, cache = folder(tmp_path / "photos"), tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, photos, cache, when], check=False)
    assert done.returncode == -9
    (left,) = cache.glob("building-*")
    store = opened(photos)
    assert [content_hash(s) for s in store.squares] == list(store.hashes)
    assert len(store.hashes) == 6
    assert left.exists()  # it might be alive
    for path in (*left.iterdir(), left):
        os.utime(path, (1, 1))
    opened(photos, side=16)
    assert not left.exists()


def test_an_error_while_building_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = folder(tmp_path / "photos")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(squares_module, "reorder", interrupt)
    with pytest.raises(KeyboardInterrupt):
        opened(photos)
    assert not list((tmp_path / "cache").iterdir())


def test_two_builds_at_once_do_not_spoil_each_other(tmp_path: Path) -> None:
    photos, cache = folder(tmp_path / "photos", 60), tmp_path / "cache"
    code = (
        "import sys; from pathlib import Path; from kolorit.training.store import open_store\n"
        "s = open_store({sys.argv[1]: 1.0}, 32, Path(sys.argv[2])); sys.stdin.read()\n"
        "from kolorit.training.squares import content_hash\n"
        "assert [content_hash(q) for q in s.squares] == list(s.hashes); print(len(s.hashes))"
    )
    start = [sys.executable, "-c", code, str(photos), str(cache)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    both = [subprocess.Popen(start, **pipes) for _ in range(2)]
    assert [b.communicate()[0].strip() for b in both] == [b"60", b"60"]
    assert sorted(p.suffix for p in cache.iterdir()) == [".json", ".npy"]


def test_a_disk_without_room_is_noticed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = folder(tmp_path / "photos")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6, 18_431))
    with pytest.raises(OutputUnwritable, match=r"18,432 bytes.*18,431.*store-.*npy") as error:
        opened(photos)
    assert error.value.exit_code == 4
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6, 18_432))
    assert len(opened(photos).squares) == 6


def test_a_disk_that_fills_up_is_an_error_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module, "write_squares", full)
    with pytest.raises(OutputUnwritable, match=r"No space left on device.*store-.*npy"):
        opened(folder(tmp_path / "photos"))
    assert not list((tmp_path / "cache").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnwritable):
        opened(tmp_path / "photos", cache=tmp_path / "file" / "stores")


def test_memory_stays_flat(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos", 150)
    opened(folder(tmp_path / "few"), side=96)  # tables that are made once
    tracemalloc.start()
    try:
        opened(photos, side=96, cache=tmp_path / "c")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000 < 150 * 96 * 96 * 3 / 2


@given(st.permutations(range(9)))
def test_reordering_in_place_is_indexing(order: list[int]) -> None:
    file = io.BytesIO(b"head" + b"".join(bytes([k] * 3) for k in range(9)))
    reorder(file, 4, 3, order)
    assert file.getvalue() == b"head" + b"".join(bytes([k] * 3) for k in order)


def test_progress_is_said_every_few_seconds_with_the_time_left() -> None:
    said: list[str] = []
    now = iter([0.0, 4.0, 6.0, 7.0, 90.0, 100.0])
    tell = progress(44_342, said.append, clock=lambda: next(now))
    for done in (1, 2_000, 2_100, 12_000, 44_342):
        tell(done)
    assert said == [
        "2,000 of 44,342 photographs decoded, 2 min left",
        "12,000 of 44,342 photographs decoded, 4 min left",
    ]


def test_the_store_of_a_shard_with_too_many_bad_members_is_not_even_begun() -> None:
    listing = Listing([], [Skipped(0, "a", "broken: x")], 0)
    source = namedtuple("source", "sharded folder name")(True, Path("photos"), "photos")
    with pytest.raises(DataCorrupt, match="1 of 1"):
        write_squares(io.BytesIO(), listing, 8, [source], print)


# -- the split


def _store(hashes: list[str]) -> Store:
    squares = np.zeros((len(hashes), 1, 1, 3), np.uint8)
    return Store(squares, np.zeros(len(hashes), np.int32), ("s",), tuple(hashes), (1.0,))


HASHES = st.sets(st.integers(0, 2**64 - 1).map("{:016x}".format), min_size=2, max_size=40)


@given(HASHES, HASHES, st.floats(1e-4, 0.9))
def test_a_pictures_side_follows_from_its_content(
    some: set[str], more: set[str], share: float
) -> None:
    """More photographs never move an old one, unless a side had none of its own."""
    few, many = sorted(some), sorted(some | more)
    sides = []
    for hashes in (few, many):
        train, held = split(_store(hashes), share)
        assert sorted([*train, *held]) == list(range(len(hashes)))
        assert len(train) and len(held)
        sides.append({hashes[k] for k in held})
    natural = {h for h in few if int(h, 16) >= (1 - share) * 2**64}
    if natural and natural != set(few):
        assert sides[0] == natural
        assert sides[0] == sides[1] & set(few)


def test_the_share_held_out_is_the_share_asked_for() -> None:
    rng = np.random.default_rng(0)
    hashes = sorted(f"{h:016x}" for h in rng.integers(0, 2**64, 20_000, np.uint64))
    train, held = split(_store(hashes), 0.1)
    assert len(held) / 20_000 == pytest.approx(0.1, abs=0.01)
    assert len(train) + len(held) == 20_000


def test_two_pictures_are_enough() -> None:
    for hashes in (["0" * 16, "1" * 16], ["e" * 16, "f" * 16]):
        train, held = split(_store(hashes), 0.02 if hashes[0] < "8" else 0.9)
        assert (train.tolist(), held.tolist()) == ([0], [1])
