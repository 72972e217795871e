"""The tab Certificate: a custom certificate by file, what is wrong with others, and who sees it."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from ringfence.provider import ca
from ringfence.provider.identity import DeviceIdentity
from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office
from tests.support.certificates import CLIENT, SERVER, authority, leaf

LAB = ("--dot1x", "eap-tls")
OWN, CUSTOM = "CP-8841-3PCC-SEP000E08ABCDEF", "CP-8841-3PCC-SEP000E08C05701"
SESAME = "extract-Sesame-1"
WRONG = {
    "weak-key": "has an RSA key of 1024 bits",
    "for-servers": "is not meant for a client",
    "expired": "expired on",
    "garbage": "is no PKCS#12 file",
    "too-large": "This is too large.",
    "no-key": "has not both a key and its certificate",
    "other-key": "has a certificate for another key",
}


@pytest.fixture(scope="module")
def files(desk: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of PKCS#12 files: one by the CA that the network trusts, and others."""
    folder = tmp_path_factory.mktemp("certificates")
    unit = DeviceIdentity("CP-8841-3PCC", "CUSTOM0001", "000e08c05701")
    made = ca.issue_device(desk.state / "provider" / "ca", unit, datetime.now(UTC))
    mine = x509.load_pem_x509_certificate(made.certificate)
    key = serialization.load_pem_private_key(made.key or b"", None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    old = leaf(authority(), cn="old", usage=CLIENT, days=(-40, -10))
    pack(folder / "right.p12", key, mine)
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    signed = leaf(authority(), cn="weak", usage=CLIENT, key=weak)
    server = leaf(authority(), cn="server", usage=SERVER)
    pack(folder / "weak-key.p12", weak, signed.certificate)
    pack(folder / "for-servers.p12", server.key, server.certificate)
    pack(folder / "expired.p12", old.key, old.certificate)
    pack(folder / "no-key.p12", None, mine)
    exchange(folder, "other-key")
    (folder / "garbage.p12").write_bytes(bytes(range(256)) * 8)
    (folder / "too-large.p12").write_bytes(bytes(600 << 10))
    return folder


def pack(
    file: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None, mine: x509.Certificate
) -> None:
    secured = serialization.BestAvailableEncryption(SESAME.encode())
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"x", key, mine, None, secured))


def exchange(folder: Path, name: str) -> None:
    """Make a file with one pair's certificate and another one's key, which no tool makes."""
    one, other = (
        leaf(authority(), cn="desk", usage=CLIENT, key=ec.generate_private_key(ec.SECP256R1()))
        for _ in range(2)
    )
    certificate, key = one.save(folder, "one")
    plain = ["-nomac", "-keypbe", "NONE", "-certpbe", "NONE", "-passout", "pass:"]
    words = ["openssl", "pkcs12", "-export", *plain, "-in", certificate, "-inkey", key]
    made = subprocess.run(words, check=True, capture_output=True).stdout
    form = Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    mine, theirs = (pair.key.private_bytes(*form) for pair in (one, other))
    assert made.count(mine) == 1
    (folder / f"{name}.p12").write_bytes(made.replace(mine, theirs))


def add(page: Administrator, file: str, password: str) -> str:
    """Add a file on the tab; return what the page says of it."""
    page.select("More > Certificate")
    browser = page.page
    browser.get_by_label("PKCS#12 file with key and certificate").set_input_files(file)
    browser.get_by_label("Extract password").fill(password)
    browser.get_by_role("button", name="Add Certificate").click()
    browser.wait_for_load_state()
    return str(browser.get_by_role("main").inner_text())


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_will_not_do_says_why_and_changes_nothing(
    office: Office, files: Path, name: str
) -> None:
    judged(office, "freeradius")
    said = office.follow(add, str(files / f"{name}.p12"), SESAME)
    assert WRONG[name] in said
    assert _status(office)["Custom Device Certificate"].startswith("Not Installed")


def test_a_wrong_extract_password_opens_no_file(office: Office, files: Path) -> None:
    judged(office, "freeradius")
    said = office.follow(add, str(files / "right.p12"), "wrong-Sesame-1")
    assert "the extract password is wrong" in said
    assert _status(office)["Custom Device Certificate"].startswith("Not Installed")


def choose(page: Administrator, which: str) -> None:
    page.select("Voice > System")
    page.set("802.1X Authentication", "Certificate Select", which)
    page.click_submit_all_changes()


def delete(page: Administrator) -> None:
    page.select("More > Certificate")
    page.page.get_by_role("button", name="Delete Custom Certificate").click()
    page.page.wait_for_load_state()


def shown(office: Office) -> list[str]:
    """Return the names of the certificates by which RADIUS let this phone in, in their order."""
    pattern = r"Login OK: \[(\S+)\] \(.* cli 00-0E-08-AB-CD-EF\)"
    return re.findall(pattern, office.log("radius"))


@pytest.mark.proves("DOT-02")
def test_a_custom_certificate_is_added_shown_to_the_network_and_deleted(
    office: Office, files: Path
) -> None:
    judged(office, "freeradius")
    office.until(lambda: shown(office)[-1:] == [OWN])
    assert CUSTOM in office.follow(add, str(files / "right.p12"), SESAME)
    office.follow(choose, "Custom installed")
    office.until(lambda: shown(office)[-1] == CUSTOM)
    office.follow(choose, "Manufacturing installed")
    office.until(lambda: shown(office)[-1] == OWN)
    office.follow(delete)
    assert _status(office)["Custom Device Certificate"].startswith("Not Installed")


def _status(office: Office) -> dict[str, str]:
    return dict(office.lab.status()["phone"]["features"]["certificates"]["rows"])
