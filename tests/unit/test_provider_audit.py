"""The log of an authority: complete, bound line to line, and a condition of every act."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ringfence.cli import main
from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import audit, authority, ca, certificates, renewal, revocation
from ringfence.provider.identity import GENERIC, DeviceIdentity

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DEVICE = DeviceIdentity("CP-6841-3PCC", "88012BA01234", "000e08abcdef")
YEAR = timedelta(days=365)
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "ca"
    authority.create(made, "Telco", NOW)
    ca.issue_device(made, DEVICE, NOW, certificates.KeyKind.P256)
    serial = serials(made)[0]
    revocation.revoke(made, serial, "superseded", NOW)
    return made


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ca"))


def serials(folder: Path) -> list[str]:
    return [
        json.loads(line)["serial"] for line in (folder / "issued.jsonl").read_text().splitlines()
    ]


def server(folder: Path, host: str = "pv.telco.net") -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(KEY, hashes.SHA256())
    text = asked.public_bytes(Encoding.PEM)
    return ca.sign(folder, text, ca.Terms(YEAR, asked_by="alice"), NOW).certificate


def test_every_act_is_in_the_log(folder: Path) -> None:
    server(folder)
    chain = audit.read(folder)
    assert [event.what for event in chain.events] == ["init", "issued", "revoked", "issued"]
    assert [event.number for event in chain.events] == [1, 2, 3, 4]
    assert chain.events[0].about == {"owner": "Telco", "keys": "not encrypted"}
    assert chain.events[1].about["subject"].endswith("L=88012BA01234,OU=CP-6841-3PCC")
    assert chain.events[2].about["serial"] == chain.events[1].about["serial"]
    assert chain.events[3].about["asked by"] == "alice"
    assert audit.unlogged(folder, chain) == []


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda lines: lines[1:], "line 1 does not follow"),
        (lambda lines: [lines[0], lines[2]], "line 2 does not follow"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "line 2 does not follow"),
        (lambda lines: [lines[0], lines[1].replace(b"6841", b"8841"), lines[2]], "line 3 does not"),
        (lambda lines: [lines[0], b"rubbish", lines[2]], "line 2 is damaged"),
    ],
    ids=["begin cut", "taken out", "put in", "changed", "overwritten"],
)
def test_a_log_that_was_tampered_with_is_noticed(folder: Path, harm: object, said: str) -> None:
    assert callable(harm)
    book = folder / "audit.jsonl"
    book.write_bytes(b"".join(line + b"\n" for line in harm(book.read_bytes().splitlines())))
    with pytest.raises(ComponentError, match=said):
        audit.read(folder)


def test_a_log_that_lost_its_end_lacks_what_the_books_have(folder: Path) -> None:
    book = folder / "audit.jsonl"
    head = audit.read(folder).head
    book.write_bytes(book.read_bytes().splitlines(keepends=True)[0])
    chain = audit.read(folder)
    assert audit.unlogged(folder, chain) == serials(folder) * 2
    assert head not in chain.hashes


def test_without_its_log_the_authority_does_nothing(folder: Path) -> None:
    book = folder / "audit.jsonl"
    book.write_bytes(book.read_bytes() + b"rubbish\n")
    before = (folder / "issued.jsonl").read_bytes()
    with pytest.raises(ComponentError, match="the last line is damaged"):
        ca.issue_device(folder, GENERIC, NOW, certificates.KeyKind.P256)
    assert (folder / "issued.jsonl").read_bytes() == before


def test_a_line_that_a_power_cut_left_gives_way(folder: Path) -> None:
    book = folder / "audit.jsonl"
    book.write_bytes(book.read_bytes() + b'{"number":4,"at":')
    server(folder)
    assert [event.number for event in audit.read(folder).events] == [1, 2, 3, 4]


def test_an_authority_older_than_its_log_begins_one(folder: Path) -> None:
    (folder / "audit.jsonl").unlink()
    server(folder)
    chain = audit.read(folder)
    assert [event.what for event in chain.events] == ["log begun", "issued"]
    assert chain.events[0].about == {"issued": "1", "revoked": "1"}
    assert audit.unlogged(folder, chain) == []


def test_the_command_prints_the_log_and_holds_it_to_a_head(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["ca", "audit", "--dir", str(folder)]
    assert main(words) == 0
    head = capsys.readouterr().out.splitlines()[-1].split()[1]
    server(folder)
    assert main([*words, "--expect", head, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["head"] != head
    assert [event["what"] for event in told["events"]][-1] == "issued"
    assert main([*words, "--expect", "0" * 64]) == 1
    assert "cut or rewritten" in capsys.readouterr().err


def test_a_certificate_is_renewed_for_its_key_and_names(folder: Path) -> None:
    old = server(folder)
    later = NOW + timedelta(days=300)
    new = renewal.renew(folder, old, YEAR, later).certificate
    was, now = x509.load_pem_x509_certificate(old), x509.load_pem_x509_certificate(new)
    assert now.public_key() == was.public_key()
    assert now.subject == was.subject
    assert {one.oid: one.value for one in now.extensions} == {
        one.oid: one.value for one in was.extensions
    }
    assert now.serial_number != was.serial_number
    assert now.not_valid_after_utc == later + YEAR
    assert new.count(b"BEGIN CERTIFICATE") == 2
    assert f"{now.serial_number:x}" in serials(folder)


def test_what_is_revoked_or_not_ours_is_not_renewed(folder: Path, tmp_path: Path) -> None:
    held = server(folder)
    number = f"{x509.load_pem_x509_certificate(held).serial_number:x}"
    revocation.revoke(folder, number, "keyCompromise", NOW)
    with pytest.raises(ConfigError, match="was revoked"):
        renewal.renew(folder, held, YEAR, NOW)
    other = tmp_path / "other"
    authority.create(other, "Telco", NOW)
    foreign = server(other)
    with pytest.raises(ConfigError, match="this authority issued none"):
        renewal.renew(folder, foreign, YEAR, NOW)
    with (folder / "issued.jsonl").open("ab") as book:  # the same serial number, another's key
        book.write((other / "issued.jsonl").read_bytes())
    with pytest.raises(ConfigError, match="is not signed by this authority"):
        renewal.renew(folder, foreign, YEAR, NOW)
