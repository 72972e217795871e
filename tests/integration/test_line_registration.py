"""Registration of a line, as a real Kamailio sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone

Wire = tuple[Namespace, Namespace]
PHONE, PROXY = "10.99.0.2", "10.99.0.9"
NAME = "sip.telco.test"
ACCOUNT = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
USERS = {"1001": "pw1001", "1002": "pw1002"}
ROOT, FOREIGN = authority(), authority("Foreign Root")


@pytest.fixture
def kamailio(pair: Wire, tmp_path: Path, component: list[str]) -> Iterator[Kamailio]:
    certificate, key = leaf(ROOT, dns=[NAME]).save(tmp_path, "sip")
    registrar = Registrar(PROXY, NAME, USERS, Path(certificate), Path(key))
    started = Kamailio(pair[1], tmp_path, registrar)
    component.append(started.version())
    yield started
    started.close()


@pytest.fixture
def phone(pair: Wire) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {NAME: [PROXY]})
    yield started
    started.stop()


@pytest.mark.proves("SIP-03")
@pytest.mark.parametrize(
    ("transport", "contact"),
    [
        ("UDP", r"sip:1001@10.99.0.2:5060"),
        ("TCP", r";transport=tcp"),
        ("TLS", r";transport=tls"),
    ],
)
def test_a_line_registers_and_unregisters_when_the_phone_stops(
    phone: LinePhone, kamailio: Kamailio, transport: str, contact: str
) -> None:
    phone.set(trust=(ROOT.pem,), SIP_Transport_1_=transport, **ACCOUNT)
    line = phone.wait(registered=True)
    assert line["transport"] == transport
    assert line["suite"] == ("TLS_AES_256_GCM_SHA384" if transport == "TLS" else "")
    assert contact in kamailio.contacts()["1001"]
    phone.stop()
    assert kamailio.contacts() == {}
