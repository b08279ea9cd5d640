"""Which format a file is, by its first bytes; its name is never asked."""

from __future__ import annotations

from kolorit.errors import InputUnreadable

HEAD = 4096  # bytes to look at
TRUNCATED = "the file is truncated: it ends before the picture does"
AGAIN = "Copy or download the picture again."  # the remedy for bytes that did not arrive whole

AVIF_BRANDS = (b"avif", b"avis")
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")

# What else people take for a photograph: first bytes, what it is.
STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIU\x00", "a camera's raw file"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"SIMPLE  =", "a FITS file"),
    (b"GIF8", "a damaged GIF"),
)


def identify(head: bytes, name: str | None = None) -> str:
    """Pillow's name of the format, from the first HEAD bytes of a file.

    Raises InputUnreadable for any format off the list, saying what the file looks like.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") and head[8:10] != b"CR":
        return "TIFF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if head.startswith(b"BM"):
        return "BMP"
    if head.startswith((b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  \r\n\x87\n")):
        return "JPEG2000"
    if head[4:8] == b"ftyp" and _brands(head) & set(AVIF_BRANDS):
        return "AVIF"
    what, remedy = _stranger(head)
    raise InputUnreadable(f"this is {what}", file=name, remedy=remedy)


def webp_size(head: bytes) -> tuple[int, int]:
    """(width, height) of a WebP from its first bytes. Raises InputUnreadable if they are broken.

    Source: RFC 9649, sections 2.5 to 2.7.
    """
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if kind == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        return (
            int.from_bytes(head[26:28], "little") & 0x3FFF,
            int.from_bytes(head[28:30], "little") & 0x3FFF,
        )
    raise InputUnreadable("the WebP's header is damaged", remedy=AGAIN)


def lost_depth(head: bytes, format: str) -> int | None:
    """Bits a channel of a colour JPEG 2000 or an AVIF that Pillow reads at 8 bits; else None.

    Source: ISO 15444-1, A.5.1 (SIZ);
    ISO 23008-12, 6.5.6 (pixi).
    """
    bits = 8
    if format == "JPEG2000" and (at := head.find(b"\xff\x4f\xff\x51")) >= 0:
        channels, bits = int.from_bytes(head[at + 40 : at + 42], "big"), 8
        if channels > 1 and len(head) > at + 42:
            bits = (head[at + 42] & 0x7F) + 1
    elif format == "AVIF" and (at := head.find(b"pixi")) >= 0 and len(head) > at + 9:
        bits = head[at + 9]
    return bits if 8 < bits <= 38 else None


def _brands(head: bytes) -> set[bytes]:
    """The brands that an ISO media file says it follows."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def _stranger(head: bytes) -> tuple[str, str | None]:
    """(what it is, remedy or None for the usual one) of a file that is not read."""
    if head[4:8] == b"ftyp":
        if _brands(head) & set(HEIF_BRANDS):
            return "a HEIC picture, which is not read", "Export it as JPEG or PNG first."
        return "a film, not a photograph", None
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "a camera's raw file", "Develop it to a 16-bit TIFF or PNG first."
    if head[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6") and head[2:3].isspace():
        return "a PNM picture, which is not read", "Convert it to PNG first."
    for start, what in STRANGERS:
        if head.startswith(start):
            return f"{what}, whatever its name says", None
    if not any(head):
        return "a file of zeros: its content is lost", "Copy it again from where it came."
    if _is_text(head):
        kind = "a web page or a drawing in text" if head.lstrip()[:1] == b"<" else "a text file"
        return f"{kind}, whatever its name says", None
    return "no picture that is known here", None


def _is_text(head: bytes) -> bool:
    try:
        words = head.decode("utf-8", errors="strict" if len(head) < HEAD else "ignore")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\r\n\t\f\ufeff" for char in words)
