"""The phone's half of SCEP against the authority's: which answers are believed."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from ringfence.config.codecs import Secret
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.features.certificates import scep
from ringfence.features.certificates.plan import Enrolment, plan
from ringfence.protocols import scep as messages
from ringfence.provider import authority, challenge, revocation, waiting
from ringfence.provider.identity import DeviceIdentity
from ringfence.provider.register import issued
from ringfence.provider.scep import Responder
from ringfence.runtime.state import Facts, Identity

UNIT = DeviceIdentity("CP-8841-3PCC", "88012BA01234", "000e08abcdef")
STRONG = "\n".join(messages.CAPABILITIES)
KEY, OTHER = scep.new_key(), scep.new_key()
NONCE = b"n" * 16


class Authority:
    """An authority with SCEP, and what a phone knows of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.responder = Responder(folder, b"")
        root = x509.load_pem_x509_certificate((folder / "client-root.crt").read_bytes())
        self.fingerprint = scep.fingerprint_of(root, 64)
        self.held = scep.authorities(self.responder.authorities(), self.fingerprint, time.time())

    def asked(self, password: str = "") -> Enrolment:
        given = {
            "CDC_Server_1_": "http://ca.test",
            "CDC_Root_CA_Fingerprint_1_": self.fingerprint,
            "CDC_Challenge_Password_1_": password or self.password(),
        }
        changes = {tag: Change(text) for tag, text in given.items()}
        snapshot, _ = submit(Snapshot(virgin("12.0")), changes, Origin.PROFILE)
        identity = Identity(mac=UNIT.mac, product=UNIT.product, serial=UNIT.serial)
        made = plan(snapshot.settings, Facts(identity=identity)).plans[""].enrolment
        assert made is not None
        return made

    def password(self) -> str:
        return challenge.make(self.folder, UNIT, datetime.now(UTC))

    def sent(self, keys: scep.Keys, password: str = "") -> scep.Pending:
        return scep.request(self.asked(password), self.held, keys, NONCE, time.time())

    def enrol(self, keys: scep.Keys, password: str = "") -> bytes:
        sent = self.sent(keys, password)
        answer = self.responder.operate(sent.message, datetime.now(UTC))
        return scep.receive(answer, sent, self.held, keys)


def new(folder: Path) -> Authority:
    authority.create(folder, "Telco", datetime.now(UTC))
    return Authority(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new(tmp_path_factory.mktemp("made") / "ca").folder


@pytest.fixture
def telco(made: Path, tmp_path: Path) -> Authority:
    return Authority(Path(shutil.copytree(made, tmp_path / "ca")))


def test_a_certificate_is_renewed_by_itself_without_a_password(telco: Authority) -> None:
    first = telco.enrol(scep.Keys(KEY))
    assert first.startswith(KEY)
    second = telco.enrol(scep.Keys(OTHER, first), "no password that counts")
    assert second.startswith(OTHER)
    old, new = (x509.load_pem_x509_certificate(text) for text in (first, second))
    assert new.subject == old.subject
    assert new.serial_number != old.serial_number
    assert new.public_key() == load_pem_private_key(OTHER, None).public_key()
    assert [line.kind for line in issued(telco.folder)] == ["scep-ra", "custom", "custom"]


def test_a_revoked_certificate_renews_nothing(telco: Authority) -> None:
    first = telco.enrol(scep.Keys(KEY))
    serial = issued(telco.folder)[-1].serial
    revocation.revoke(telco.folder, serial, "keyCompromise", datetime.now(UTC))
    with pytest.raises(RemoteProtocolError, match="refuses: badCertId"):
        telco.enrol(scep.Keys(OTHER, first))


def test_a_lost_answer_is_given_again_to_who_polls_with_the_same_key(telco: Authority) -> None:
    sent = telco.sent(scep.Keys(KEY))
    telco.responder.operate(sent.message, datetime.now(UTC))  # and the answer is lost
    content = messages.seal(b"0\x00", telco.held.registrar)
    for key, said in ((KEY, None), (OTHER, "badCertId")):
        private = load_pem_private_key(key, None)
        own = telco.sent(scep.Keys(key), "x").own
        draft = messages.Draft(messages.Kind.CERT_POLL, sent.transaction, NONCE, content)
        poll = scep.Pending(messages.build(draft, own, private), sent.transaction, NONCE, own)  # type: ignore[arg-type]
        answer = telco.responder.operate(poll.message, datetime.now(UTC))
        if said:
            with pytest.raises(RemoteProtocolError, match=said):
                scep.receive(answer, poll, telco.held, scep.Keys(key))
        else:
            assert scep.receive(answer, poll, telco.held, scep.Keys(key)).startswith(KEY)
    assert len(issued(telco.folder)) == 2


def test_an_answer_to_another_request_is_refused(telco: Authority) -> None:
    keys = scep.Keys(KEY)
    sent = telco.sent(keys)
    answer = telco.responder.operate(sent.message, datetime.now(UTC))
    for other in (
        scep.Pending(sent.message, "another", NONCE, sent.own),
        scep.Pending(sent.message, sent.transaction, b"x" * 16, sent.own),
    ):
        with pytest.raises(RemoteProtocolError, match="not for this request"):
            scep.receive(answer, other, telco.held, keys)


def test_an_answer_of_another_authority_is_refused(telco: Authority, tmp_path: Path) -> None:
    keys, thief = scep.Keys(KEY), new(tmp_path / "thief")
    sent = thief.sent(keys)
    answer = thief.responder.operate(sent.message, datetime.now(UTC))
    with pytest.raises(PolicyError, match="not signed by the SCEP server's authority"):
        scep.receive(answer, sent, telco.held, keys)
    mixed = scep.Authorities(telco.held.root, thief.held.registrar)
    with pytest.raises(PolicyError, match="not under the SCEP server's root"):
        scep.receive(answer, sent, mixed, keys)


def test_a_certificate_for_another_key_is_refused(telco: Authority) -> None:
    sent = telco.sent(scep.Keys(KEY))
    content = messages.seal(messages.bundle([telco.held.root]), sent.own)
    draft = messages.Draft(
        messages.Kind.CERT_REP,
        sent.transaction,
        b"s" * 16,
        content,
        NONCE,
        messages.Status.SUCCESS,
    )
    held = authority.signer(telco.folder, authority.SCEP_RA)
    answer = messages.build(draft, held.certificate, held.key)
    with pytest.raises(RemoteProtocolError, match="for another key"):
        scep.receive(answer, sent, telco.held, scep.Keys(KEY))
    pending = messages.Draft(
        messages.Kind.CERT_REP, sent.transaction, b"s", b"", NONCE, messages.Status.PENDING
    )
    undecided = messages.build(pending, held.certificate, held.key)
    assert scep.receive(undecided, sent, telco.held, scep.Keys(KEY)) == b""


def test_a_root_without_the_fingerprint_is_refused(telco: Authority) -> None:
    given = telco.responder.authorities()
    with pytest.raises(PolicyError, match="no certificate of the SCEP server"):
        scep.authorities(given, "00" * 32, time.time())
    with pytest.raises(RemoteProtocolError, match="cannot be read"):
        scep.authorities(b"<html>", "00" * 32, time.time())
    sha1 = scep.fingerprint_of(telco.held.root, 40)
    assert scep.authorities(given, sha1, time.time()) == telco.held


def test_a_registrar_that_ended_or_is_anothers_gets_nothing(
    telco: Authority, tmp_path: Path
) -> None:
    root = telco.held.root
    late = time.time() + timedelta(days=11 * 365).total_seconds()
    assert (
        scep.authorities(telco.responder.authorities(), telco.fingerprint, late).registrar == root
    )
    foreign = new(tmp_path / "other").held.registrar
    mixed = messages.bundle([root, foreign])
    assert scep.authorities(mixed, telco.fingerprint, time.time()).registrar == root


@pytest.mark.parametrize(
    ("words", "strong"),
    [
        (STRONG, True),
        ("SCEPStandard", True),
        ("SHA-256\r\nAES\r\n", True),
        ("sha-512\naes", True),
        ("SHA-1\nDES3\nPOSTPKIOperation", False),
        ("SHA-256\nDES3", False),
        ("AES\nSHA-1", False),
        ("", False),
    ],
)
def test_a_server_must_know_sha_2_and_aes(words: str, strong: bool) -> None:
    if strong:
        scep.must_speak(words)
    else:
        with pytest.raises(PolicyError, match="SHA-256 and AES"):
            scep.must_speak(words)


def test_the_password_of_an_expired_challenge_counts_no_more(telco: Authority) -> None:
    old = challenge.make(telco.folder, UNIT, datetime.now(UTC) - timedelta(days=8))
    with pytest.raises(RemoteProtocolError, match="badRequest"):
        telco.enrol(scep.Keys(KEY), old)


def test_no_more_requests_wait_than_there_is_room_for(
    telco: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    telco.responder = Responder(telco.folder, b"", holds=True)
    monkeypatch.setattr(waiting, "MOST", 1)
    silent = replace(telco.asked("x"), challenge=Secret())
    for key, said in ((KEY, ""), (KEY, ""), (OTHER, "badRequest")):
        keys = scep.Keys(key)
        sent = scep.request(silent, telco.held, keys, NONCE, time.time())
        answer = telco.responder.operate(sent.message, datetime.now(UTC))
        if said:
            with pytest.raises(RemoteProtocolError, match=said):
                scep.receive(answer, sent, telco.held, keys)
        else:
            assert scep.receive(answer, sent, telco.held, keys) == b""
    assert len(waiting.waiting(telco.folder)) == 1
