"""Passwords of accounts over the real page: what opens them, what is kept, what guessing gets."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.curl import Curl
from tests.support.web_fixtures import SET, USER_PASSWORD, Start, Visit, held, start, visit
from tests.support.web_phone import PASSWORD, WebPhone

__all__ = ["start", "visit"]
ANSWERED = 501
"""This small phone knows no resync: whoever is let in is told so."""


def kept(phone: WebPhone) -> bytes:
    """Return every byte of the phone's folder."""
    return b"".join(file.read_bytes() for file in phone.state.rglob("*") if file.is_file())


def digest(visitor: Curl, password: str) -> int:
    answer = visitor.get("/admin/resync", "--digest", "-u", f"admin:{password}")
    *_, last = re.findall(r"^HTTP/1\.1 (\d+)", f"{answer.head}\n{answer.text}", re.MULTILINE)
    return int(last)


@pytest.mark.proves("WEB-04")
def test_no_file_of_the_phone_has_a_password_and_all_open_it_after_a_restart(
    start: Start, visit: Visit
) -> None:
    phone = start()
    assert visit().post("/first-use", password=PASSWORD, again=PASSWORD).status == 303
    assert visit("admin").submit("system", User_Password=USER_PASSWORD).status == 303
    assert b"$argon2id$" in kept(phone)
    assert PASSWORD.encode() not in kept(phone)
    assert USER_PASSWORD.encode() not in kept(phone)
    phone.stop()
    phone = start()
    assert visit("admin").get("/voice/system").status == 200
    assert visit("user").get("/voice/system").status == 200
    assert digest(visit(), PASSWORD) == ANSWERED
    assert digest(visit(), USER_PASSWORD) == 401
    assert [visit().login(who, "").status for who in ("admin", "user")] == [403, 403]
    assert held(phone, "Admin_Password") == "***"


@pytest.mark.proves("RSY-11")
def test_digest_is_there_while_it_is_wanted_and_its_hashes_no_longer(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET, Enable_Direct_Action_Url="No")
    visitor = visit("admin")
    assert visitor.submit("system", Enable_Direct_Action_Url="Yes").status == 303
    told = visit().get("/admin/resync", "--digest", "-u", f"admin:{PASSWORD}")
    assert (told.status, "set it again" in told.text) == (403, True)
    assert visitor.submit("system", Admin_Password=PASSWORD).status == 303
    assert digest(visit(), PASSWORD) == ANSWERED
    visitor.submit("system", Enable_Direct_Action_Url="No")
    newest = max(phone.state.glob("settings-*.json")).read_text()
    assert re.search(r"sealed \$argon2id\$\S+\"", newest)
    assert not re.search(r"[0-9a-f]{64} [0-9a-f]{32}", newest.partition("\n")[2])


@pytest.mark.proves("WEB-04")
def test_whoever_guesses_with_many_hands_gets_no_more_guesses(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    hands = [visit() for _ in range(24)]
    with ThreadPoolExecutor(len(hands)) as pool:
        told = list(pool.map(lambda hand: hand.login("admin", "Guess-number-1").status, hands))
    assert Counter(told) == {403: 5, 429: 19}
    assert phone.process.poll() is None


def test_a_hash_from_the_disk_opens_nothing(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    newest = max(phone.state.glob("settings-*.json")).read_text()
    sealed = re.findall(r'"(sealed [^"]+)"', newest)
    assert len(sealed) == 2
    for text in sealed:
        for word in (text, *text.split()[1:]):
            assert visit().login("admin", word).status in (403, 429)
