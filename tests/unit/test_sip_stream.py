"""Framing over TCP and TLS, at every split point."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.message import check_request, read_message
from ringfence.protocols.sip.stream import MessageStream

VECTORS = Path(__file__).parents[1] / "vectors" / "sip" / "rfc4475"
NAMES = [
    "wsinv",
    "intmeth",
    "esc01",
    "escnull",
    "esc02",
    "lwsdisp",
    "longreq",
    "semiuri",
    "transports",
    "mpart01",
    "unreason",
    "noreason",
    "badbranch",
    "bext01",
    "invut",
    "cparam01",
    "cparam02",
    "regescrt",
    "sdp01",
    "zeromf",
]
MESSAGES = [(VECTORS / f"{name}.dat").read_bytes() for name in NAMES]


def cut(stream: MessageStream) -> list[bytes]:
    found = []
    while (message := stream.next_message()) is not None:
        found.append(message)
    return found


def test_twenty_messages_come_out_whole_at_every_split_point() -> None:
    assert len(MESSAGES) == 20
    for first, second in zip(MESSAGES, [*MESSAGES[1:], MESSAGES[0]], strict=True):
        both = first + second
        for at in range(len(both) + 1):
            stream = MessageStream()
            stream.receive_data(both[:at])
            found = cut(stream)
            stream.receive_data(both[at:])
            assert found + cut(stream) == [first, second]


def test_a_stream_may_come_byte_by_byte_with_keep_alives_between() -> None:
    stream = MessageStream()
    found = []
    for byte in b"\r\n\r\n" + MESSAGES[0] + b"\r\n\r\n\r\n" + MESSAGES[1]:
        stream.receive_data(bytes([byte]))
        found += cut(stream)
    assert found == MESSAGES[:2]


@given(st.lists(st.integers(1, 4000), max_size=30))
def test_the_way_the_bytes_arrive_makes_no_difference(sizes: list[int]) -> None:
    data = b"".join(MESSAGES)
    stream = MessageStream()
    found = []
    for size in [*sizes, len(data)]:
        stream.receive_data(data[:size])
        data = data[size:]
        found += cut(stream)
    assert found == MESSAGES


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS sip:x SIP/2.0\r\nVia: y\r\n\r\n",
        b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 1\r\nl: 1\r\n\r\n",
        b"OPTIONS sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 1x\r\n\r\n",
        b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 70000\r\n\r\n",
        b"x" * 32768,
    ],
)
def test_a_stream_that_cannot_be_cut_is_given_up(data: bytes) -> None:
    stream = MessageStream()
    stream.receive_data(data)
    with pytest.raises(RemoteProtocolError):
        stream.next_message()


@pytest.mark.parametrize("lengths", [b"", b"l: -1\r\n", b"l: 0\r\nContent-Length: 0\r\n"])
def test_what_cannot_be_cut_is_good_for_a_400_alone(lengths: bytes) -> None:
    stream = MessageStream()
    stream.receive_data(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP y\r\n%b\r\n" % lengths)
    with pytest.raises(RemoteProtocolError):
        stream.next_message()
    with pytest.raises(RemoteProtocolError) as refused:
        check_request(read_message(stream.broken))
    assert refused.value.status_hint == 400
    assert "ontent-" in str(refused.value)


def test_a_stream_without_an_end_of_headers_has_nothing_to_answer() -> None:
    stream = MessageStream()
    stream.receive_data(b"x" * 32768)
    with pytest.raises(RemoteProtocolError):
        stream.next_message()
    assert stream.broken == b""


def test_a_folded_length_counts() -> None:
    stream = MessageStream()
    stream.receive_data(b"OPTIONS sip:x SIP/2.0\r\nContent-Length:\r\n 2\r\n\r\nabc")
    assert cut(stream) == [b"OPTIONS sip:x SIP/2.0\r\nContent-Length:\r\n 2\r\n\r\nab"]
