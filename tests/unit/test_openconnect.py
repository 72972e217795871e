"""What openconnect is told and tells; the texts are those that version 9.01 printed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.openconnect import (
    Configured,
    Failure,
    Login,
    Report,
    configured,
    failure,
    report,
    words,
)

LOGIN = Login(host="vpn.telco.test", port=443, user="alice", group="")
GOOD = {
    "INTERNAL_IP4_ADDRESS": "10.88.0.50",
    "INTERNAL_IP4_NETMASK": "255.255.255.0",
    "INTERNAL_IP4_MTU": "1434",
    "INTERNAL_IP4_DNS": "10.77.0.1 10.77.0.2",
}


def line(**texts: object) -> bytes:
    return json.dumps(texts).encode() + b"\n"


def test_a_connect_report_holds_the_address_and_what_belongs_to_it() -> None:
    said = report(line(reason="connect", **GOOD))
    assert said == Report(
        "connect",
        Configured("10.88.0.50", 24, mtu=1434, resolvers=("10.77.0.1", "10.77.0.2")),
    )
    assert said.configured
    assert said.configured.mask == "255.255.255.0"
    assert report(line(reason="attempt-reconnect", **GOOD)) == Report("attempt-reconnect")


def test_ipv6_comes_with_its_prefix_alone_or_beside_ipv4() -> None:
    both = configured({**GOOD, "INTERNAL_IP6_NETMASK": "fd88::2/64", "INTERNAL_IP6_DNS": "fd77::1"})
    assert (both.address6, both.prefix6) == ("fd88::2", 64)
    assert both.resolvers == ("10.77.0.1", "10.77.0.2", "fd77::1")
    alone = configured({"INTERNAL_IP6_NETMASK": "fd88::2/64"})
    assert (alone.address, alone.address6, alone.mtu) == ("", "fd88::2", 1280)


@pytest.mark.parametrize(
    "change",
    [
        {"INTERNAL_IP4_ADDRESS": "10.88.0.50; reboot"},
        {"INTERNAL_IP4_ADDRESS": "$(reboot)"},
        {"INTERNAL_IP4_ADDRESS": "127.0.0.1"},
        {"INTERNAL_IP4_ADDRESS": "224.0.0.1"},
        {"INTERNAL_IP4_ADDRESS": "0.0.0.0"},
        {"INTERNAL_IP4_ADDRESS": "169.254.1.1"},
        {"INTERNAL_IP4_ADDRESS": ""},
        {"INTERNAL_IP4_NETMASK": "255.0.255.0"},
        {"INTERNAL_IP4_MTU": "many"},
        {"INTERNAL_IP4_DNS": "10.77.0.1 `id`"},
        {"INTERNAL_IP6_NETMASK": "fe80::1/64"},
    ],
)
def test_what_is_no_address_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError, match="the VPN server gives"):
        report(line(reason="connect", **{**GOOD, **change}))


def test_sizes_and_counts_are_bounded() -> None:
    many = " ".join(f"10.77.0.{n}" for n in range(1, 100))
    assert len(configured({**GOOD, "INTERNAL_IP4_DNS": many}).resolvers) == 3
    assert configured({**GOOD, "INTERNAL_IP4_MTU": "65000"}).mtu == 1500
    assert configured({**GOOD, "INTERNAL_IP4_MTU": "68"}).mtu == 1280
    with pytest.raises(RemoteProtocolError, match="more than 4096 bytes"):
        report(b" " * 5000)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_report_does_more_than_be_refused(data: bytes) -> None:
    try:
        report(data)
    except RemoteProtocolError:
        return


@given(st.dictionaries(st.sampled_from([*GOOD, "INTERNAL_IP6_NETMASK"]), st.text(max_size=40)))
def test_no_variable_does_more_than_be_refused(texts: dict[str, str]) -> None:
    try:
        found = configured(texts)
    except RemoteProtocolError:
        return
    assert found.address or found.address6


def test_the_words_trust_nobody_but_the_file_and_hold_no_password() -> None:
    said = words(LOGIN, "10.99.1.10", "vpn0", "/state/cas.pem", "script 7")
    assert "--no-system-trust" in said
    assert "--cafile=/state/cas.pem" in said
    assert "--resolve=vpn.telco.test:10.99.1.10" in said
    assert "--non-inter" in said
    assert "--no-proxy" in said
    assert not any(word.startswith(("--authgroup", "--servercert")) for word in said)
    (priority,) = [word for word in said if word.startswith("--gnutls-priority")]
    assert "-VERS-TLS1.0:-VERS-TLS1.1" in priority
    address = words(Login(host="fd00::1", port=44, user="a", group="g"), "fd00::1", "v", "c", "s")
    assert address[-1] == "--server=https://[fd00::1]:44/"
    assert "--authgroup=g" in address
    assert not any(word.startswith("--resolve") for word in address)


REFUSED = """POST https://vpn.telco.test/auth
Login failed.
Please enter your password.
Password:
User input required in non-interactive mode
Failed to complete authentication"""
UNTRUSTED = """SSL negotiation with vpn.telco.test
Server certificate verify failed: {0}

Certificate from VPN server "vpn.telco.test" failed verification.
Reason: {0}
SSL connection failure: Error in the certificate.
Failed to open HTTPS connection to vpn.telco.test
Failed to complete authentication"""


@pytest.mark.parametrize(
    ("code", "text", "reason", "final"),
    [
        (1, REFUSED, "the server refused user 'alice' or the password", True),
        (1, UNTRUSTED.format("signer not found"), "is not by a CA that the phone trusts", False),
        (1, UNTRUSTED.format("signature verification failed"), "is not by a CA", False),
        (1, UNTRUSTED.format("certificate does not match hostname"), "names another", False),
        (1, UNTRUSTED.format("certificate expired"), "has expired", False),
        (1, UNTRUSTED.format("certificate not yet activated"), "is not valid yet", False),
        (1, UNTRUSTED.format("unheard of"), "was refused: unheard of", False),
        (1, "Failed to connect to 10.0.0.1:444: Connection refused", "nothing listens", False),
        (1, "Failed to connect to 10.0.0.1:443: No route to host", "no such host", False),
        (2, "Cookie was rejected by server; exiting.", "does not know the session", False),
        (-9, "", "openconnect was killed (signal 9)", False),
        (1, 'XML response has no "auth" node', "does not speak AnyConnect", False),
        (7, "Something\x1b[31m new", "exit status 7: Something?[31m new", False),
    ],
)
def test_the_last_words_are_told_in_ours(code: int, text: str, reason: str, final: bool) -> None:
    found = failure(code, text.splitlines(), LOGIN)
    assert reason in found.reason
    assert found.final is final


def test_an_unknown_group_is_told_with_those_there_are() -> None:
    text = 'Auth choice "nosuch" not available\nGroup: [DEFAULT|phones|admins]:***\n'
    login = Login(host="vpn", port=443, user="alice", group="nosuch")
    assert str(failure(1, text.splitlines(), login)) == (
        "the server has no tunnel group 'nosuch'; it offers DEFAULT, phones, admins:"
        " correct VPN Tunnel Group"
    )


def test_a_server_with_groups_and_a_phone_without_takes_the_servers_first() -> None:
    text = "Group: [DEFAULT|phones|admins]:***\nUser input required in non-interactive mode"
    found = failure(1, text.splitlines(), LOGIN)
    assert found == Failure("the server wants a tunnel group", final=True, choose="DEFAULT")
