"""Lines of one phone that have nothing in common but the phone."""

from collections.abc import Iterator

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import leaf
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.sip_net import DNS, DOMAIN, FIRST, PHONE, ROOT, SECOND, Provider, provider

__all__ = ["provider"]

OTHER = "other.test"
PASSWORDS = {user: f"pw{user}" for user in ("1001", "1002", "1003", "1004")}
ELSEWHERE = {user: f"else{user}" for user in ("1001", "2001", "2002")}
SETTINGS = {"Primary_DNS": DNS, "SIP_IP_Preference": "IPv4"}


def ext(
    n: int, domain: str, user: str, password: str, transport: str, **more: str
) -> dict[str, str]:
    """Return the settings of a line."""
    named = {"Proxy": domain, "User_ID": user, "Password": password, "SIP_Transport": transport}
    return {f"{name}_{n}_": value for name, value in {**named, **more}.items()}


LINES = {
    **ext(1, DOMAIN, "1001", "pw1001", "UDP"),
    **ext(2, DOMAIN, "1002", "pw1002", "TCP", SIP_Port="5062"),
    **ext(3, DOMAIN, "1003", "pw1003", "TLS"),
    # The same user as Ext 1, at somebody else's and with another password.
    **ext(4, OTHER, "1001", "else1001", "UDP", SIP_Port="5064"),
    **ext(5, OTHER, "2001", "else2001", "TLS", TLS_Name_Validate="No"),
    **ext(6, OTHER, "2002", "else2002", "TLS"),
    **ext(7, DOMAIN, "1004", "else1001", "UDP", SIP_Port="5067"),
}
HELD = {1: "UDP", 2: "TCP", 3: "TLS", 4: "UDP", 5: "TLS"}


@pytest.fixture
def registrars(provider: Provider) -> tuple[Kamailio, Kamailio]:
    """Return two: the second asks for SHA-256, and its certificate names somebody else."""
    provider.zone(f"host-record={DOMAIN},{FIRST}", f"host-record={OTHER},{SECOND}")
    first = provider.registrar(users=PASSWORDS)
    second = provider.registrar(
        SECOND,
        leaf(ROOT, dns=["wrong.test"]),
        domain=OTHER,
        users=ELSEWHERE,
        algorithm="SHA-256",
    )
    return first, second


@pytest.fixture
def phone(pair: tuple[Namespace, Namespace]) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {})
    started.trust(ROOT.pem)
    yield started
    started.stop()


@pytest.mark.proves("CALL-06")
def test_every_line_has_its_own_transport_tls_policy_credentials_and_proxy(
    phone: LinePhone, registrars: tuple[Kamailio, Kamailio]
) -> None:
    phone.set(**SETTINGS, **LINES)
    for n, transport in HELD.items():
        phone.wait(n, registered=True, transport=transport)
    phone.wait(6, registered=False, reason=f"wanted {OTHER}; the certificate has DNS:wrong.test")
    phone.wait(7, registered=False, reason="wrong user or password")
    first, second = registrars
    assert first.contacts().keys() == {"1001", "1002", "1003"}
    assert second.contacts().keys() == {"1001", "2001"}
    assert ":5062;transport=tcp" not in first.contacts()["1001"]
    assert ";transport=tcp" in first.contacts()["1002"]
    assert ";transport=tls" in second.contacts()["2001"]


@pytest.mark.proves("CALL-06")
def test_a_change_of_one_line_leaves_the_others_and_their_calls_alone(
    phone: LinePhone, registrars: tuple[Kamailio, Kamailio]
) -> None:
    first, second = registrars
    phone.set(**SETTINGS, **LINES)
    for n in HELD:
        phone.wait(n, registered=True)
    call = str(phone.command("dial", target="1002", line="1")["call"])
    phone.wait_call(direction="in", state="ringing", line=2)
    phone.command("answer")
    phone.wait_call(call=int(call), received=[">=", 10])
    before = [first.sequence(user) for user in ("1001", "1002")], second.sequence("1001")
    phone.set(**SETTINGS, **{**LINES, "TLS_Name_Validate_5_": "Yes"})
    phone.wait(5, registered=False)
    second.until(lambda: second.contacts().keys() == {"1001"})
    changed = ext(3, OTHER, "2001", "else2001", "UDP", SIP_Port="5065")
    phone.set(**SETTINGS, **{**LINES, **changed, "Password_5_": "wrong"})
    phone.wait(3, registered=True, transport="UDP")
    first.until(lambda: first.contacts().keys() == {"1001", "1002"})
    assert before == (
        [first.sequence(user) for user in ("1001", "1002")],
        second.sequence("1001"),
    )
    talked = phone.wait_call(call=int(call), state="established")["received"]
    phone.wait_call(call=int(call), received=[">=", talked + 10])
    phone.command("hangup", call=call)
    phone.wait_call(gone=True)
