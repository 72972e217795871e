"""`ringfence lab break` itself: interrupted, told twice, and a phone that does not withstand."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.door import Call
from tests.support.lab import Command
from tests.support.lab_breaks import (
    before,
    folder,
    healthy,
    lab,
    phone,
    show,
    template,
)

__all__ = ["before", "healthy", "lab"]


def test_people_read_what_was_broken_done_and_put_back(healthy: Command) -> None:
    ran = healthy.run("break", "foreign-domain")
    assert ran.returncode == 0
    labels = [line[2:10].strip() for line in ran.stdout.splitlines() if line[:3].strip()]
    assert [
        label for label in labels if label in ("broke", "phone", "why", "shows as", "back")
    ] == [*("broke", "phone", "why", "shows as", "back")]
    assert "The phone withstood." in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 100


def until(lab: Command, good: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """Return the lab's status as soon as it is good."""
    while not good(status := lab.status()):
        continue
    return status


def test_what_the_phone_was_told_to_leave_open_is_no_break(healthy: Command) -> None:
    changed = healthy.run("phone", "set", "Firewall=Disabled")
    assert changed.returncode == 0
    try:
        told, _ = show(healthy, "killed-phone", code=1)
    finally:
        assert healthy.run("phone", "set", "Firewall=Enabled").returncode == 0
    assert told["error"] == "not shown: the phone's firewall is off, so no port is shut"
    assert told["restored"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_break_is_put_back(healthy: Command, number: signal.Signals) -> None:
    with healthy.popen("break", "server-name") as process:
        assert process.stdout
        for line in process.stdout:
            if "broke" in line:
                break
        process.send_signal(number)
        said = process.stdout.read()
        process.wait(60)
    if number is signal.SIGKILL:
        put_back = until(healthy, lambda status: not status["break"])
        assert put_back["mended"] == []  # it was done before anyone looked
    else:
        assert process.returncode == 130
        assert "The provider's certificate is back; resync good" in said
        assert "Interrupted." in said
    assert phone(healthy, "resync").returncode == 0


def test_what_could_not_be_put_back_is_put_back_at_the_next_look(healthy: Command) -> None:
    key = folder(healthy) / "provider" / "pv.telco.test.key"
    away = key.with_suffix(".away")
    with healthy.popen("break", "server-name") as process:
        assert process.stdout
        for line in process.stdout:
            if "broke" in line:
                break
        key.rename(away)
        said = process.stdout.read()
        process.wait(60)
    assert process.returncode == 1
    assert "NOT put back: provider ended" in said
    status = healthy.status()
    assert (status["broken"], status["reason"]) == (
        ["the provider's certificate is back"],
        "provider ended",
    )
    assert healthy.run("break", "flood").returncode == 3
    away.rename(key)
    assert "mended    the provider's certificate is back" in healthy.run("status").stdout


def test_one_break_at_a_time(healthy: Command) -> None:
    told = Call(folder(healthy), {"verb": "break", "name": "flood"}).heard()
    assert next(told)["part"] == "broke"
    (second,) = Call(folder(healthy), {"verb": "break", "name": "server-name"}).heard()
    assert second["refused"] == "the break flood is under way; wait for its end"
    (status,) = Call(folder(healthy), {"verb": "status"}).heard()
    assert status["break"] == "flood"
    *_, end = told
    assert end["withstood"], end


def test_hanging_up_while_it_is_put_back_changes_nothing(healthy: Command) -> None:
    call = Call(folder(healthy), {"verb": "break", "name": "wrong-ca"})
    for part in call.heard():
        if part["part"] == "field":  # what follows is the way back
            call.hang_up()
    assert (part["withstood"], part["interrupted"], part["restored"]) == (True, False, True)


def test_a_break_that_is_stopped_at_its_very_start_says_so(healthy: Command) -> None:
    call = Call(folder(healthy), {"verb": "break", "name": "server-name"})
    call.hang_up()
    *_, end = call.heard()
    assert end.get("interrupted") or end["refused"] == "interrupted; nothing was broken"


def test_a_phone_that_does_not_withstand_is_called_so(healthy: Command) -> None:
    file = template(healthy)
    text = file.read_text()
    (line,) = [one for one in text.splitlines() if "<Restricted_Access_Domains" in one]
    file.write_text(text.replace(line, '<Restricted_Access_Domains>""</Restricted_Access_Domains>'))
    try:
        told, parts = show(healthy, "foreign-domain", code=1)
    finally:
        file.write_text(text)
        assert phone(healthy, "resync").returncode == 0
    assert (told["withstood"], told["restored"]) == (False, True), parts["back"]
    assert "the phone asked DNS for the foreign name" in told["failures"]
    assert parts["phone"][0]["dns_queries"] > 0


def test_an_unregistered_phone_is_not_broken_any_further(healthy: Command) -> None:
    assert phone(healthy, "set", "Line_Enable_1_=No", "Line_Enable_2_=No").returncode == 0
    until(healthy, lambda status: not any(one["registered"] for one in status["phone"]["lines"]))
    ran = healthy.run("break", "server-name")
    assert ran.returncode == 3
    assert ran.stderr.startswith("ringfence: lab: the phone is not registered; ")
    assert phone(healthy, "set", "Line_Enable_1_=Yes", "Line_Enable_2_=Yes").returncode == 0
    until(
        healthy,
        lambda status: len([one for one in status["phone"]["lines"] if one["registered"]]) == 2,
    )


def test_wrong_words_are_told_in_one_line(lab: Command, tmp_path: Path) -> None:
    unknown = lab.run("break", "servername")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "ringfence: no break 'servername'; did you mean server-name?\n"
    nowhere = Command(tmp_path).run("break", "flood")
    assert (nowhere.returncode, nowhere.stdout) == (3, "")
    assert nowhere.stderr == "ringfence: lab: default does not run; ringfence lab up starts it\n"
    assert list(tmp_path.iterdir()) == []
