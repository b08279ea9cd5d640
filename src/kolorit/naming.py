"""Where a result goes and in which format: name.color.ext, unless the user says otherwise."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from kolorit.errors import ConfigInvalid

# What can be written, and the suffixes that mean it; the first one is given to new names.
SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
}
READ_ONLY = {
    ".gif": "GIF",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".jp2": "JPEG 2000",
    ".j2k": "JPEG 2000",
    ".jpx": "JPEG 2000",
    ".jpf": "JPEG 2000",
    ".j2c": "JPEG 2000",
    ".jpc": "JPEG 2000",
}
_OTHER_NAMES = {"JPG": "JPEG", "MPO": "JPEG", "TIF": "TIFF"}
_FORMAT_OF = {suffix: format for format, many in SUFFIXES.items() for suffix in many}
_OWN = re.compile(r"\.color(\.(\d+|side|compare|confidence))?\.[^.]+\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """A place for a result. format: JPEG, PNG, TIFF, WEBP or AVIF. note: what to tell the user."""

    path: Path
    format: str
    note: str | None = None


def name_output(
    source: Path,
    read_format: str,
    out: str | os.PathLike[str] | None = None,
    format: str | None = None,
) -> Target:
    """The place of the coloured picture of a file.

    source: the file. read_format: what it is, by its content. out: a file; or a folder, which
    exists or is written with a slash at its end (as text: a Path drops the slash); None is beside
    the source. format: wins over the suffix of ``out``, which wins over the source's own; a format
    that is only read becomes PNG, with a note.
    Raises ConfigInvalid for an unknown ``format``.
    """
    wanted = None if format is None else known_format(format)
    if out is not None and not is_folder(out):
        return _named_file(Path(out), read_format, wanted)
    chosen, note = (wanted, None) if wanted else _like(read_format)
    same = _FORMAT_OF.get(source.suffix.lower()) == chosen
    suffix = source.suffix if same else SUFFIXES[chosen][0]
    folder = source.parent if out is None else Path(out)
    return Target(folder / f"{_stem(source)}.color{suffix}", chosen, note)


def known_format(name: str) -> str:
    """JPEG for "jpeg", "jpg", "JPEG" and so on. Raises ConfigInvalid for what cannot be written."""
    upper = name.upper().removeprefix(".")
    chosen = _OTHER_NAMES.get(upper, upper)
    if chosen not in SUFFIXES:
        names = ", ".join(SUFFIXES).lower()
        raise ConfigInvalid(f"format = '{name}'", remedy=f"Use one of: {names}.")
    return chosen


def is_folder(out: str | os.PathLike[str]) -> bool:
    """Whether a place for results means a folder: it ends with a slash, or is one."""
    text = os.fspath(out)
    return text.endswith(("/", os.sep)) or os.path.isdir(text)


def beside(path: Path, word: str, suffix: str | None = None) -> Path:
    """A further result's place: farm.color.jpg, "1" -> farm.color.1.jpg."""
    return path.with_name(f"{path.stem}.{word}{path.suffix if suffix is None else suffix}")


def is_own_output(name: str) -> bool:
    """Whether a file's name is one that is given to results, as farm.color.jpg."""
    return _OWN.search(name) is not None


def original_of(path: Path, *, result: bool = False) -> Path:
    """A photograph's path without its suffix; of a result's path (farm.color.jpg), the same."""
    return path.with_name(_OWN.sub("", path.name)) if result else path.with_name(_stem(path))


def _named_file(path: Path, read_format: str, wanted: str | None) -> Target:
    suffix = path.suffix.lower()
    says = _FORMAT_OF.get(suffix)
    if wanted:
        odd = says is not None and says != wanted
        return Target(path, wanted, f"{path.name} holds a {wanted}" if odd else None)
    if says:
        return Target(path, says)
    if suffix in READ_ONLY:
        return Target(path, "PNG", f"{READ_ONLY[suffix]} is not written: {path.name} is PNG inside")
    chosen, note = _like(read_format)
    if suffix[1:].isalpha():  # "farm.heic", but not "scan 3.5" or "farm.v2"
        note = f"{suffix} is not written: {path.name} is {chosen} inside"
    return Target(path, chosen, note)


def _like(read_format: str) -> tuple[str, str | None]:
    """(format, note) of a result that should be as its source."""
    chosen = _OTHER_NAMES.get(read_format, read_format)
    if chosen in SUFFIXES:
        return chosen, None
    return "PNG", f"{read_format} is not written: the result is a PNG"


def _stem(source: Path) -> str:
    """The name without its suffix; a name like "scan 3.5" that has none stays whole."""
    suffix = source.suffix.lower()
    return source.stem if suffix in _FORMAT_OF or suffix in READ_ONLY else source.name
