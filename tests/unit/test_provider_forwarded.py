"""What a proxy says of its client is verified once more."""

from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.x509 import NameAttribute
from cryptography.x509.oid import NameOID

from ringfence.provider.forwarded import Forwarded
from tests.support.certificates import CLIENT, SERVER, Pair, authority, leaf

MAC = "000e08abcdef"
SUBJECT = [NameAttribute(NameOID.SURNAME, MAC)]
ROOT, FOREIGN = authority("Client Root"), authority("Client Root")


@pytest.fixture
def forwarded(tmp_path: Path) -> Forwarded:
    (tmp_path / "root.crt").write_text(ROOT.pem)
    return Forwarded(tmp_path / "root.crt")


def named(forwarded: Forwarded, text: str) -> str:
    headers = {"X-Client-Certificate": text, "X-Client-Address": "192.0.2.1"}
    client = forwarded.client(headers, "agent")
    assert (client.agent, client.address) == ("agent", "192.0.2.1")
    return client.device.mac


def test_the_forms_of_nginx_and_apache_are_understood(forwarded: Forwarded) -> None:
    pem = leaf(ROOT, subject=SUBJECT, usage=CLIENT).pem
    for text in (quote(pem), pem.replace("\n", " "), pem.replace("\n", "\n\t")):
        assert named(forwarded, text) == MAC


@pytest.mark.parametrize(
    "certificate",
    [
        leaf(FOREIGN, subject=SUBJECT, usage=CLIENT),
        leaf(ROOT, subject=SUBJECT, usage=CLIENT, days=(-9, -1)),
        leaf(ROOT, subject=SUBJECT, usage=CLIENT, days=(1, 9)),
        leaf(ROOT, subject=SUBJECT, usage=SERVER),
    ],
    ids=["foreign", "expired", "future", "server"],
)
def test_what_a_proxy_forwards_is_verified_again(forwarded: Forwarded, certificate: Pair) -> None:
    assert named(forwarded, quote(certificate.pem)) == ""


@pytest.mark.parametrize("text", ["", "(null)", "-----BEGIN CERTIFICATE-----", "x" * 99_999])
def test_what_is_no_certificate_is_nobody(forwarded: Forwarded, text: str) -> None:
    assert named(forwarded, text) == ""
    broken = "-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----"
    assert named(forwarded, broken) == ""
