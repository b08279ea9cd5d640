"""training/shards.py: which members are taken, which are listed as bad, which shards refused."""

from __future__ import annotations

import io
import os
import pickle
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.errors import DataCorrupt
from kolorit.training.sources import Listing, find_sources, list_photographs, read_photograph


def shard(path: Path, *members: tuple[str, bytes] | tarfile.TarInfo, format: int = 0) -> Path:
    """A tar of these members, in POSIX's plain format unless told; a TarInfo has no content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=format) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return path


def listing(folder: Path) -> Listing:
    return list_photographs(find_sources({str(folder): 1.0}))


def keys(folder: Path) -> list[str]:
    return [photograph.key for photograph in listing(folder).photographs]


def bad(folder: Path) -> dict[str, str]:
    return {item.key: item.why for item in listing(folder).skipped}


def test_members_are_read_as_they_are(tmp_path: Path) -> None:
    shard(tmp_path / "b.tar", ("1.jpg", b"three"))
    shard(tmp_path / "a.tar", ("2.png", b"one" * 999), ("./1.JPG", b"two"))
    shard(tmp_path / "c.tar", ("n" * 150 + ".jpg", b"four"), format=tarfile.GNU_FORMAT)
    shard(tmp_path / "d.tar", ("m" * 150 + "é.jpg", b"five"), format=tarfile.PAX_FORMAT)
    found = listing(tmp_path)
    assert [p.key[:8] for p in found.photographs] == [
        *("a.tar/2.", "a.tar/1.", "b.tar/1.", "c.tar/nn", "d.tar/mm")
    ]
    read = [read_photograph(p) for p in found.photographs]
    assert read == [b"one" * 999, b"two", b"three", b"four", b"five"]
    assert not found.skipped


def test_nothing_but_plain_pictures_with_a_bare_name_is_taken(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Touch:
        def __reduce__(self) -> tuple[object, tuple[str, int]]:
            return os.mknod, (str(canary), 0)

    def special(name: str, type: bytes, target: str = "", size: int = 0) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = type, target, size
        return info

    shard(
        tmp_path / "s" / "a.tar",
        ("1.jpg", b"good"),
        ("1.pkl", pickle.dumps(Touch())),
        ("1.cls", b"7"),
        ("../up.jpg", b"x"),
        ("/etc/absolute.jpg", b"x"),
        ("sub/folder.jpg", b"x"),
        ("back\\slash.jpg", b"x"),
        ("._1.jpg", b"what another system adds"),
        ("1.jpg", b"again"),
        special("soft.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.jpg", tarfile.LNKTYPE, "1.jpg"),
        special("pipe.jpg", tarfile.FIFOTYPE),
        special("device.jpg", tarfile.CHRTYPE),
        special("folder.jpg", tarfile.DIRTYPE),
    )
    found = listing(tmp_path / "s")
    assert [read_photograph(p) for p in found.photographs] == [b"good"]
    path, link = "broken: its name is a path", "broken: it is a link or something else"
    why = {item.key.removeprefix("a.tar/"): item.why for item in found.skipped}
    for name in ("../up.jpg", "/etc/absolute.jpg", "sub/folder.jpg", "back\\slash.jpg"):
        assert why.pop(name) == path
    for name in ("soft.jpg", "hard.jpg", "pipe.jpg", "device.jpg"):
        assert why.pop(name).startswith(link)
    assert why == {"1.jpg": "broken: its name is there twice"}
    assert found.ignored == 4  # pkl, cls, the other system's, the folder
    assert not canary.exists()


def test_a_sparse_member_is_not_taken(tmp_path: Path) -> None:
    """It may claim any size."""
    info = tarfile.TarInfo("huge.jpg")
    info.pax_headers = {"GNU.sparse.size": str(10**15), "GNU.sparse.map": "0,1"}
    info.size = 0
    shard(tmp_path / "a.tar", info, format=tarfile.PAX_FORMAT)
    assert list(bad(tmp_path)) == ["a.tar/huge.jpg"]
    assert keys(tmp_path) == []


def test_a_sample_without_its_picture_is_bad(tmp_path: Path) -> None:
    shard(
        tmp_path / "a.tar",
        *(("1.jpg", b"x"), ("1.json", b"{}"), ("2.json", b"{}"), ("3.jpg", b"x")),
        ("labels.txt", b"of all"),
    )
    assert bad(tmp_path) == {"a.tar/2": "broken: its picture is missing"}
    assert listing(tmp_path).ignored == 3


def test_names_that_a_terminal_stumbles_over_are_escaped(tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", ("red\x1b[31m\n.jpg", b"x"))
    assert keys(tmp_path) == [r"a.tar/red\x1b[31m\n.jpg"]


def test_a_damaged_header_loses_one_member(tmp_path: Path) -> None:
    members = [(f"{k}.jpg", bytes([k + 1]) * 700) for k in range(5)]
    whole = shard(tmp_path / "a.tar", *members).read_bytes()
    for k in range(5):
        broken = bytearray(whole)
        broken[k * 1536 + 50] ^= 1  # headers of 512 bytes, contents of two blocks
        (tmp_path / "a.tar").write_bytes(broken)
        found = listing(tmp_path)
        assert [read_photograph(p)[0] for p in found.photographs] == [
            n + 1 for n in range(5) if n != k
        ]
        assert [item.why for item in found.skipped] == [
            f"broken: a damaged header at byte {k * 1536}"
        ]


def test_a_damaged_header_behind_another_one_loses_one_member(tmp_path: Path) -> None:
    """Archivers write a header of their own before each whose time has fractions."""
    members = []
    for k in range(4):
        info = tarfile.TarInfo(f"{k}.jpg")
        info.mtime = 1e9 + 0.5
        members.append(info)
    whole = shard(tmp_path / "a.tar", *members, format=tarfile.PAX_FORMAT).read_bytes()
    for at in range(3 * 512, len(whole) - 1024, 512):  # after the first member
        broken = bytearray(whole)
        broken[at + 3] ^= 1
        (tmp_path / "a.tar").write_bytes(broken)
        found = listing(tmp_path)
        assert len(found.photographs) >= 3
        assert len(found.photographs) + len(found.skipped) >= 4


@given(st.integers(0, 4 * 1536 - 1), st.integers(0, 7))
def test_a_flipped_bit_loses_at_most_one_member(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    members = [(f"{k}.jpg", random.Random(k).randbytes(1000)) for k in range(4)]
    broken = bytearray(shard(folder / "a.tar", *members).read_bytes())
    broken[at] ^= 1 << bit
    (folder / "a.tar").write_bytes(broken)
    found = listing(folder)
    assert len(found.photographs) >= 3
    assert len(found.photographs) + len(found.skipped) == 4


@given(
    st.binary(max_size=3000),
    st.integers(0, 3000),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_whatever_a_shard_holds_the_answer_is_a_list_or_an_error_that_names_it(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, format: int
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    long = ("n" * 120 + ".jpg", b"x" * 600)
    whole = shard(folder / "a.tar", ("1.jpg", b"x" * 600), long, format=format)
    content = bytearray(whole.read_bytes())
    content[at : at + len(junk)] = junk
    whole.write_bytes(content)
    try:
        found = listing(folder)
    except DataCorrupt as error:
        assert "a.tar" in str(error)
    else:
        assert all(p.offset + p.size <= len(content) for p in found.photographs)


def test_a_shard_that_was_not_copied_whole_is_refused_and_named(tmp_path: Path) -> None:
    whole = shard(tmp_path / "a.tar", *((f"{k}.jpg", b"x" * 9000) for k in range(300))).read_bytes()
    half = len(whole) // 2
    between = 150 * (512 + 9216)  # two members
    zeros = whole[:between] + bytes(len(whole) - between)
    for broken in (b"", whole[:half], whole[:between], whole.rstrip(b"\0"), zeros):
        (tmp_path / "a.tar").write_bytes(broken)
        with pytest.raises(DataCorrupt, match=r"this shard breaks off.*a\.tar") as error:
            listing(tmp_path)
        assert error.value.exit_code == 11
    (tmp_path / "a.tar").write_bytes(whole + whole)  # two in one file are whole
    assert len(keys(tmp_path)) == 300
