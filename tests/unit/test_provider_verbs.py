"""`ringfence provider` and its inventory on the command line: what it prints and refuses."""

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.provider.inventory.database import create

MAC, OTHER = "000e08abcdef", "000e08abcdee"
DONE, REFUSED, CANNOT = 0, 1, 3


@pytest.fixture(scope="module")
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verbs") / "ringfence-provider"
    create(folder)
    return folder


@pytest.fixture
def here(initial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(initial, tmp_path / initial.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Give the next command its standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_phone_is_listed_with_its_group_values_and_secret(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["provider", "group", "set", "sales", "--value", "proxy=sip.telco.test"]) == DONE
    words = ["provider", "device", "set", "00:0E:08:AB:CD:EF", "--name", "Desk 12"]
    assert main([*words, "--group", "sales", "--value", "user=1001", "--value", "pin=1"]) == DONE
    assert main([*words[:4], "--value", "pin="]) == DONE
    say(monkeypatch, "correct horse\n")
    assert main(["provider", "secret", "set", MAC, "password"]) == DONE
    assert capsys.readouterr().out == ""
    assert main(["provider", "device", "show", MAC, "--json"]) == DONE
    shown = json.loads(capsys.readouterr().out)
    assert shown["device"]["device"] == {
        "mac": MAC,
        "name": "Desk 12",
        "group": "sales",
        "values": {"user": "1001"},
        "blocked": False,
    }
    assert shown["secrets"] == ["password"]
    actions = [(line["action"], line["detail"]) for line in shown["history"]]
    assert actions == [
        ("secret set", "password"),
        ("device set", "pin="),
        ("device set", "name=Desk 12 group=sales user=1001 pin=1"),
    ]
    for words in (
        ["device", "show", MAC],
        ["device", "list"],
        ["history"],
        ["secret", "list", MAC],
    ):
        assert main(["provider", *words]) == DONE
    assert "correct horse" not in capsys.readouterr().out


def test_a_template_is_put_read_back_and_removed(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("one.xml").write_text("{{ values.user }}")
    assert main(["provider", "template", "put", "cfg/default.xml", "one.xml"]) == DONE
    say(monkeypatch, "two")
    assert main(["provider", "template", "put", "cfg/default.xml", "-"]) == DONE
    for words in ((), ("--version", "1")):
        assert main(["provider", "template", "get", "cfg/default.xml", *words]) == DONE
    said = capsys.readouterr().out
    assert said == "cfg/default.xml version 1\ncfg/default.xml version 2\ntwo{{ values.user }}"
    assert main(["provider", "template", "remove", "cfg/default.xml"]) == DONE
    assert main(["provider", "template", "list", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out) == []


def test_a_blocked_phone_is_shown_as_such(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provider", "device", "set", MAC]) == DONE
    assert main(["provider", "device", "block", MAC]) == DONE
    assert main(["provider", "device", "list"]) == DONE
    head, row = capsys.readouterr().out.splitlines()
    assert (head.split()[0], row.split()) == ("mac", [MAC, "blocked"])
    assert main(["provider", "device", "unblock", MAC]) == DONE
    assert main(["provider", "device", "list", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)[0]["device"]["blocked"] is False


def test_a_token_is_printed_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provider", "token", "add", "prometheus", "--role", "metrics"]) == DONE
    text = capsys.readouterr().out.strip()
    assert text.startswith("rf_")
    assert main(["provider", "token", "list"]) == DONE
    assert main(["provider", "token", "revoke", "prometheus"]) == DONE
    assert main(["provider", "token", "list"]) == DONE
    said = capsys.readouterr().out
    assert text.split("_", 2)[2] not in said
    assert "revoked: " in said


WRONG = (
    (("init",), CANNOT, "holds an inventory already"),
    (("init", "--data", "x", "--database", "mysql://h/d"), REFUSED, "is no URL of PostgreSQL"),
    (("init", "--data", "x", "--database", "postgresql://u:hush@h/d"), REFUSED, "leave it out"),
    (
        ("init", "--data", "x", "--database", "postgresql:///d?host=/nowhere"),
        CANNOT,
        "inventory postgresql+psycopg:///d",
    ),
    (("device", "list", "--data", "none"), CANNOT, "make one: ringfence provider init"),
    (("device", "show", "xyz"), REFUSED, "is not a MAC address"),
    (("device", "show", OTHER), REFUSED, "is unknown"),
    (("device", "set", OTHER, "--group", "none"), REFUSED, "make it: ringfence provider group set"),
    (("device", "set", OTHER, "--value", "none"), REFUSED, "'none' is no NAME=TEXT"),
    (("device", "set", OTHER, "--value", "a b=1"), REFUSED, "is no name for a value"),
    (("device", "block", OTHER), REFUSED, "is unknown"),
    (("device", "remove", OTHER), REFUSED, "is unknown"),
    (("group", "set", "../x"), REFUSED, "is no name"),
    (("group", "remove", "none"), REFUSED, "is unknown"),
    (("template", "put", "x.xml", "none"), CANNOT, "file none: No such file"),
    (("template", "put", "x.xml", "wrong.xml"), REFUSED, "line 2: unexpected '}'"),
    (("template", "put", "../x.xml", "good.xml"), REFUSED, "is no name"),
    (("template", "put", "x.xml", "latin.xml"), REFUSED, "is not UTF-8"),
    (("template", "get", "none"), REFUSED, "is not in the inventory"),
    (("template", "get", "none", "--version", "3"), REFUSED, "has no version 3"),
    (("template", "remove", "none"), REFUSED, "is unknown"),
    (("secret", "remove", OTHER, "none"), REFUSED, "has none of the name"),
    (("upload", "get", "7"), REFUSED, "there is no 7"),
    (("token", "revoke", "none"), REFUSED, "is none that counts"),
    (("token", "add", "a b"), REFUSED, "is no name"),
)


@pytest.mark.parametrize(("words", "code", "said"), WRONG)
def test_what_is_refused_is_said_in_one_line_and_changes_nothing(
    here: Path,
    words: Sequence[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("good.xml").write_text("good")
    Path("wrong.xml").write_text("\n{{ values.user }")
    Path("latin.xml").write_bytes(b"\xe9")
    assert main(["provider", *words]) == code
    printed = capsys.readouterr()
    assert (said in printed.err, printed.err.count("\n")) == (True, 1), printed.err
    assert (printed.out, "hush" in printed.err) == ("", False)
    assert main(["provider", "history", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out) == []


def test_an_empty_or_long_secret_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["provider", "device", "set", MAC]) == DONE
    for text, why in (("", "standard input is empty"), ("x" * 5000, "is longer than 4096")):
        say(monkeypatch, text)
        assert main(["provider", "secret", "set", MAC, "password"]) == REFUSED
        assert why in capsys.readouterr().err
