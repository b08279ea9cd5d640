"""The mark that a model added the colour, in XMP, merged into what the file already says.

Terms: IPTC Photo Metadata Standard 2025.1; vocabulary of digital source types at cv.iptc.org.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
FIELDS = ("DigitalSourceType", "AISystemUsed", "AISystemVersionUsed")


@dataclass(frozen=True)
class Mark:
    """Who coloured the picture: the system's name and its version."""

    system: str
    version: str


def marked(xmp: bytes | None, mark: Mark) -> bytes:
    """An XMP packet that holds what `xmp` held and the mark.

    An earlier mark is replaced. A packet that is no well-formed XMP, or that declares entities, is
    left out and a new one begun.
    """
    if xmp:
        merged = _merged(xmp, mark)
        if merged is not None:
            return merged
    about = '<rdf:Description rdf:about=""'
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}">{_description(about, mark)}</rdf:RDF>'
        '</x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def _description(start: str, mark: Mark) -> str:
    values = (SOURCE_TYPE, mark.system, mark.version)
    fields = "".join(
        f"<Iptc4xmpExt:{field}>{escape(_legal(value))}</Iptc4xmpExt:{field}>"
        for field, value in zip(FIELDS, values, strict=True)
    )
    return f'{start} xmlns:Iptc4xmpExt="{IPTC}">{fields}</rdf:Description>'


def _legal(words: str) -> str:
    """Without characters that XML cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", words)


def _merged(xmp: bytes, mark: Mark) -> bytes | None:
    """The packet with the mark as one more description at its end, or None if it is not legible.

    The rest stays byte for byte: parsing and writing it again would rename its prefixes.
    """
    try:
        packet = xmp.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "<!DOCTYPE" in packet or "<!ENTITY" in packet or not _well_formed(packet):
        return None
    for prefix in set(re.findall(rf"xmlns:([\w.-]+)\s*=\s*[\"']{re.escape(IPTC)}[\"']", packet)):
        for field in FIELDS:
            name = re.escape(f"{prefix}:{field}")
            packet = re.sub(rf"<{name}(?:\s[^<>]*)?/>", "", packet)
            packet = re.sub(rf"<{name}(?:\s[^<>]*)?>.*?</{name}\s*>", "", packet, flags=re.S)
            packet = re.sub(rf"\s{name}\s*=\s*(\"[^\"]*\"|'[^']*')", "", packet)
    ours = re.escape(f'<rdf:Description xmlns:rdf="{RDF}" rdf:about=')
    packet = re.sub(ours + rf'"[^"]*" xmlns:Iptc4xmpExt="{IPTC}"></rdf:Description>', "", packet)
    found = re.search(rf"xmlns:([\w.-]+)\s*=\s*[\"']{re.escape(RDF)}[\"']", packet)
    prefix = found.group(1) if found else "rdf"
    about = re.search(rf"\s{re.escape(prefix)}:about\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", packet)
    subject = (about.group(1) or about.group(2) or "") if about else ""
    start = f'<rdf:Description xmlns:rdf="{RDF}" rdf:about={quoteattr(_plain(subject))}'
    description = _description(start, mark)
    empty = re.search(rf"<{re.escape(prefix)}:RDF([^<>]*)/>", packet)
    if empty:
        whole = f"<{prefix}:RDF{empty.group(1)}>{description}</{prefix}:RDF>"
        packet = packet[: empty.start()] + whole + packet[empty.end() :]
    else:
        end = packet.rfind(f"</{prefix}:RDF")
        if end < 0:
            return None
        packet = packet[:end] + description + packet[end:]
    return packet.encode() if _well_formed(packet) else None


def _plain(words: str) -> str:
    """An attribute's value out of its escapes."""
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        words = words.replace(name, char)
    return words.replace("&amp;", "&")


def _well_formed(packet: str) -> bool:
    body = re.sub(r"^\ufeff?\s*", "", packet)
    try:
        ElementTree.fromstring(body.encode())
    except (ElementTree.ParseError, ValueError):
        return False
    return True
