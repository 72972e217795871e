"""The directory at a real slapd: how it is reached, who signs in, and what is never said."""

import re
from pathlib import Path

import pytest

from ringfence.lab.slapd import CLIENT_DN
from tests.support import tshark
from tests.support.certificates import authority
from tests.support.hello import SCSV
from tests.support.ldap_net import BOX, PLAIN, SECURE, Wire, names, wire
from tests.support.phone import RINGFENCE
from tests.support.slapd import PASSWORD

__all__ = ["wire"]

STARTTLS = {"LDAP_StartTLS_Enable": "Yes"}
STRICT = {**STARTTLS, "RF_StartTLS_Fallback": "No"}


@pytest.mark.proves("LDP-01", "LDP-02", "LDP-03", "LDP-04", "LDP-05")
def test_the_scheme_chooses_tls_and_the_field_chooses_who_signs_in(wire: Wire) -> None:
    directory = wire.slapd(SECURE, wire.pair(), sasldb=True)
    servers: tuple[tuple[str, dict[str, str], int, bool], ...] = (
        (f"ldaps://{SECURE}", {}, 636, True),
        (f"ldaps://{SECURE}", STARTTLS, 636, True),
        (f"ldap://{SECURE}", STARTTLS, 389, True),
        (f"ldap://{SECURE}", {}, 389, False),
        (f"ldap://{SECURE}:389", {}, 389, False),
    )
    count = 0
    for server, more, port, secured in servers:
        for method in ("None", "Simple", "DIGEST-MD5"):
            told = wire.search(server, "love", LDAP_Auth_Method=method, **more)
            assert names(told) == ["Ada Lovelace"]
            assert told["security"].endswith(f"matches {SECURE}") is secured
            assert (told["downgraded"], told["health"]) == (False, "Running")
            count += 1
            own = directory.connection(count)
            assert f"(IP={SECURE}:{port})" in own
            assert ("TLS established" in own) is secured
            assert ("STARTTLS" in own) is (secured and port == 389)
            assert _signed_in(own) == method


def _signed_in(log: str) -> str:
    """Return by which method a connection signed in, as slapd saw it."""
    user = f'BIND dn="{CLIENT_DN}"'
    if re.search(rf"{user} mech=DIGEST-MD5 bind_ssf=\d+ ssf=\d+", log):
        return "DIGEST-MD5"
    if re.search(rf"{user} mech=SIMPLE bind_ssf=0", log):
        return "Simple"
    return "None" if 'BIND dn="" method=128' in log and CLIENT_DN not in log else "?"


@pytest.mark.proves("LDP-04", "LDP-06")
def test_a_server_without_starttls_is_asked_in_clear_text_and_said_to_be(wire: Wire) -> None:
    directory = wire.slapd(PLAIN)
    told = wire.search(f"ldap://{PLAIN}", "love", LDAP_Auth_Method="Simple", **STARTTLS)
    assert names(told) == ["Ada Lovelace"]
    assert told["downgraded"]
    assert told["health"] == "Failed"
    assert told["rows"]["Last Connection"] == (
        "DOWNGRADED to clear text: the server refused StartTLS"
        " (protocolError (2): unsupported extended operation)"
    )
    assert any("ldap.downgraded" in line for line in told["log"])
    seen = [one.word for one in directory.operations("UNBIND")]
    assert seen.index("EXT") < seen.index("BIND") < seen.index("SRCH")
    strict = wire.search(f"ldap://{PLAIN}", "love", **STRICT)
    assert strict["result"] == "failure"
    assert "unsupported extended operation" in strict["reason"]
    assert directory.server.logged(" SRCH base") == 1
    assert directory.server.logged(" BIND dn") == 2  # request and result of the first search


@pytest.mark.proves("LDP-06")
def test_who_strips_starttls_in_the_middle_reads_along_unless_it_is_forbidden(
    wire: Wire, component: list[str]
) -> None:
    component.append("own-peer")
    wire.slapd(SECURE, wire.pair())
    box = wire.stripper()
    told = wire.search(f"ldap://{BOX}", "love", **STARTTLS)
    assert names(told) == ["Ada Lovelace"]
    assert told["downgraded"]
    assert "read: " in box.wait_for(", SEARCH")
    strict = wire.search(f"ldap://{BOX}", "love", **STRICT)
    assert strict["result"] == "failure"
    assert box.wait_for("stripped: StartTLS", 2).count(", SEARCH") == 1


@pytest.mark.proves("LDP-06", "LDP-07", "TLS-08")
@pytest.mark.parametrize("server", ["ldaps", "ldap"])
def test_a_wrong_name_or_root_is_refused_and_nothing_is_said_after_it(
    wire: Wire, tmp_path: Path, component: list[str], server: str
) -> None:
    component.append(tshark.version())
    wrong = {
        SECURE: (wire.pair(ips=(PLAIN,)), "the certificate has"),
        PLAIN: (wire.pair(ips=(PLAIN,), issuer=authority("Provider Root")), "certificate"),
    }
    directories = {at: wire.slapd(at, pair) for at, (pair, _) in wrong.items()}
    trace = tmp_path / "trace.pcapng"
    with tshark.captured(wire.servers, "eth0", trace):
        for at, (_, why) in wrong.items():
            told = wire.search(f"{server}://{at}", LDAP_Auth_Method="Simple", **STARTTLS)
            assert told["result"] == "failure"
            assert why in told["reason"]
            assert told["health"] == "Failed"
            directories[at].server.wait_for(" closed")
            assert directories[at].server.logged(" BIND ") == 0
    assert PASSWORD.encode() not in trace.read_bytes()
    asked = tshark.fields(trace, "ldap", "ldap.protocolOp")
    # StartTLS and its answer, to either server; with ldaps:// there is nothing in clear text.
    assert [word[0] for word in asked] == (["23", "24"] * 2 if server == "ldap" else [])


@pytest.mark.proves("TLS-01")
@pytest.mark.parametrize("server", ["ldaps", "ldap"])
def test_the_directory_offers_the_cipher_list_that_is_set(
    wire: Wire, tmp_path: Path, component: list[str], server: str
) -> None:
    component.append(tshark.version())
    wire.slapd(SECURE, wire.pair())
    trace = tmp_path / "trace.pcapng"
    own = {"TLS_Cipher_List": "ECDHE-ECDSA-AES256-GCM-SHA384:AES256-SHA", **STARTTLS}
    with tshark.captured(wire.servers, "eth0", trace):
        told = wire.search(f"{server}://{SECURE}", "love", **own)
        assert names(told) == ["Ada Lovelace"]
    assert "TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384" in told["security"]
    hello = tshark.fields(trace, "tls.handshake.type == 1", "tls.handshake.ciphersuite")
    assert hello == [(",".join(f"0x{suite:04x}" for suite in (0xC02C, 0x0035, SCSV)),)]


@pytest.mark.proves("LDP-07")
def test_a_probe_comes_to_tls_as_the_directory_does(wire: Wire, tmp_path: Path) -> None:
    wire.slapd(SECURE, wire.pair())
    wire.slapd(PLAIN)
    (tmp_path / "root.pem").write_text(wire.root.pem)
    words = ("probe", "tls", "--ca", str(tmp_path / "root.pem"))

    def probe(server: str, app: str) -> tuple[int, str]:
        ran = wire.phone.run(*RINGFENCE, *words, "--app", app, server, check=False)
        return ran.returncode, ran.stdout

    for server, app in ((f"{SECURE}:636", "ldaps"), (f"{SECURE}:389", "ldap-starttls")):
        code, said = probe(server, app)
        assert (code, said.startswith("accepted: TLSv1.3")) == (0, True), said
    assert probe(f"{PLAIN}:389", "ldap-starttls") == (
        1,
        "refused: StartTLS: protocolError (2): unsupported extended operation\n",
    )
