"""Media plane security as a Kamailio sees it that plays every kind of server."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.kamailio import Registrar
from ringfence.lab.mediasec import CARRIED, MediaSec
from ringfence.lab.namespaces import Namespace
from tests.support import tshark
from tests.support.certificates import authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.srtp_oracle import unprotect

Wire = tuple[Namespace, Namespace]
PHONE, PROXY, NAME = "10.99.0.2", "10.99.0.9", "sip.telco.test"
ROOT = authority()
LINE = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
BEGINS = {**LINE, "MediaSec_Request_1_": "Yes"}
OFFER = "sdes-srtp;mediasec"
LIST = "msrp-tls;mediasec,sdes-srtp;mediasec,dtls-srtp;mediasec"
NONE = "<null>"
USERS = ("1001", "1002", "1003")
TRANSPORTS = ("UDP", "TCP", "TLS")
Serve = Callable[[str], Kamailio]


@pytest.fixture
def serve(pair: Wire, tmp_path: Path, component: list[str]) -> Iterator[Serve]:
    """Start a Kamailio that takes part in a mode."""
    made: list[Kamailio] = []

    def start(mode: str) -> Kamailio:
        certificate, key = leaf(ROOT, dns=[NAME]).save(tmp_path, "sip")
        users = {user: f"pw{user}" for user in USERS}
        registrar = Registrar(
            PROXY, NAME, users, Path(certificate), Path(key), mediasec=MediaSec(mode)
        )
        made.append(Kamailio(pair[1], tmp_path, registrar))
        component.append(made[0].version())
        return made[0]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def phone(pair: Wire, serve: Serve) -> Iterator[LinePhone]:
    """Start a phone, and end it before its registrar."""
    started = LinePhone(pair[0], PHONE, {NAME: [PROXY]})
    started.trust(ROOT.pem)
    yield started
    started.stop()


def seen(kamailio: Kamailio, *names: str) -> list[tuple[str, ...]]:
    """Return what Kamailio logged of each request, in order."""
    return [tuple(found[name] for name in names) for found in re.finditer(CARRIED, kamailio.said())]


def security(line: dict[str, object]) -> tuple[object, ...]:
    """Return what the phone's status says of the agreement."""
    held = line["security_agreement"]
    if held is None:
        return ()
    assert isinstance(held, dict)
    return (
        ",".join(held["list"]),
        held["initiated_by"],
        held["secures_media"],
        held["keys_in_clear"],
    )


@pytest.mark.proves("MS-01", "MS-02")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_phone_that_asks_repeats_what_the_server_names(
    phone: LinePhone, serve: Serve, transport: str
) -> None:
    kamailio = serve("client")
    phone.set(**BEGINS, SIP_Transport_1_=transport)
    line = phone.wait(registered=True)
    assert seen(kamailio, "client", "verify", "require", "proxy", "judged") == [
        (OFFER, NONE, "mediasec", "mediasec", "named"),
        (OFFER, LIST, "mediasec", "mediasec", "agreed"),
    ]
    assert seen(kamailio, "transport") == [(transport.lower(),)] * 2
    assert security(line) == (LIST, "client", True, transport != "TLS")
    assert isinstance(line["next_refresh"], int)
    assert 0 < line["next_refresh"] <= 3600


@pytest.mark.proves("MS-01", "MS-02")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_without_mediasec_request_a_server_that_begins_is_answered(
    phone: LinePhone, serve: Serve, transport: str
) -> None:
    kamailio = serve("server")
    status = phone.set(**LINE, SIP_Transport_1_=transport)
    assert "mediasec-keys-in-clear" not in status["findings"]
    line = phone.wait(registered=True)
    assert seen(kamailio, "client", "verify", "require", "proxy", "judged") == [
        (NONE, NONE, NONE, NONE, "named"),
        (NONE, LIST, "mediasec", "mediasec", "agreed"),
    ]
    assert security(line) == (LIST, "server", True, transport != "TLS")


@pytest.mark.proves("MS-02")
def test_without_mediasec_request_a_server_that_only_answers_hears_nothing_of_it(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("client")
    phone.set(**LINE)
    line = phone.wait(registered=True)
    nothing = (NONE, NONE, NONE, NONE, "plain")
    assert seen(kamailio, "client", "verify", "require", "proxy", "judged") == [nothing] * 2
    assert security(line) == ()


@pytest.mark.proves("MS-03")
def test_over_tls_only_a_line_neither_begins_nor_answers_off_tls(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("server")
    only = {"MediaSec_Over_TLS_Only_1_": "Yes"}
    carried: list[tuple[str, ...]] = []
    for account in (BEGINS, LINE):
        for transport in ("UDP", "TCP"):
            status = phone.set(**account, **only, SIP_Transport_1_=transport)
            assert "mediasec-keys-in-clear" not in status["findings"]
            line = phone.wait(transport=transport, reason="Security Agreement Required")
            assert security(line) == ()
            carried += [(transport.lower(), NONE, NONE, NONE, NONE)] * 2
    assert seen(kamailio, "transport", "client", "verify", "require", "proxy") == carried
    assert kamailio.contacts() == {}
    for account, client in ((BEGINS, OFFER), (LINE, NONE)):
        phone.set(**account, **only, SIP_Transport_1_="TLS")
        assert security(phone.wait(registered=True))[2:] == (True, False)
        assert seen(kamailio, "client", "verify", "judged")[-1] == (client, LIST, "agreed")


@pytest.mark.proves("MS-04")
def test_after_401_security_client_stays_and_after_494_it_does_not(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("client")
    phone.set(**BEGINS)
    phone.wait(registered=True)
    ladder = [(OFFER, NONE, "named"), (OFFER, LIST, "agreed")]
    assert seen(kamailio, "client", "verify", "judged") == ladder
    phone.set()
    kamailio.until(lambda: kamailio.contacts() == {})
    before = len(seen(kamailio))
    kamailio.change(MediaSec("refuse"))
    phone.set(**BEGINS)
    phone.wait(registered=True)
    refused = seen(kamailio, "client", "verify", "judged")[before:]
    assert refused == [(OFFER, NONE, "494"), (NONE, LIST, "agreed"), (NONE, LIST, "agreed")]


@pytest.mark.proves("MS-01", "MS-04")
def test_a_server_that_refuses_first_is_answered_without_mediasec_request(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("refuse")
    phone.set(**LINE)
    phone.wait(registered=True)
    assert seen(kamailio, "client", "verify", "judged") == [
        (NONE, NONE, "494"),
        (NONE, LIST, "agreed"),
        (NONE, LIST, "agreed"),
    ]


@pytest.mark.proves("MS-01")
def test_a_server_that_does_not_know_the_option_is_used_without_it(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("unknown")
    phone.set(**BEGINS)
    line = phone.wait(registered=True)
    ladder = [(OFFER, "mediasec", "420"), (NONE, NONE, "plain"), (NONE, NONE, "plain")]
    assert seen(kamailio, "client", "proxy", "judged") == ladder
    assert security(line) == ()


@pytest.mark.proves("MS-01")
def test_where_calls_must_be_secure_a_server_that_does_not_know_the_option_is_refused(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("unknown")
    phone.set(**BEGINS, Secure_Call_Option_1_="Required")
    phone.wait(registered=False, reason="secure calls are required")
    assert seen(kamailio, "client", "judged") == [(OFFER, "420")]
    assert kamailio.contacts() == {}


def refreshed(phone: LinePhone, kamailio: Kamailio, times: int) -> None:
    """Refresh three lines so often, over three transports, with a new list in between."""
    lines: dict[str, str] = {}
    for n, (user, transport) in enumerate(zip(USERS, TRANSPORTS, strict=True), start=1):
        of_line = {**BEGINS, "User_ID_1_": user, "Password_1_": f"pw{user}"}
        of_line |= {"SIP_Transport_1_": transport, "Register_Expires_1_": "1"}
        of_line |= {"SIP_Proxy-Require_1_": "foo"}
        lines |= {tag.replace("_1_", f"_{n}_"): text for tag, text in of_line.items()}
    phone.set(**lines, SIP_Port_1_="5070")
    half = times // 2
    agreed = [r"MEDIASEC REGISTER " + user + r" .* agreed$" for user in USERS]
    for pattern in agreed:
        kamailio.hear(pattern, half, patience=times + 10)
    kamailio.change(MediaSec("client", (OFFER,)))
    for pattern in agreed:
        kamailio.hear(pattern, times, patience=times + 10)
    carried = seen(kamailio, "user", "verify", "require", "proxy", "judged")
    for user in USERS:
        own = [entry[1:] for entry in carried if entry[0] == user]
        first, *rest = own
        assert first == (NONE, "mediasec", "foo, mediasec", "named")
        again = rest.index((LIST, "mediasec", "foo, mediasec", "494"))
        assert set(rest[:again]) == {(LIST, "mediasec", "foo, mediasec", "agreed")}
        assert set(rest[again + 1 :]) == {(OFFER, "mediasec", "foo, mediasec", "agreed")}
        assert len(rest) > times
    assert all(phone.wait(n, registered=True) for n in (1, 2, 3))


@pytest.mark.proves("MS-05")
def test_refreshes_double_nothing_and_follow_a_list_that_changes(
    phone: LinePhone, serve: Serve
) -> None:
    refreshed(phone, serve("client"), 6)


@pytest.mark.soak
@pytest.mark.proves("MS-05")
def test_a_hundred_refreshes_double_nothing(phone: LinePhone, serve: Serve) -> None:
    refreshed(phone, serve("client"), 100)


def ready(phone: LinePhone, **texts: str) -> None:
    """Register two lines over UDP."""
    second = {tag.replace("_1_", "_2_"): text for tag, text in LINE.items()}
    second |= {"User_ID_2_": "1002", "Password_2_": "pw1002", "SIP_Port_2_": "5062"}
    phone.set(**LINE, **second, **texts)
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)


def talk(phone: LinePhone) -> None:
    """Call Ext 1 from Ext 2; return once audio flows both ways."""
    phone.command("dial", target="1001", line="2")
    phone.wait_call(direction="in", state="ringing")
    phone.command("answer")
    for direction in ("in", "out"):
        phone.wait_call(direction=direction, state="established", received=[">=", 25])


@pytest.mark.proves("MS-05")
def test_the_list_is_on_every_request_of_a_call_and_follows_a_change(
    phone: LinePhone, serve: Serve
) -> None:
    kamailio = serve("server")
    ready(phone)
    kamailio.change(MediaSec("server", (OFFER,)))
    talk(phone)
    out = str(phone.wait_call(direction="out")["call"])
    for word, state in (("hold", "held"), ("resume", "established")):
        phone.command(word, call=out)
        phone.wait_call(direction="out", state=state)  # no offer is under way any more
    phone.command("hangup", call=out)
    phone.wait_call(gone=True)
    kamailio.hear("MEDIASEC (INVITE|BYE) 1002 .* agreed", 5)
    wanted = ("method", "user", "client", "verify", "require", "proxy", "judged")
    ladder = [entry for entry in seen(kamailio, *wanted) if entry[0] != "REGISTER"]
    asked = ("mediasec", "mediasec")
    assert ladder == [
        ("INVITE", "1002", NONE, LIST, *asked, "494"),
        ("INVITE", "1002", NONE, OFFER, *asked, "agreed"),  # challenged
        ("INVITE", "1002", NONE, OFFER, *asked, "agreed"),
        ("INVITE", "1002", NONE, OFFER, *asked, "agreed"),  # hold
        ("INVITE", "1002", NONE, OFFER, *asked, "agreed"),  # resume
        ("BYE", "1002", NONE, OFFER, *asked, "agreed"),
    ]


@pytest.mark.proves("MS-06")
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_what_was_agreed_becomes_srtp_by_sdes(
    phone: LinePhone,
    serve: Serve,
    pair: Wire,
    tmp_path: Path,
    component: list[str],
    transport: str,
) -> None:
    serve("server")
    component.append(tshark.version())
    file = tmp_path / "call.pcapng"
    with tshark.captured(pair[0], "any", file):
        ready(phone, SIP_Transport_1_=transport, SIP_Transport_2_=transport)
        talk(phone)
    described = tshark.fields(
        file,
        "sdp",
        *("sdp.media.proto", "sdp.media_attribute.field", "sdp.media_attribute.value"),
        *("sdp.media.port", "sdp.crypto.master_key", "sdp.crypto.master_salt"),
    )
    offer, *_, answer = described
    keys = {}
    for words, (protocol, names, values, port, key, salt) in (
        ("requested", offer),
        ("applied", answer),
    ):
        assert protocol == "RTP/SAVP"
        assert {"3ge2ae", "crypto"} <= set(names.split(","))
        assert words in values.split(",")
        keys[port] = (bytes.fromhex(key.split(",")[0]), bytes.fromhex(salt.split(",")[0]))
    assert len(keys) == 2
    heard = tshark.fields(file, "rtp", "udp.srcport", "srtp.auth_tag", "udp.payload")
    assert len(heard) >= 20
    assert {port for port, _, _ in heard} == set(keys)
    for port, tag, payload in heard:
        packet = bytes.fromhex(payload)
        assert tag == packet[-10:].hex()
        assert unprotect(packet, *keys[port]) == b"\xff" * 160  # silence, in G.711
        other = next(held for name, held in keys.items() if name != port)
        with pytest.raises(ValueError, match="authentication"):
            unprotect(packet, *other)
