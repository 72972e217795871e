"""XML from peers: read whole or as a stream, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.xml import Element, Limits, Reader, read

LIMITS = Limits(size=2000, elements=20, depth=5)
LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"""
)
OUTSIDE = b"""<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>"""


def test_a_document_is_read_with_text_attributes_and_children() -> None:
    root = read(b'<a x="1"><b>one</b> two <b>three &amp; four</b></a>', LIMITS)
    assert (root.name, root.attributes, root.text) == ("a", {"x": "1"}, " two ")
    assert [child.text for child in root.all("b")] == ["one", "three & four"]
    assert root.words("b") == "one"
    assert root.words("c") == ""


def test_prefixes_go_and_namespaces_stay() -> None:
    root = read(b'<p:a xmlns:p="urn:x"><p:b/><b/></p:a>', LIMITS)
    assert (root.name, root.space) == ("a", "urn:x")
    assert [(one.name, one.space) for one in root.children] == [("b", "urn:x"), ("b", "")]


@pytest.mark.parametrize("bomb", [LAUGHS, OUTSIDE, b"<!DOCTYPE l><l/>"])
def test_a_document_type_is_refused(bomb: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="a DOCTYPE is not allowed"):
        read(bomb, LIMITS)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"<a>" * 6 + b"</a>" * 6, "more than 5 nested elements"),
        (b"<a>" + b"<b/>" * 20 + b"</a>", "more than 20 elements"),
        (b"<a>" + b"x" * 2000 + b"</a>", "more than 2000 bytes"),
        (b"<a>&none;</a>", "undefined entity"),
        (b"<a>", "no element found"),
        (b"", "no element found"),
        (b"not xml", "syntax error"),
        (b'<?xml version="1.0" encoding="x-none"?><a/>', "XML: "),
        (b"<a></b>", "mismatched tag"),
    ],
)
def test_what_is_too_much_or_not_xml_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        read(document, LIMITS)


def test_latin_letters_are_read_as_they_are_declared() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><a>Zoë</a>'.encode("latin-1")
    assert read(text, LIMITS).text == "Zoë"


def test_a_stream_gives_its_root_and_then_each_element_as_it_is_whole() -> None:
    reader = Reader(LIMITS, level=2)
    reader.receive(b"<s id='1'><m><b>hel")
    root = reader.next_item()
    assert root is not None
    assert (root.name, root.attributes) == ("s", {"id": "1"})
    assert reader.next_item() is None
    reader.receive(b"lo</b></m>")
    item = reader.next_item()
    assert item is not None
    assert item.words("b") == "hello"
    assert not reader.ended
    reader.receive(b"</s>")
    assert reader.ended


def test_a_stream_goes_on_without_end_but_no_item_of_it() -> None:
    reader = Reader(LIMITS, level=2)
    reader.receive(b"<s>")
    for _ in range(100):
        reader.receive(b"<m>" + b"x" * 900 + b"</m>")
        reader.receive(b" ")
    reader.receive(b"<m a='" + b"x" * 1900)
    with pytest.raises(RemoteProtocolError, match="more than 2000 bytes"):
        reader.receive(b"x" * 100)


@given(st.binary(max_size=300))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(b"<a>" + data + b"</a>", LIMITS)
    except RemoteProtocolError:
        return


@given(st.lists(st.integers(1, 7), min_size=1, max_size=60))
def test_a_stream_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    document = b"<s><m i='1'>a&lt;b<n/></m><m i='2'>\xc3\xab</m></s>"
    reader, at = Reader(LIMITS, level=2), 0
    for cut in cuts:
        reader.receive(document[at : at + cut])
        at += cut
    reader.receive(document[at:])
    assert reader.next_item() == Element("s")
    assert reader.next_item() == Element("m", "", {"i": "1"}, "a<b", (Element("n"),))
    assert reader.next_item() == Element("m", "", {"i": "2"}, "ë")
