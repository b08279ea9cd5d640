"""Names that clients give to files: cleaned before they are shown, and never used as a path."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

_LONGEST = 120  # signs; far below the 255 bytes of a file system, whatever the alphabet
_FALLBACK = "photo"
_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')  # on Windows
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # there too, as a stem


def clean_name(given: str | None) -> str:
    """A file name that is safe to show and to save under, from whatever a client sent.

    What stands before the last slash or backslash goes, and so do control signs, signs that turn
    the direction of writing, and dots and blanks at both ends. Always a name; "photo" if nothing
    is left.
    """
    last = _SEPARATORS.split(given or "")[-1]
    shown = "".join(char for char in unicodedata.normalize("NFC", last) if _visible(char))
    name = _FORBIDDEN.sub("_", shown).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > _LONGEST:
        kept = suffix[:10] if dot else ""
        name = f"{(stem or name)[: _LONGEST - len(kept) - 1]}{dot}{kept}".strip(" .")
    if _DEVICES.fullmatch(name.partition(".")[0].strip()):
        name = f"_{name}"
    return name or _FALLBACK


def result_name(source: str, suffix: str) -> str:
    """farm.jpg, ".png" -> farm.color.png. source: a clean name."""
    path = PurePosixPath(source)
    known = path.suffix.lower() in _PICTURES
    return f"{path.stem if known else source}.color{suffix}"


def numbered(names: list[str]) -> list[str]:
    """Each name with its place before it, so that no two are one: 01-farm.color.jpg."""
    digits = max(2, len(str(len(names))))
    return [f"{place:0{digits}}-{name}" for place, name in enumerate(names, 1)]


def attachment(name: str) -> str:
    """Content-Disposition for a file of this name, in RFC 6266's two forms: the second, RFC 8187's,
    holds every letter.
    """
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


_PICTURES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .tif .tiff .webp .avif .gif .bmp .dib .jp2 .j2k .heic .heif".split()
)


def _visible(char: str) -> bool:
    """False for control, format (these turn the direction), private and half characters."""
    return not unicodedata.category(char).startswith("C") and char not in "\u2028\u2029"
