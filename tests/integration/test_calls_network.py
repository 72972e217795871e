"""Calls over a network that loses, delays, reorders, repeats and forges."""

import socket
from collections.abc import Iterable

import pytest

from tests.support.desk import OURS, PHONE, PROXY, THEIRS, Desk
from tests.support.middlebox import IN, OUT, Middlebox
from tests.support.tones import LOUDNESS, loudest

LOST = 20
"""One packet of so many: 5 %."""


def behind(desk: Desk, box: Middlebox, **texts: str) -> None:
    desk.register(Outbound_Proxy_1_=box.proxy, **texts)


@pytest.mark.proves("CALL-02")
def test_a_tone_is_still_found_with_one_packet_of_twenty_lost(desk: Desk) -> None:
    lost = {IN: 0, OUT: 0}

    def lossy(direction: str, number: int, packet: bytes) -> Iterable[tuple[float, bytes]]:
        if number % LOST == 10:
            lost[direction] += 1
            return ()
        return [(0.0, packet)]

    box = desk.middlebox(disturb=lossy)
    behind(desk, box, RTCP_Tx_Interval="1")
    peer = desk.pjsua()
    desk.call_out(peer)
    desk.phone.wait_call(received=[">=", 200])
    desk.phone.wait_call(lost_there=[">=", 5])  # from PJSIP's report, at five seconds
    before = dict(lost)
    # One that was lost just now is missed when its time comes.
    call = desk.phone.wait_call(lost=[">=", before[IN]])
    assert call["lost"] <= lost[IN]
    assert call["late"] == call["refused"] == 0
    before = dict(lost)
    peer.command("statistics")
    told = peer.wait("statistics")
    assert before[OUT] - 1 <= told["lost"] <= lost[OUT]
    assert before[IN] - 3 <= told["sent_lost"] <= lost[IN]  # as the phone's last report had it
    assert told["reports"] >= 2
    peer.hang_up()
    _, heard = peer.wait_over()
    assert heard
    desk.phone.wait_call(gone=True)
    assert loudest(heard, OURS) > 0.6 * LOUDNESS
    assert loudest(desk.recording(), THEIRS) > 0.6 * LOUDNESS


@pytest.mark.proves("CALL-02")
def test_packets_out_of_order_and_late_by_turns_are_played_in_order(desk: Desk) -> None:
    def shaken(direction: str, number: int, packet: bytes) -> Iterable[tuple[float, bytes]]:
        return [((0.0, 0.03, 0.01)[number % 3], packet)]

    box = desk.middlebox(disturb=shaken)
    behind(desk, box)
    peer = desk.baresip()
    desk.call_out(peer)
    call = desk.phone.wait_call(received=[">=", 150])
    assert call["jitter_ms"] > 5
    # Until the buffer is as deep as it has to be; without it two of three would be late.
    assert call["late"] <= 8
    assert call["refused"] == 0
    peer.hang_up()
    desk.over(peer)


@pytest.mark.proves("CALL-04")
def test_forged_and_repeated_packets_are_refused_and_counted(desk: Desk) -> None:
    box = desk.middlebox()
    behind(desk, box, Secure_Call_Option_1_="Required")
    peer = desk.baresip(srtp="srtp-mand")
    desk.call_out(peer)
    before = desk.phone.wait_call(received=[">=", 50])["refused"]
    held = list(box.seen[IN][:20])
    box.inject(IN, held)  # replayed
    box.inject(IN, [packet[:-1] + bytes([packet[-1] ^ 1]) for packet in held])  # forged
    box.inject(IN, [b"", b"\x80", bytes(12), b"\xff" * 2000])
    call = desk.phone.wait_call(refused=[">=", before + 43])
    assert call["refused"] in (before + 43, before + 44)  # an empty datagram may be dropped
    peer.hang_up()
    desk.over(peer)


@pytest.mark.proves("CALL-04")
def test_packets_of_another_address_are_refused(desk: Desk) -> None:
    desk.register()
    peer = desk.baresip()
    call = desk.call_in(peer)
    assert call["refused"] == 0
    port = 16384
    desk.outside.call(_strangers_packets, port)
    desk.phone.wait_call(refused=[">=", 10])
    peer.hang_up()
    desk.over(peer)


def _strangers_packets(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((PROXY, 0))
        for number in range(10):
            packet = b"\x80\x00" + number.to_bytes(2) + bytes(8) + b"\x00" * 160
            stranger.sendto(packet, (PHONE, port))
