"""A call between two machines that have addresses of their link alone."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.protocols.rtp.packet import read_packet
from tests.support.line_phone import LinePhone

Wire = tuple[Namespace, Namespace]
OURS, THEIRS = "fe80::2", "fe80::9"
ADDRESSES = re.compile(r"fe80:[^\s\]>;]*|%\w+")
INVITE = """INVITE sip:1001@[fe80::2] SIP/2.0
Via: SIP/2.0/UDP [fe80::9]:5060;branch=z9hG4bK1
From: <sip:near@[fe80::9]>;tag=near
To: <sip:1001@[fe80::2]>
Call-ID: near
CSeq: 1 INVITE
Contact: <sip:near@[fe80::9]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: 121

v=0
o=near 1 1 IN IP6 fe80::9
s=-
c=IN IP6 fe80::9
t=0 0
m=audio 40000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20
""".replace("\n", "\r\n")


@pytest.fixture
def phone(pair: Wire, component: list[str]) -> Iterator[LinePhone]:
    component.append("own-peer")
    for space, address in zip(pair, (OURS, THEIRS), strict=True):
        space.run("ip", "addr", "add", f"{address}/64", "dev", "eth0", "nodad")
    started = LinePhone(pair[0], "10.99.0.2", {"sip.telco.test": ["10.99.0.9"]})
    yield started
    started.process.kill()
    started.stop()


def place_call() -> tuple[list[str], list[int]]:
    """Call the phone and talk; return its answers, and how long its first packets are."""
    scope = socket.if_nametoindex("eth0")
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sip,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as rtp,
    ):
        for one, port in ((sip, 5060), (rtp, 40000)):
            one.bind((THEIRS, port, 0, scope))
            one.settimeout(10)
        sip.sendto(INVITE.encode(), (OURS, 5060, 0, scope))
        answers: list[str] = []
        while not answers or not answers[-1].startswith("SIP/2.0 200"):
            answers.append(sip.recv(4096).decode())
        found = re.search(r"m=audio (\d+)", answers[-1])
        assert found
        heard: list[int] = []
        while len(heard) < 10:
            packet = rtp.recv(2048)
            heard.append(len(read_packet(packet).payload))
            rtp.sendto(packet, (OURS, int(found[1]), 0, scope))
        return answers, heard


@pytest.mark.proves("SIP-03", "CALL-01")
def test_the_zone_of_an_address_goes_nowhere_and_audio_flows(phone: LinePhone, pair: Wire) -> None:
    texts = {"Proxy_1_": "sip.telco.test", "User_ID_1_": "1001", "IP_Mode": "Dual Mode"}
    phone.set(**texts, Ans_Call_Without_Reg_1_="Yes")
    with ThreadPoolExecutor() as other:
        call = other.submit(pair[1].call, place_call)
        phone.wait_call(state="ringing")
        phone.command("answer")
        answers, heard = call.result()
    assert heard == [160] * 10
    phone.wait_call(received=[">=", 5], refused=0)
    assert {place for answer in answers for place in ADDRESSES.findall(answer)} == {OURS, THEIRS}
