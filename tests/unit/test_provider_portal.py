"""The portal's sessions, its guard against guessing, its users, and lists that renew themselves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ringfence.errors import ConfigError
from ringfence.provider import authority, revocation
from ringfence.provider.portal import mail, users
from ringfence.provider.portal.app import Desk
from ringfence.provider.portal.server import renew_lists
from ringfence.provider.portal.sessions import MOST, Sessions, Tries, is_own

PASSWORD = "correct horse battery"


def test_a_session_ends_unused_and_used() -> None:
    sessions = Sessions()
    cookie = sessions.begin("alice", 0.0)
    assert sessions.find("other", 1.0) is None
    for now in (800.0, 1600.0, 2400.0, 3200.0, 3600.0):
        assert sessions.find(cookie, now)
    assert sessions.find(cookie, 3601.0) is None
    idle = sessions.begin("alice", 4000.0)
    assert sessions.find(idle, 4901.0) is None
    ended = sessions.begin("alice", 5000.0)
    sessions.end(ended)
    assert sessions.find(ended, 5001.0) is None


def test_the_oldest_session_gives_way_and_tokens_are_each_sessions_own() -> None:
    sessions = Sessions()
    cookies = [sessions.begin("alice", 0.0) for _ in range(MOST + 1)]
    assert sessions.find(cookies[0], 1.0) is None
    first, last = sessions.find(cookies[1], 1.0), sessions.find(cookies[-1], 1.0)
    assert first
    assert last
    assert is_own(first, first.token)
    assert not is_own(first, last.token)
    assert not is_own(first, "")


def test_five_wrong_passwords_shut_an_address_out_for_five_minutes() -> None:
    tries = Tries()
    for now in range(5):
        assert tries.may("10.0.0.1", now)
        tries.wrong("10.0.0.1", now)
    assert not tries.may("10.0.0.1", 5.0)
    assert tries.may("10.0.0.2", 5.0)
    assert not tries.may("10.0.0.1", 299.0)
    assert tries.may("10.0.0.1", 300.5)


def test_passwords_are_kept_as_what_nobody_can_read(tmp_path: Path) -> None:
    users.put(tmp_path, "alice", PASSWORD)
    users.put(tmp_path, "bob", PASSWORD)
    book = tmp_path / "users.json"
    assert PASSWORD not in book.read_text()
    assert book.stat().st_mode & 0o777 == 0o600
    held = users.known(tmp_path)
    assert held["alice"].digest != held["bob"].digest
    assert users.may_enter(tmp_path, "alice", PASSWORD)
    assert not users.may_enter(tmp_path, "alice", PASSWORD + "x")
    assert not users.may_enter(tmp_path, "carol", PASSWORD)
    users.remove(tmp_path, "alice")
    assert not users.may_enter(tmp_path, "alice", PASSWORD)


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [("alice", "short", "shorter"), ("Alice", PASSWORD, "1 to 32"), ("../x", PASSWORD, "1 to 32")],
)
def test_a_user_that_will_not_do_is_refused(
    tmp_path: Path, name: str, password: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        users.put(tmp_path, name, password)
    assert users.known(tmp_path) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "admin",
        "a@b",
        "a b@telco.net",
        "a@telco.net\r\nBcc: x@evil.test",
        "<a@telco.net>",
        "a@x..y",
    ],
)
def test_what_is_no_address_gets_no_mail(text: str) -> None:
    with pytest.raises(ConfigError, match="e-mail address"):
        mail.address(text)


def test_lists_are_renewed_when_half_of_their_time_is_over(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    now = datetime.now(UTC)
    authority.create(folder, "Telco", now - timedelta(days=60), b"open sesame")
    desk = Desk(folder, b"open sesame")
    assert not renew_lists(desk), "where there are none, none are made"
    revocation.renew(folder, now - timedelta(days=10), timedelta(days=30), b"open sesame")
    assert not renew_lists(desk)
    revocation.renew(folder, now - timedelta(days=16), timedelta(days=30), b"open sesame")
    assert renew_lists(desk)
    held = x509.load_pem_x509_crl((folder / "client-root.crl").read_bytes())
    assert held.next_update_utc
    assert held.next_update_utc > now + timedelta(days=29)
    assert revocation.crl_number(held) == 3
    assert not renew_lists(desk)
    assert "sesame" not in repr(desk)
