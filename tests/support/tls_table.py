"""What must come of every cell of `tls_matrix`, and docs/tls-applications.md, which shows it.

A run leaves a JSON line for each section in the file that `RINGFENCE_TLS_TABLE` names;
`python -m tests.support.tls_table FILE` prints the page. Without it each test demands that the
page has what it has seen.
"""

import json
import os
import re
import ssl
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.support import tls_matrix, tshark
from tests.support.certificates import Pair, authority, leaf, rsa_key
from tests.support.hello import SCSV, client_hello, offered
from tests.support.prosody import DOMAIN
from tests.support.provider_fixtures import StartDnsmasq
from tests.support.provider_net import FIRST, NAME, PHONE, SECOND, Net, Trust
from tests.support.squid import StartSquid
from tests.support.tls_front import versions
from tests.support.tls_matrix import (
    DIRECT,
    LDAP,
    LDAPS,
    LISTS,
    PROXY,
    ROUNDS,
    ROWS,
    Cell,
    Cells,
    Row,
)

RECORD = "RINGFENCE_TLS_TABLE"
PAGE = Path(__file__).parents[2] / "docs" / "tls-applications.md"
TLS13 = (0x1302, 0x1303, 0x1301)
CHAPTER = (
    *(0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC02B, 0xC02F, 0x009E),
    *(0xC024, 0xC028, 0x006B, 0xC023, 0xC027, 0x0067, 0xC00A, 0xC014, 0x0039),
    *(0xC009, 0xC013, 0x0033, 0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F),
    SCSV,
)
"""The chapter's 28 entries, in its order."""
OTHER = "other.telco.test"
RIGHT, NAMED, FOREIGN, OVER = "The right name", "Another name", "Another root", "Expired"

Made = Callable[[Trust], Pair]
CERTIFICATES: dict[str, Made] = {
    RIGHT: lambda trust: leaf(trust.servers, dns=[NAME, DOMAIN], key=rsa_key()),
    NAMED: lambda trust: leaf(trust.servers, dns=[OTHER], key=rsa_key()),
    FOREIGN: lambda trust: leaf(authority("Another Root"), dns=[NAME, DOMAIN], key=rsa_key()),
    OVER: lambda trust: leaf(trust.servers, dns=[NAME, DOMAIN], key=rsa_key(), days=(-9, -1)),
}
"""`{section: certificate of all servers}`."""
_REASONS = {
    NAMED: (r"the certificate has DNS:other\.telco\.test; none of them is that name", "its name"),
    FOREIGN: (r"install that CA", "its root"),
    OVER: (r"expired", "its date"),
}
"""`{section: (what Info > Status says, word of the table)}`."""
_ALERTS = {NAMED: "no request", FOREIGN: "unknown ca", OVER: "certificate expired"}
"""What nginx and Prosody hear of it."""
NOTHING, OF_SLAPD = "no shared cipher", "TLS negotiation failure"
"""What is said where there is no suite; slapd says the same of every failure."""
_FAILURES = r"handshake failure|closed during the TLS handshake"


Play = Callable[[str], Cells]


@pytest.fixture
def play(net: Net, dnsmasq: StartDnsmasq, proxy: StartSquid, component: list[str]) -> Play:
    """Set everybody off, in every round, with the certificate of a section."""
    dnsmasq(f"host-record={NAME},{FIRST}", f"host-record={DOMAIN},{FIRST}")
    proxy()
    component += [tshark.version(), *versions()]
    return lambda section: tls_matrix.play(net, CERTIFICATES[section](net.trust))


@cache
def library(text: str) -> tuple[int, ...]:
    """Return what OpenSSL offers for a string."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(text)
    return tuple(offered(client_hello(context)))


def _offer(row: Row, case: str) -> tuple[int, ...]:
    """Return the suites that must be sent."""
    if case == "valid":
        return (0xC030, 0x002F, SCSV)
    if case == "nothing in common":
        return (0xC061, SCSV)
    return library("HIGH:MEDIUM:AES:@STRENGTH") if row.name == "xmpp" else TLS13 + CHAPTER


def judge(section: str, cells: Cells) -> None:
    """Demand of every cell what the chapter and the rulings do."""
    assert set(cells) == {(row.name, n) for row in ROWS for n in range(len(ROUNDS))}
    for row in ROWS:
        for n, (_, case) in enumerate(ROUNDS):
            cell, where = cells[row.name, n], f"{section}: {row.name}, {ROUNDS[n]}"
            assert cell.hello == _offer(row, case), where
            proxied = row.way(n) == PROXY
            assert cell.caller == (SECOND if proxied else PHONE), where
            assert cell.seen.client == cell.caller, where
            assert cell.route == (f"PROXY {SECOND}:3128" if proxied else "DIRECT"), where
            assert _outcome(section, case, row, cell), f"{where}: {cell}"


def _outcome(section: str, case: str, row: Row, cell: Cell) -> bool:
    """Return whether the phone and the server say what they must."""
    seen, slapd = cell.seen, row.spoken in (LDAP, LDAPS)
    if section == RIGHT and case != "nothing in common":
        version = "TLSv1.2" if case == "valid" else "TLSv1.3"
        return (cell.secured, seen.version, seen.asked) == (version, version, True)
    said, heard = _REASONS.get(section, ("", ""))[0], _ALERTS.get(section, "")
    if case == "nothing in common":
        said, heard = _FAILURES, NOTHING
    if slapd and heard != "no request":
        heard = OF_SLAPD
    refused = bool(re.search(said, cell.reason)) and not cell.secured
    return refused and not seen.asked and _heard(seen.refused) == heard


def _heard(refused: str) -> str:
    return refused or "no request"


def _words(section: str, row: Row, case: str, cell: Cell) -> str:
    """Return a cell of the table, as it was observed."""
    offers = {"valid": "L", "nothing in common": "A"}
    letter = offers.get(case, "X" if row.name == "xmpp" else "D")
    if cell.hello != _offer(row, case):
        letter = "?"
    if cell.secured:
        return f"{letter}: {cell.secured}" + ("" if cell.seen.asked else ", no request")
    if re.search(_FAILURES, cell.reason):
        return f"{letter}: server: {_heard(cell.seen.refused)}"
    pattern, word = _REASONS[section]
    word = word if re.search(pattern, cell.reason) else "?"
    return f"{letter}: phone: {word} ({_heard(cell.seen.refused)})"


def table(section: str, cells: Cells) -> str:
    """Return a section of the page."""
    lines = [f"## {section}", "", f"| Application | Set off by | Way | {' | '.join(LISTS)} |"]
    lines.append("|---" * (3 + len(LISTS)) + "|")
    for row in ROWS:
        for way in (DIRECT, PROXY) if row.proxied else (DIRECT,):
            held = [
                _words(section, row, case, cells[row.name, ROUNDS.index((way, case))])
                for case in LISTS
            ]
            lines.append(f"| {row.title} | {row.by} | {way} | {' | '.join(held)} |")
    return "\n".join([*lines, ""])


def show(section: str, text: str) -> None:
    """Record a section of the page where that is wanted; else demand that the page has it."""
    if path := os.environ.get(RECORD):
        with Path(path).open("a") as file:
            file.write(json.dumps({"section": section, "text": text}) + "\n")
        return
    assert text in PAGE.read_text(), f"make applications writes it anew:\n{text}"


HEAD = f"""\
# Who speaks TLS, and how it comes out

Every application of the phone that speaks TLS, with every cipher list and every certificate, as it
was seen on the wire by tshark, in the server's log and on `Info > Status`. Written by
`make applications` from what the tests see, which fail where it is not so any more; do not edit.

`TLS_Cipher_List` is *valid* `{LISTS["valid"]}`, *blank*, *invalid* `{LISTS["invalid"]}`, or has
*nothing in common* with the server, `{LISTS["nothing in common"]}`. The first letter is what the
ClientHello offered:

| | Suites |
|---|---|
| L | the two of the list, in its order, and the signalling value |
| D | three of TLS 1.3, and the chapter's 28 entries of `DEFAULT` |
| X | what OpenSSL makes of `HIGH:MEDIUM:AES:@STRENGTH` |
| A | the one of the list, and the signalling value |

Then a version says that both ends agreed on it, and the server was asked; `phone` and `server` say
who refused, why, and in brackets what the server heard of a phone's refusal: `no request` is a
handshake that ended and not one byte after it. slapd names no alert, it says
`TLS negotiation failure`. `HTTPS_Name_Validate` is No throughout: the name counts all the same. By
proxy is by Squid; while it is on, whoever has no row for it went direct. The servers: nginx, slapd
for LDAP, Prosody for XMPP.

The last section is the page: `openssl s_client` judges its certificate, which the phone made for
itself, with the right name and root, or minds its name, its root, or its date, a day before the
certificate begins; in brackets what the phone says of the handshake.

The same is told for each of them by `ringfence explain` (what it would offer), on `Info > Status`
under TLS (how its last handshake came out), and by `ringfence probe tls --app`.

"""


def page(records: Iterable[dict[str, str]]) -> str:
    """Return docs/tls-applications.md."""
    held = {record["section"]: record["text"] for record in records}
    return HEAD + "\n".join(held[section] for section in (*CERTIFICATES, WEB) if section in held)


WEB = "The phone as the server"

if __name__ == "__main__":
    sys.stdout.write(page(map(json.loads, Path(sys.argv[1]).read_text().splitlines())))
