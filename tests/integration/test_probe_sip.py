"""`ringfence probe sip` against a real Kamailio, and against servers that are none."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main, probe_sip
from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.odd_sip import OddServer
from tests.support.tls_servers import Dnsmasq

Wire = tuple[Namespace, Namespace]
PROXY, NAME, OTHER = "10.99.0.9", "sip.telco.test", "other.telco.test"
RECORDS = {NAME: ["10.99.0.10", PROXY], OTHER: [PROXY]}
PORT = 5353
ODD = 5070
ROOT, FOREIGN = authority(), authority("Foreign Root")
assert probe_sip


class Asked:
    """A phone's namespace from which probes go out."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self.space, self.folder = space, folder
        ROOT.save(folder, "root")
        FOREIGN.save(folder, "foreign")

    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out = self.space.call(probe, *words, "--json")
        return code, json.loads(out)

    def text(self, *words: str) -> tuple[int, str]:
        code, out = self.space.call(probe, *words)
        return code, out

    def config(self, **tags: str) -> str:
        file = self.folder / "cfg.xml"
        lines = [f"<{tag}>{text}</{tag}>" for tag, text in tags.items()]
        file.write_text(f"<flat-profile>{''.join(lines)}</flat-profile>")
        return str(file)


def probe(*words: str) -> tuple[int, str]:
    """Ask within this process, which has imported everything."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        return main(["probe", "sip", *words]), out.getvalue()


@pytest.fixture
def ask(pair: Wire, tmp_path: Path) -> Iterator[Asked]:
    names = Dnsmasq(pair[1], PROXY, RECORDS, PORT)
    yield Asked(pair[0], tmp_path)
    names.kill()


@pytest.fixture
def kamailio(pair: Wire, tmp_path: Path, component: list[str]) -> Iterator[Kamailio]:
    certificate, key = leaf(ROOT, dns=[NAME]).save(tmp_path, "sip")
    started = Kamailio(
        pair[1], tmp_path, Registrar(PROXY, NAME, {"1001": "x"}, Path(certificate), Path(key))
    )
    component.append(started.version())
    yield started
    started.close()


@pytest.fixture
def odd(pair: Wire) -> Iterator[Any]:
    started: list[OddServer] = []

    def start(kind: str, transport: str = "UDP") -> None:
        started.append(OddServer(pair[1], kind, transport, ODD))

    yield start
    for server in started:
        server.kill()


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_kamailio_answers_over_clear_transports(
    ask: Asked, kamailio: Kamailio, transport: str
) -> None:
    code, said = ask(PROXY, "--transport", transport)
    assert (code, said["answered"], said["reason"]) == (0, True, "")
    assert (said["status"], said["phrase"], said["line"]) == (200, "OK", 1)
    assert said["server_header"].startswith("kamailio (")
    assert 0 < said["round_trip_ms"] < 5000
    (attempt,) = said["attempts"]
    assert attempt == {
        **{"transport": transport, "address": PROXY, "port": 5060},
        **{"rule": None, "reason": "", "version": None, "suite": None, "name": None},
    }


def test_a_refusal_of_the_server_is_an_answer(ask: Asked, kamailio: Kamailio) -> None:
    code, said = ask(OTHER, "--connect", PROXY)
    assert (code, said["status"], said["phrase"]) == (0, 403, "No relay")


def test_the_next_address_is_tried_where_the_first_is_dead(ask: Asked, kamailio: Kamailio) -> None:
    words = ("--transport", "tcp", "--dns", f"{PROXY}:{PORT}", "--timeout", "1")
    code, said = ask(NAME, *words)
    addresses = [attempt["address"] for attempt in said["attempts"]]
    assert (code, addresses[-1], said["status"]) == (0, PROXY, 200)
    assert set(addresses) <= {"10.99.0.10", PROXY}
    assert said["search"] == f"asks DNS for A and AAAA of {NAME}, port 5060"


@pytest.mark.proves("SIP-05")
def test_tls_is_the_lines_and_the_name_is_told(ask: Asked, kamailio: Kamailio) -> None:
    ca = ("--ca", str(ask.folder / "root.crt"), "--connect", PROXY)
    code, said = ask(NAME, "--transport", "TLS", *ca)
    assert (code, said["status"]) == (0, 200)
    (attempt,) = said["attempts"]
    assert attempt == {
        **{"transport": "TLS", "address": PROXY, "port": 5061, "rule": None, "reason": ""},
        **{"version": "TLSv1.3", "suite": "TLS_AES_256_GCM_SHA384", "name": NAME},
    }
    code, text = ask.text(NAME, "--transport", "tls", *ca)
    lines = [line.split() for line in text.splitlines()]
    assert lines[1:3] == [
        ["connected", "TLS", f"{PROXY}:5061"],
        ["secured", "TLSv1.3,", "TLS_AES_256_GCM_SHA384;", "name", "ok", f"({NAME})"],
    ]
    assert lines[3][:3] == ["answered", "200", "OK"]
    old = ask.config(SIP_Transport_2_="TLS", TLS_Cipher_List="ECDHE-ECDSA-AES128-GCM-SHA256")
    code, said = ask(NAME, "--config", old, "--line", "2", *ca)
    assert (code, said["attempts"][0]["version"]) == (0, "TLSv1.2")
    assert said["attempts"][0]["suite"] == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.proves("SIP-06")
def test_a_server_that_the_line_would_refuse_is_asked_nothing(
    ask: Asked, kamailio: Kamailio
) -> None:
    words = ("--transport", "TLS", "--connect", PROXY)
    root, foreign = str(ask.folder / "root.crt"), str(ask.folder / "foreign.crt")
    code, said = ask(OTHER, *words, "--ca", root)
    assert (code, said["rule"], said["answered"]) == (1, "tls-name", False)
    assert f"wanted {OTHER}; the certificate has DNS:{NAME}" in said["reason"]
    assert ask(NAME, *words, "--ca", foreign)[1]["rule"] == "tls-chain"
    code, said = ask(NAME, *words)  # trusts nobody
    assert (code, said["rule"], said["status"]) == (1, "tls-chain", None)
    lax = ask.config(TLS_Name_Validate_1_="No")
    code, said = ask(OTHER, *words, "--ca", root, "--config", lax)
    assert (code, said["attempts"][0]["name"], said["status"]) == (0, None, 403)


def test_a_forbidden_domain_is_neither_resolved_nor_asked(ask: Asked, pair: Wire) -> None:
    names = Dnsmasq(pair[1], "10.99.0.9", RECORDS, 5454)
    file = ask.config(Restricted_Access_Domains="voiceip.test")
    code, said = ask(NAME, "--config", file, "--dns", f"{PROXY}:5454")
    assert (code, said["rule"], said["attempts"]) == (1, "domain-not-allowed", [])
    assert NAME in said["reason"]
    assert names.queries() == []
    names.kill()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("silent", "no answer in 0.6 s"),
        ("garbage", "no answer in 0.6 s; what came is no answer: "),
        ("binary", "no answer in 0.6 s; what came is no answer: "),
        ("foreign", "no answer in 0.6 s; what came is no answer: no response to this request"),
        ("huge", "no end of headers within the limit"),
    ],
)
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_what_is_no_answer_is_told(
    ask: Asked, odd: Any, kind: str, reason: str, transport: str
) -> None:
    odd(kind, transport)
    code, said = ask(f"{PROXY}:{ODD}", "--transport", transport, "--timeout", "0.6")
    assert (code, said["answered"], said["status"]) == (1, False, None)
    over_tcp = {
        "garbage": "the server does not speak SIP: ",
        "huge": "the server does not speak SIP: ",
        "binary": "no answer in 0.6 s; 1024 bytes came, no whole message",
    }
    assert (over_tcp.get(kind, reason) if transport == "TCP" else reason) in said["reason"]


@pytest.mark.parametrize("kind", ["large", "late", "long"])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_what_is_an_odd_answer_is_taken(ask: Asked, odd: Any, kind: str, transport: str) -> None:
    odd(kind, transport)
    code, said = ask(f"{PROXY}:{ODD}", "--transport", transport)
    assert (code, said["status"], said["allow"]) == (0, 200, ["INVITE", "ACK"])
    assert len(said["server_header"]) < 400


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("endless", "does not speak SIP"), ("closing", "the server closed the connection")],
)
def test_a_server_that_never_ends_or_closes_is_told(
    ask: Asked, odd: Any, kind: str, reason: str
) -> None:
    odd(kind, "TCP")
    code, said = ask(f"{PROXY}:{ODD}", "--transport", "TCP")
    assert (code, reason in said["reason"]) == (1, True)


def test_nothing_of_a_server_reaches_a_terminal_as_it_is(ask: Asked, odd: Any) -> None:
    odd("rude")
    code, text = ask.text(f"{PROXY}:{ODD}")
    assert (code, "486 Busy ?Here" in text) == (0, True)
    assert "?[31mred" in text
    assert all(c.isprintable() or c == "\n" for c in text)


def test_a_port_where_nobody_listens_is_told_at_once(ask: Asked) -> None:
    for transport in ("UDP", "TCP", "TLS"):
        code, said = ask(f"{PROXY}:9", "--transport", transport)
        assert (code, "Connection refused" in said["reason"]) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "required: HOST[:PORT]"),
        (("a b",), 2, "write HOST or HOST:PORT"),
        (("x:99999",), 2, "port '99999' is not between 1 and 65535"),
        ((NAME, "--line", "0"), 2, "write a number from 1 to 16"),
        ((NAME, "--transport", "SCTP"), 2, "write UDP, TCP, TLS or Auto"),
        ((NAME, "--connect", NAME), 2, "write an IPv4 or IPv6 address"),
        ((NAME, "--timeout", "nan"), 2, "write seconds from 0.1 to 60"),
        ((NAME, "--config", "/none.xml"), 3, "/none.xml: No such file or directory"),
        ((NAME, "--ca", "/etc/hostname"), 3, "holds no certificate in PEM"),
        ((NAME, "--cert", "/etc"), 3, "is not a regular file"),
    ],
)
def test_wrong_words_get_one_line(ask: Asked, words: tuple[str, ...], code: int, said: str) -> None:
    done = ask.space.run(sys.executable, "-m", "ringfence", "probe", "sip", *words, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr
