"""Which calls with which peers the tests place, and the table that shows them.

A run leaves one JSON line for each call that was heard on both sides in the file that
`RINGFENCE_INTEROP` names; `python -m tests.support.interop FILE` prints docs/interop.md from it.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

RECORD = "RINGFENCE_INTEROP"
SHA1_80, SHA1_32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
GCM_128, GCM_256 = "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"
SUITES = (SHA1_80, SHA1_32, GCM_128, GCM_256)
IN, OUT = "to the phone", "from the phone"
DIRECT, KAMAILIO = "directly", "through Kamailio"
NARROWED = "through a box that leaves one crypto line"


class Case(NamedTuple):
    """One call."""

    peer: str
    route: str
    transport: str
    codec: str
    suite: str
    """Empty for RTP in clear."""
    direction: str


def _cases() -> Iterator[Case]:
    for peer in ("baresip", "PJSIP"):
        for codec in ("PCMU", "PCMA"):
            yield Case(peer, DIRECT, "UDP", codec, "", IN)
            yield Case(peer, KAMAILIO, "UDP", codec, "", IN)
            yield Case(peer, KAMAILIO, "UDP", codec, "", OUT)
        yield Case(peer, KAMAILIO, "TCP", "PCMU", "", IN)
        yield Case(peer, KAMAILIO, "TCP", "PCMU", "", OUT)
    for transport in ("UDP", "TLS"):
        for suite in (SHA1_80, SHA1_32):
            yield Case("PJSIP", KAMAILIO, transport, "PCMU", suite, IN)
            yield Case("PJSIP", KAMAILIO, transport, "PCMU", suite, OUT)
        yield Case("baresip", KAMAILIO, transport, "PCMU", SHA1_80, IN)
        yield Case("baresip", KAMAILIO, transport, "PCMU", SHA1_80, OUT)
        yield Case("baresip", KAMAILIO, transport, "PCMU", GCM_256, OUT)
    for suite in SUITES:
        yield Case("baresip", NARROWED, "UDP", "PCMU", suite, OUT)
    for peer, codec in (("baresip", "G722"), ("baresip", "opus"), ("PJSIP", "G722")):
        yield Case(peer, KAMAILIO, "UDP", codec, "", IN)
        yield Case(peer, KAMAILIO, "UDP", codec, "", OUT)


CASES = tuple(sorted(_cases(), key=lambda case: case.peer))


def record(case: Case, version: str) -> None:
    """Note a call that was heard on both sides, if a record is wanted."""
    if path := os.environ.get(RECORD):
        with Path(path).open("a") as file:
            file.write(json.dumps({**case._asdict(), "version": version}) + "\n")


HEAD = """\
# Who was called

Each row is a call of the last full run of the tests: a tone of the peer was found in what the phone
recorded, and the phone's tone in what the peer recorded. The direction is that of the call; sound
went both ways in each. baresip 1.0.0 offers AES_CM_128_HMAC_SHA1_80 alone and takes any of the
four; PJSIP as packaged for the tests has no AEAD suite and no Opus. Written by `make interop`; do
not edit.

| peer | route | transport | codec | SRTP suite | direction |
|---|---|---|---|---|---|
"""


def table(rows: Iterable[dict[str, str]]) -> str:
    """Return docs/interop.md."""
    held = {tuple(row[name] for name in Case._fields): row["version"] for row in rows}
    lines = []
    for _, group in groupby(CASES, key=lambda case: case[:5]):
        heard = [case for case in group if case in held]
        if heard:
            first, ways = heard[0], ", ".join(case.direction for case in heard)
            suite = first.suite or "RTP in clear"
            cells = (held[first], first.route, first.transport, first.codec, suite, ways)
            lines.append(f"| {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(map(json.loads, Path(sys.argv[1]).read_text().splitlines())))
