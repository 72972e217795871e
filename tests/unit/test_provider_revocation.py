"""The books of the authority and its lists of what is revoked. Source: RFC 5280 sections 5, 6.3."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import authority, ca, certificates, register, revocation
from ringfence.provider.identity import GENERIC, DeviceIdentity

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "ca"
    authority.create(folder, "Telco Test", NOW)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ca"))


def phone(folder: Path, mac: str = "000e08abcdef") -> str:
    """Issue a certificate; return its serial number."""
    device = DeviceIdentity("CP-8841-3PCC", "1", mac)
    made = ca.issue_device(folder, device, NOW, certificates.KeyKind.P256)
    return f"{x509.load_pem_x509_certificate(made.certificate).serial_number:x}"


def held(folder: Path, name: str = "client-root") -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((folder / f"{name}.crl").read_bytes())


def test_each_list_is_of_one_issuer_and_of_what_it_issued(folder: Path) -> None:
    serial = phone(folder)
    phone(folder, "000e08abcdee")
    revocation.revoke(folder, serial, "keyCompromise", LATER)
    for name, revoked in (("client-root", [serial]), ("server-ca", []), ("server-root", [])):
        issuer = x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
        found = held(folder, name)
        assert found.issuer == issuer.subject
        assert [f"{one.serial_number:x}" for one in found] == revoked
    (line,) = held(folder)
    assert line.revocation_date_utc == LATER
    reason = line.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise


def test_each_list_has_the_next_number_and_an_end(folder: Path) -> None:
    for number in (1, 2, 3):
        made = revocation.renew(folder, NOW, timedelta(days=7))
        assert revocation.crl_number(made["server-ca"]) == number
    assert held(folder, "server-ca").next_update_utc == NOW + timedelta(days=7)
    assert held(folder, "server-ca").last_update_utc == NOW


def test_an_unspecified_reason_stays_out_of_the_list(folder: Path) -> None:
    revocation.revoke(folder, phone(folder), "unspecified", LATER)
    (line,) = held(folder)
    assert list(line.extensions) == []


def test_a_list_never_outlives_its_issuer(folder: Path) -> None:
    with pytest.raises(ConfigError, match="days: the authority ends on"):
        revocation.renew(folder, NOW, timedelta(days=16 * 365))
    assert not (folder / "server-root.crl").exists()


def test_what_was_not_issued_or_is_revoked_already_is_refused(folder: Path) -> None:
    serial = phone(folder)
    with pytest.raises(ConfigError, match="this authority issued none with abc"):
        revocation.revoke(folder, "abc", "superseded", LATER)
    revocation.revoke(folder, serial, "superseded", LATER)
    said = r"is revoked since 2026-11-23 09:00 UTC \(superseded\)"
    with pytest.raises(ConfigError, match=said):
        revocation.revoke(folder, serial, "keyCompromise", LATER)
    assert revocation.crl_number(held(folder)) == 1


def test_nothing_is_revoked_where_no_list_can_be_made(folder: Path) -> None:
    serial = phone(folder)
    (folder / "server-ca.key").unlink()
    with pytest.raises(ComponentError):
        revocation.revoke(folder, serial, "superseded", LATER)
    assert register.revoked(folder) == {}


def test_the_register_says_what_was_issued(folder: Path) -> None:
    serial = phone(folder)
    ca.issue_device(folder, GENERIC, NOW, certificates.KeyKind.P256)
    first, second = register.issued(folder)
    assert (first.serial, first.kind, first.product) == (serial, "device", "CP-8841-3PCC")
    assert (second.kind, second.subject) == (
        "generic",
        "S=ciscogeneric,L=ciscogeneric,OU=cisco.com",
    )
    assert first.until == NOW + timedelta(days=20 * 365)


def test_a_line_that_a_power_cut_left_unfinished_gives_way(folder: Path) -> None:
    first = phone(folder)
    book = folder / "issued.jsonl"
    book.write_text(book.read_text() + '{"serial":"ab","ki')
    assert [entry.serial for entry in register.issued(folder)] == [first]
    second = phone(folder)
    assert [entry.serial for entry in register.issued(folder)] == [first, second]
    assert all(json.loads(line) for line in book.read_text().splitlines())


@pytest.mark.parametrize("damage", ["rubbish", "{}", '{"serial":1}', "\udcff", ""])
def test_any_other_damage_is_an_error_that_names_the_line(folder: Path, damage: str) -> None:
    serial = phone(folder)
    revocation.revoke(folder, serial, "superseded", LATER)
    book = folder / "revoked.jsonl"
    line = damage.encode(errors="surrogateescape")
    book.write_bytes(book.read_bytes() + line + b"\n" + book.read_bytes())
    with pytest.raises(ComponentError, match=r"revoked\.jsonl: line 2 is damaged"):
        revocation.renew(folder, NOW)


def test_the_exports_have_lists_once_there_are_some(folder: Path, tmp_path: Path) -> None:
    public = tmp_path / "public"
    assert [path.name for path in ca.export(folder, public)] == [
        *("provider-root.crt", "spacroot.crt")
    ]
    revocation.renew(folder, NOW)
    assert [path.name for path in ca.export(folder, public)] == [
        *("provider-root.crt", "spacroot.crt", "provider-bundle.pem", "spacroot.crl")
    ]
    parts = ("server-root.crt", "server-root.crl", "server-ca.crl")
    bundle = (public / "provider-bundle.pem").read_bytes()
    assert bundle == b"".join((folder / part).read_bytes() for part in parts)
    assert b"PRIVATE" not in bundle


def test_a_reader_goes_by_the_last_good_list(folder: Path) -> None:
    path, issuer = folder / "client-root.crl", folder / "client-root.crt"
    serial = phone(folder)
    reader = revocation.Revoked(path, issuer)
    assert not reader.holds(int(serial, 16))
    revocation.revoke(folder, serial, "superseded", LATER)
    assert reader.holds(int(serial, 16))
    foreign = (folder / "server-ca.crl").read_bytes()
    for text in (b"rubbish", foreign):
        path.write_bytes(text)
        assert reader.holds(int(serial, 16))
    path.unlink()
    assert reader.holds(int(serial, 16))
    assert not reader.holds(1)


def test_a_reader_does_not_begin_with_a_list_of_another(folder: Path) -> None:
    revocation.renew(folder, NOW)
    with pytest.raises(ComponentError, match="is not a list of this authority"):
        revocation.Revoked(folder / "server-ca.crl", folder / "client-root.crt")
    (folder / "client-root.crl").write_text("rubbish")
    with pytest.raises(ComponentError, match="is no CRL"):
        revocation.Revoked(folder / "client-root.crl", folder / "client-root.crt")
