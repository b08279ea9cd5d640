"""The mark, merged into packets of many makes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kolorit.picture.mark import IPTC, RDF, SOURCE_TYPE, Mark, marked

MARK = Mark("Kolorit", "1")


def values(packet: bytes, field: str) -> list[str | None]:
    root = ElementTree.fromstring(packet.decode().lstrip("\ufeff"))
    found = [element.text for element in root.iter(f"{{{IPTC}}}{field}")]
    for element in root.iter(f"{{{RDF}}}Description"):
        if (value := element.get(f"{{{IPTC}}}{field}")) is not None:
            found.append(value)
    return found


def packet(inside: str, namespace: str = "rdf", about: str = 'rdf:about=""') -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta '
        f'xmlns:x="adobe:ns:meta/"><{namespace}:RDF xmlns:{namespace}="{RDF}">'
        f"<{namespace}:Description {about} xmlns:e='{IPTC}' xmlns:dc='urn:dc' {inside}"
        f'</{namespace}:Description></{namespace}:RDF></x:xmpmeta>   \n  <?xpacket end="w"?>'
    ).encode()


OLD = "http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm"


@pytest.mark.parametrize(
    "old",
    [
        packet("><dc:a>kept</dc:a>"),
        packet(f"e:DigitalSourceType='{OLD}'><dc:a>kept</dc:a>"),
        packet(f"><e:DigitalSourceType>{OLD}</e:DigitalSourceType><dc:a>kept</dc:a>"),
        packet(f"><e:DigitalSourceType rdf:resource='{OLD}'/><dc:a>kept</dc:a>"),
        packet("><dc:a>kept</dc:a>", "r", 'r:about="x &amp; y"'),
        marked(packet("><dc:a>kept</dc:a>"), Mark("Other", "7")),
    ],
)
def test_a_packet_keeps_the_rest_and_has_one_mark(old):
    new = marked(old, MARK)
    assert values(new, "DigitalSourceType") == [SOURCE_TYPE]
    assert values(new, "AISystemUsed") == ["Kolorit"]
    assert values(new, "AISystemVersionUsed") == ["1"]
    assert b"<dc:a>kept</dc:a>" in new and b"negativeFilm" not in new
    abouts = {
        element.get(f"{{{RDF}}}about")
        for element in ElementTree.fromstring(new.decode().lstrip("\ufeff")).iter(
            f"{{{RDF}}}Description"
        )
    }
    assert len(abouts) == 1  # XMP: all descriptions of a packet speak of one thing
    assert marked(new, MARK) == new


def test_an_empty_packet_takes_the_mark():
    old = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'.encode()
    assert values(marked(old, MARK), "DigitalSourceType") == [SOURCE_TYPE]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"not xml",
        b"\xff\xfe<\0x\0",
        packet("><dc:a>") + b"<",
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>",
        b"<x/>",
    ],
)
def test_what_is_no_packet_is_replaced_by_a_good_one(bad):
    new = marked(bad, MARK)
    assert values(new, "DigitalSourceType") == [SOURCE_TYPE]
    assert new.startswith(b"<?xpacket begin=")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.text(max_size=10), st.binary(max_size=60))
def test_any_name_and_any_old_bytes_give_well_formed_xml(system, version, old):
    assert len(values(marked(old, Mark(system, version)), "AISystemUsed")) == 1
