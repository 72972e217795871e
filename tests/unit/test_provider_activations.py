"""Activation codes in the inventory: whom each lets in, how often, how long, and what is kept."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.errors import ConfigError
from ringfence.protocols.activation import Refusal, RefusedError, code
from ringfence.provider.inventory import activations, devices
from ringfence.provider.inventory.database import Inventory, create, now
from ringfence.provider.inventory.devices import Device, Group

MAC, OTHER = "000e08abcdef", "000e08abcdee"
HERE, THERE = "10.0.0.1", "10.0.0.2"
HOUR, DAY = 3600, 86400


@pytest.fixture(scope="module")
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("activations") / "data"
    create(folder)
    return folder


@pytest.fixture
def folder(initial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(activations, "COST", 2)
    return Path(shutil.copytree(initial, tmp_path / "data"))


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    made = Inventory(folder)
    with made.changing("me", "group set", "sales") as connection:
        devices.put_group(connection, Group("sales"))
    return made


def made(inventory: Inventory, mac: str = "", group: str = "sales", days: int = 7) -> str:
    with inventory.changing("me", "activation create", "x") as connection:
        return activations.add(connection, mac, group, days)[1]


def refusal(inventory: Inventory, mac: str, source: str, digits: str) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        activations.spend(inventory, mac, source, digits)
    return refused.value.refusal


def wrong(digits: str) -> str:
    """Return a code of the same number whose secret is another."""
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> int:
    at = now() + seconds
    monkeypatch.setattr(activations, "now", lambda: at)
    return at


def states(inventory: Inventory, at: int = 0) -> dict[str, str]:
    with inventory.reading() as connection:
        return {each.id: each.state(at or now()) for each in activations.every(connection)}


@pytest.mark.proves("RSY-12")
def test_a_code_lists_its_phone_in_its_group_once(inventory: Inventory) -> None:
    digits = made(inventory)
    activations.spend(inventory, MAC, HERE, digits)
    with inventory.reading() as connection:
        known = devices.find(connection, MAC)
        assert known
        assert (known.listed, known.device.group) == (True, "sales")
        line = devices.history(connection, MAC)[0]
    assert (line.who, line.action) == (f"phone {MAC}", "activation use")
    assert line.detail == f"code {digits[:6]}, group sales"
    assert states(inventory) == {digits[:6]: "used"}
    assert refusal(inventory, OTHER, HERE, digits) is Refusal.CODE_USED
    assert refusal(inventory, MAC, HERE, digits) is Refusal.CODE_USED


def test_a_listed_phone_keeps_what_was_said_of_it(inventory: Inventory) -> None:
    with inventory.changing("me", "device set", MAC) as connection:
        devices.put(connection, Device(MAC, "Desk 12", "", {"user": "1001"}))
    activations.spend(inventory, MAC, HERE, made(inventory))
    with inventory.reading() as connection:
        known = devices.find(connection, MAC)
    assert known
    assert known.device == Device(MAC, "Desk 12", "sales", {"user": "1001"})


def test_of_two_phones_at_the_same_time_one_uses_a_code(inventory: Inventory) -> None:
    digits = made(inventory)

    def attempt(number: int) -> Refusal | None:
        try:
            activations.spend(inventory, f"{number:012x}", HERE, digits)
        except RefusedError as error:
            return error.refusal
        return None

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(attempt, range(8)))
    assert sorted(told, key=str) == sorted([None] + [Refusal.CODE_USED] * 7, key=str)
    with inventory.reading() as connection:
        assert len(devices.listed(connection)) == 1


def test_a_code_for_one_phone_lets_no_other_in(inventory: Inventory) -> None:
    digits = made(inventory, MAC, "")
    assert refusal(inventory, OTHER, HERE, digits) is Refusal.CODE_FOREIGN
    activations.spend(inventory, MAC, HERE, digits)


def test_a_wrong_code_says_nothing_of_the_right_one(inventory: Inventory) -> None:
    used, foreign = made(inventory), made(inventory, MAC)
    activations.spend(inventory, MAC, HERE, used)
    for digits in (used, foreign):
        assert refusal(inventory, OTHER, HERE, wrong(digits)) is Refusal.CODE_WRONG
    nobody = next(f"{n:06}" for n in range(10**6) if f"{n:06}" not in states(inventory))
    assert refusal(inventory, OTHER, HERE, nobody + "0" * 10) is Refusal.CODE_WRONG


def test_a_code_expires(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = made(inventory, days=2)
    at = later(monkeypatch, 2 * DAY)
    assert refusal(inventory, MAC, HERE, digits) is Refusal.CODE_EXPIRED
    assert states(inventory, at) == {digits[:6]: "expired"}


def test_a_code_that_was_taken_back_lets_nobody_in(inventory: Inventory) -> None:
    digits = made(inventory)
    with inventory.changing("me", "activation revoke", "x") as connection:
        activations.revoke(connection, digits[:6])
    assert refusal(inventory, MAC, HERE, digits) is Refusal.CODE_REVOKED
    with (
        inventory.changing("me", "activation revoke", "x") as connection,
        pytest.raises(ConfigError, match="none that waits"),
    ):
        activations.revoke(connection, digits[:6])


def test_a_code_of_a_group_that_is_gone_lets_nobody_in(inventory: Inventory) -> None:
    digits = made(inventory)
    with inventory.changing("me", "group remove", "sales") as connection:
        devices.remove_group(connection, "sales")
    assert refusal(inventory, MAC, HERE, digits) is Refusal.CODE_REVOKED
    with inventory.reading() as connection:
        assert devices.find(connection, MAC) is None
    assert states(inventory) == {digits[:6]: "open"}


@pytest.mark.proves("RSY-12")
def test_a_phone_has_five_wrong_codes_an_hour(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = made(inventory)
    for _ in range(5):
        assert refusal(inventory, MAC, HERE, wrong(digits)) is Refusal.CODE_WRONG
    with pytest.raises(RefusedError) as refused:
        activations.spend(inventory, MAC, THERE, digits)
    assert refused.value.refusal is Refusal.TOO_MANY
    assert HOUR - 60 <= refused.value.wait <= HOUR
    activations.spend(inventory, OTHER, HERE, digits)
    later(monkeypatch, HOUR)
    assert refusal(inventory, MAC, HERE, digits) is Refusal.CODE_USED


def test_an_address_has_fifty_wrong_codes_an_hour(inventory: Inventory) -> None:
    digits = made(inventory)
    sources = [f"2001:db8::{n:x}" for n in range(50)]
    for number, source in enumerate(sources):
        assert refusal(inventory, f"{number:012x}", source, wrong(digits)) is Refusal.CODE_WRONG
    assert refusal(inventory, MAC, "2001:db8::ffff", digits) is Refusal.TOO_MANY
    activations.spend(inventory, MAC, "2001:db8:0:1::1", digits)


def test_a_right_code_takes_the_wrong_ones_before_it_off_the_count(inventory: Inventory) -> None:
    for digits in (made(inventory), made(inventory)):
        for _ in range(4):
            assert refusal(inventory, MAC, HERE, wrong(digits)) is Refusal.CODE_WRONG
        activations.spend(inventory, MAC, HERE, digits)


def test_tries_at_the_same_time_do_not_get_past_the_limit(inventory: Inventory) -> None:
    digits = wrong(made(inventory))
    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(lambda _: refusal(inventory, MAC, HERE, digits), range(12)))
    assert (told.count(Refusal.CODE_WRONG), told.count(Refusal.TOO_MANY)) == (5, 7)


@pytest.mark.parametrize(
    ("mac", "group", "days", "said"),
    [
        ("", "", 7, "is for nobody"),
        ("xyz", "", 7, "MAC address"),
        ("", "none", 7, "'none' is unknown"),
        ("", "sales", 0, "between 1 and 366"),
        ("", "sales", 367, "between 1 and 366"),
    ],
)
def test_a_code_that_cannot_be_is_not_made(
    inventory: Inventory, mac: str, group: str, days: int, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        made(inventory, mac, group, days)
    assert states(inventory) == {}


@pytest.mark.proves("RSY-12")
def test_nothing_that_is_kept_or_printed_has_the_secret_digits(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(folder))
    assert main(["provider", "group", "set", "sales", *words]) == 0
    create_ = ["provider", "activation", "create", "--group", "sales", "--device", MAC, *words]
    assert main(create_) == 0
    text = capsys.readouterr().out.strip()
    digits = code(text)
    assert text == f"{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}"
    for verb in (["activation", "list"], ["activation", "list", "--json"], ["history"]):
        assert main(["provider", *verb, *words]) == 0
    shown = capsys.readouterr().out
    assert digits[:6] in shown
    with sqlite3.connect(folder / "inventory.sqlite") as connection:
        kept = "\n".join(connection.iterdump())
    assert f"'{digits[:6]}'" in kept
    for secret in (digits[6:], text[7:], digits[8:12] + "-" + digits[12:]):
        assert secret not in shown
        assert secret not in kept


def test_codes_are_listed_and_taken_back_by_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(folder))
    assert main(["provider", "activation", "create", "--device", MAC, *words]) == 0
    number = code(capsys.readouterr().out)[:6]
    assert main(["provider", "activation", "revoke", number, *words]) == 0
    assert capsys.readouterr().out == f"revoked: {number}\n"
    assert main(["provider", "activation", "list", *words]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "phone", "group", "made", "until", "state", "used", "by"]
    assert row.split()[:2] == [number, MAC]
    assert "revoked" in row
    assert main(["provider", "activation", "revoke", number, *words]) == 1
    assert "is none that waits to be used" in capsys.readouterr().err
    assert main(["provider", "activation", "create", *words]) == 1
    assert "say the phone, its group, or both" in capsys.readouterr().err
