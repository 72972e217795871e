"""What a stranger on the network gets from a phone: knocks on ports, sends INVITEs.

Usage: `python -m ringfence.lab.stranger invite ADDRESS PORT USER`,
`flood ADDRESS PORT USER SECONDS`, `pound ADDRESS PORT SECONDS`, or
`knock ADDRESS udp:PORT tcp:PORT …`; prints JSON.
"""

import contextlib
import json
import secrets
import select
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

PATIENCE = 0.4
"""Seconds after which a port counts as silent."""
KNOCK = 0.005
"""Seconds between two knocks at the same port."""
BURST, RATE = 100, 25000
"""INVITEs at once, and in a second: with their headers about 100 Mbit/s."""
ANSWER_TIME = 4.0
RESEND = 0.5
"""Timer T1. Source: RFC 3261 17.1.1.1."""


def invite_text(source: tuple[str, int], target: tuple[str, int], user: str, token: str) -> str:
    """Return an INVITE without credentials or a session description."""
    address = f"[{target[0]}]" if ":" in target[0] else target[0]
    own = f"[{source[0]}]" if ":" in source[0] else source[0]
    return (
        f"INVITE sip:{user}@{address}:{target[1]} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {own}:{source[1]};branch=z9hG4bK{token};rport\r\n"
        "Max-Forwards: 70\r\n"
        f"From: <sip:stranger@{own}>;tag={token}\r\n"
        f"To: <sip:{user}@{address}>\r\n"
        f"Call-ID: {token}@{own}\r\n"
        "CSeq: 1 INVITE\r\n"
        f"Contact: <sip:stranger@{own}:{source[1]}>\r\n"
        "Content-Length: 0\r\n\r\n"
    )


def invite(address: str, port: int, user: str) -> Mapping[str, object]:
    """Send an INVITE over UDP; return status, reason and the challenge of the final answer."""
    token = secrets.token_hex(8)
    with _socket(address, socket.SOCK_DGRAM) as call:
        call.connect((address, port))
        source = call.getsockname()[:2]
        request = invite_text((source[0], source[1]), (address, port), user, token).encode()
        deadline = time.monotonic() + ANSWER_TIME
        call.settimeout(RESEND)
        while time.monotonic() < deadline:
            try:
                call.send(request)
                answer = _final(call)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                return {"status": 0, "reason": "port unreachable", "challenge": ""}
            call.send(request.replace(b"INVITE sip:", b"ACK sip:").replace(b"1 INVITE", b"1 ACK"))
            return answer
    return {"status": 0, "reason": "no answer", "challenge": ""}


def _final(call: socket.socket) -> Mapping[str, object]:
    while True:
        lines = call.recv(65535).decode(errors="replace").split("\r\n")
        _, status, reason = (*lines[0].split(" ", 2), "", "")[:3]
        if status.isdigit() and int(status) >= 200:
            found = [line for line in lines if line.lower().startswith("www-authenticate:")]
            return {"status": int(status), "reason": reason, "challenge": "; ".join(found)}


def knock(address: str, ports: Iterable[str]) -> Mapping[str, str]:
    """Try every `udp:PORT` and `tcp:PORT` at once; return what each answered.

    TCP: `open`, `refused`, `silent`. UDP: `unreachable`, `silent`, or `open` where data came.
    """
    waiting = selectors.DefaultSelector()
    results: dict[str, str] = {}
    for port in ports:
        kind, _, number = port.partition(":")
        tcp = kind == "tcp"
        probe = _socket(address, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        probe.setblocking(False)
        probe.connect_ex((address, int(number)))
        if not tcp:
            probe.send(b"\r\n\r\n")
        waiting.register(probe, selectors.EVENT_WRITE if tcp else selectors.EVENT_READ, port)
        results[port] = "silent"
    deadline = time.monotonic() + PATIENCE
    while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            probe = key.fileobj  # type: ignore[assignment]
            results[key.data] = _verdict(probe, tcp=key.data.startswith("tcp"))
            waiting.unregister(probe)
            probe.close()
    for key in list(waiting.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return results


def pound(address: str, port: int, seconds: float) -> Mapping[str, object]:
    """Knock at one TCP port again and again; return how many knocks the phone answered.

    Says `ready` after the first knock. `last` is the verdict of the last one.
    """
    knocks: list[socket.socket] = []
    began = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        probe = _socket(address, socket.SOCK_STREAM)
        probe.setblocking(False)
        probe.connect_ex((address, port))
        knocks.append(probe)
        if len(knocks) == 1:
            print("ready", flush=True)
        time.sleep(max(0.0, began + len(knocks) * KNOCK - now))
    time.sleep(PATIENCE)
    answered = set(select.select([], knocks, [], 0)[1])
    last = _verdict(knocks[-1], tcp=True) if knocks[-1] in answered else "silent"
    for probe in knocks:
        probe.close()
    return {"tried": len(knocks), "answered": len(answered), "last": last}


def flood(address: str, port: int, user: str, seconds: float) -> Mapping[str, object]:
    """Send INVITEs over UDP; return how many, and how many answers of which status came.

    Says `ready` after the first ones.
    """
    token, answers, sent = secrets.token_hex(8), Counter[str](), 0
    with _socket(address, socket.SOCK_DGRAM) as call:
        call.connect((address, port))
        call.setblocking(False)
        source = call.getsockname()[:2]
        text = invite_text((source[0], source[1]), (address, port), user, token)
        began = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            for _ in range(BURST):
                with contextlib.suppress(OSError):  # its buffer is full, or a port was unreachable
                    call.send(text.replace(token, f"{sent:016x}").encode())
                sent += 1
            if sent == BURST:
                print("ready", flush=True)
            answers.update(_statuses(call))
            time.sleep(max(0.0, began + sent / RATE - time.monotonic()))
        time.sleep(PATIENCE)
        answers.update(_statuses(call))
    return {"sent": sent, "seconds": round(now - began, 1), "answers": dict(answers)}


def _statuses(call: socket.socket) -> Iterator[str]:
    """Yield the status of every final answer that has come."""
    while True:
        try:
            status = call.recv(65535).split(b" ", 2)[1].decode(errors="replace")
        except BlockingIOError:
            return
        except (OSError, IndexError):
            continue
        if not status.startswith("1"):
            yield status


def _verdict(probe: socket.socket, *, tcp: bool) -> str:
    error = probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if tcp:
        return "refused" if error else "open"
    return "unreachable" if error else "open"


def _socket(address: str, kind: socket.SocketKind) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)


def main(verb: str, address: str, *words: str) -> None:
    """Print the answer as JSON."""
    match verb, words:
        case "invite", (port, user):
            told = invite(address, int(port), user)
        case "flood", (port, user, seconds):
            told = flood(address, int(port), user, float(seconds))
        case "pound", (port, seconds):
            told = pound(address, int(port), float(seconds))
        case _:
            told = knock(address, words)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
