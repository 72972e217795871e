"""The TFTP client, byte by byte. Source: RFC 1350, 2347 to 2349; time is passed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.tftp import Done, Download

REQUEST = b"\0\1/8841.xml\0octet\0blksize\x001428\0tsize\x000\0"
LIMIT = 1 << 20


def started(limit: int = LIMIT) -> Download:
    download = Download("/8841.xml", limit, 100.0)
    assert sent(download) == [(REQUEST, 69)]
    return download


def sent(download: Download) -> list[tuple[bytes, int]]:
    return [(packet.data, packet.port) for packet in download.datagrams_to_send()]


def data(number: int, body: bytes) -> bytes:
    return b"\0\3" + number.to_bytes(2) + body


def granted(size: int = 8, block: int = 8) -> bytes:
    return b"\0\6blksize\0%d\0tsize\0%d\0" % (block, size)


def test_a_file_comes_in_blocks_of_the_size_that_was_agreed_on() -> None:
    download = started()
    download.receive_datagram(granted(size=12), 4000, 100.1)
    assert sent(download) == [(b"\0\4\0\0", 4000)]
    download.receive_datagram(data(1, b"<flat-pr"), 4000, 100.2)
    assert sent(download) == [(b"\0\4\0\1", 4000)]
    assert download.next_event() is None
    download.receive_datagram(data(2, b"ofil"), 4000, 100.3)
    assert sent(download) == [(b"\0\4\0\2", 4000)]
    assert download.next_event() == Done(b"<flat-profil")
    assert download.next_event() is None
    assert download.get_timer() is None


def test_a_server_without_options_sends_blocks_of_512_bytes() -> None:
    download = started()
    download.receive_datagram(data(1, b"a" * 512), 4000, 100.1)
    download.receive_datagram(data(2, b""), 4000, 100.2)
    assert sent(download) == [(b"\0\4\0\1", 4000), (b"\0\4\0\2", 4000)]
    assert download.next_event() == Done(b"a" * 512)


def test_the_request_is_repeated_ever_more_slowly_and_then_given_up() -> None:
    download, times, packets = started(), [], 0
    while (timer := download.get_timer()) is not None:
        times.append(timer)
        download.handle_timer(timer - 0.001)
        assert sent(download) == []
        download.handle_timer(timer)
        packets += len(sent(download))
    assert times == [101.0, 103.0, 107.0, 115.0, 123.0]
    assert packets == 4
    assert download.next_event() == Done(error="no answer to 5 packets")


def test_a_lost_acknowledgment_is_sent_again_but_a_late_duplicate_is_not_answered() -> None:
    download = started()
    download.receive_datagram(granted(size=99), 4000, 100.0)
    for number in (1, 2):
        download.receive_datagram(data(number, b"8 bytes!"), 4000, 100.0)
    sent(download)
    download.receive_datagram(data(2, b"8 bytes!"), 4000, 100.5)
    assert sent(download) == [(b"\0\4\0\2", 4000)]
    download.receive_datagram(data(1, b"8 bytes!"), 4000, 100.6)
    assert sent(download) == []
    download.handle_timer(download.get_timer() or 0)
    assert sent(download) == [(b"\0\4\0\2", 4000)]


def test_another_port_of_the_server_is_told_that_it_is_not_meant() -> None:
    download = started()
    download.receive_datagram(granted(), 4000, 100.0)
    sent(download)
    download.receive_datagram(data(1, b"forged"), 4001, 100.0)
    assert sent(download) == [(b"\0\5\0\5unknown transfer\0", 4001)]
    download.receive_datagram(data(1, b"8 bytes!"), 4000, 100.0)
    download.receive_datagram(data(2, b""), 4000, 100.0)
    assert download.next_event() == Done(b"8 bytes!")


@pytest.mark.parametrize(
    ("packets", "error", "told"),
    [
        ([b"\0\5\0\1File not found\0"], "TFTP error 1: File not found", b""),
        ([b"\0\5\0\2\x1b[31mno\0"], "TFTP error 2: ?[31mno", b""),
        ([granted(size=1 << 20 | 1)], "the file exceeds 1048576 bytes", b"\0\5\0\3"),
        ([granted(block=7)], "grants options that nobody asked for", b"\0\5\0\x08"),
        ([granted(block=1429)], "grants options that nobody asked for", b"\0\5\0\x08"),
        ([b"\0\6timeout\x001\0"], "grants options that nobody asked for", b"\0\5\0\x08"),
        ([b"\0\6blksize\0many\0"], "make no sense", b"\0\5\0\x08"),
        ([b"\0\6blksize"], "make no sense", b"\0\5\0\x08"),
        ([granted(), data(1, b"nine byte")], "a block has 9 bytes, not 8", b"\0\5\0\4"),
        (
            [granted(size=9), data(1, b"short")],
            "the server announced 9 bytes and sent 5",
            b"\0\5\0\0",
        ),
    ],
)
def test_what_a_server_may_not_do_ends_the_transfer(
    packets: list[bytes], error: str, told: bytes
) -> None:
    download = started()
    for packet in packets:
        download.receive_datagram(packet, 4000, 100.0)
    done = download.next_event()
    assert done
    assert error in done.error
    assert done.body == b""
    assert done.missing is ("error 1" in error)
    last = sent(download)[-1:]
    assert all(packet.startswith(told) for packet, _ in last)
    assert bool(told) is bool(last)


def test_a_file_without_an_end_is_cut_off_at_the_limit() -> None:
    download = started(limit=600)
    download.receive_datagram(data(1, b"a" * 512), 4000, 100.0)
    download.receive_datagram(data(2, b"a" * 512), 4000, 100.0)
    done = download.next_event()
    assert done
    assert done.error == "the file exceeds 600 bytes"


def test_a_server_that_dawdles_is_left_after_a_minute() -> None:
    download, now, number = started(), 100.0, 0
    while download.next_event() is None:
        number, now = number + 1, now + 0.9
        assert number < 100
        download.handle_timer(now)
        download.receive_datagram(data(number, b"a" * 512), 4000, now)
    assert 160.0 <= now < 161.0


@pytest.mark.parametrize("name", ["", "a\0b", "a" * 257])
def test_a_name_that_breaks_the_request_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        Download(name, LIMIT, 0.0)


@given(st.lists(st.tuples(st.binary(max_size=600), st.integers(1, 65535)), max_size=20))
def test_no_datagram_breaks_the_client(datagrams: list[tuple[bytes, int]]) -> None:
    download = started(limit=1000)
    for packet, port in datagrams:
        download.receive_datagram(packet, port, 100.0)
        assert len(download.datagrams_to_send()) <= 2
