"""`ringfence probe hello` as a stranger uses it; the network is shut in these tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main
from tests.support.hello import SCSV

CHAPTER = [
    *("c02c", "c030", "009f", "cca9", "cca8", "ccaa", "c02b", "c02f", "009e", "c024", "c028"),
    *("006b", "c023", "c027", "0067", "c00a", "c014", "0039", "c009", "c013", "0033", "009d"),
    *("009c", "003d", "003c", "0035", "002f", "00ff"),
]
"""The chapter's 28 entries."""
TLS13 = ["1302", "1303", "1301"]
APPS = ["provisioning", "custom-ca", "upgrade", "report", "problem-report", "scep", "sip", "xmpp"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def probe(capsys: Capture) -> Any:
    def run(*words: str, app: str = "sip") -> dict[str, Any]:
        assert main(["probe", "hello", "--app", app, "--json", *words]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return run


def config(tmp_path: Path, **texts: str) -> str:
    rows = "".join(f"<{tag}>{text}</{tag}>" for tag, text in texts.items())
    path = tmp_path / "cfg.xml"
    path.write_text(f"<flat-profile>{rows}</flat-profile>")
    return str(path)


@pytest.mark.proves("TLS-05")
@pytest.mark.parametrize("app", ["provisioning", "sip"])
@pytest.mark.parametrize("text", ["", " ", "BOGUS", "TLS_AES_128_GCM_SHA256", "@SECLEVEL=9"])
def test_without_a_usable_list_the_hello_holds_the_chapters_28_entries(
    probe: Any, app: str, text: str
) -> None:
    answer = probe("--cipher-list", text, app=app)
    assert answer == {
        "suites": [*TLS13, *CHAPTER],
        "source": "fallback",
        "unknown": text.split(),
        "unavailable": [],
    }


@pytest.mark.parametrize("app", APPS)
def test_a_list_is_sent_in_its_order_and_its_losses_are_named(probe: Any, app: str) -> None:
    answer = probe("--cipher-list", "AES256-SHA:BOGUS,DES-CBC3-SHA;AES128-SHA !rc4", app=app)
    assert answer == {
        "suites": ["0035", "002f", f"{SCSV:04x}"],
        "source": "list",
        "unknown": ["BOGUS", "!rc4"],
        "unavailable": ["DES-CBC3-SHA"],
    }


def test_xmpp_has_a_fallback_of_its_own(probe: Any) -> None:
    answer = probe(app="xmpp")
    assert len(answer["suites"]) == 3 + 71 + 1
    assert answer["unavailable"] == ["DHE-RSA-SEED-SHA", "DHE-DSS-SEED-SHA", "SEED-SHA"]


def test_the_list_of_a_file_counts_unless_another_is_given(probe: Any, tmp_path: Path) -> None:
    file = config(tmp_path, TLS_Cipher_List="AES128-SHA", SIP_Port_1_="no port")
    assert probe("--config", file)["suites"] == ["002f", "00ff"]
    assert probe("--config", file, "--cipher-list", "AES256-SHA")["suites"] == ["0035", "00ff"]
    assert probe("--config", file, "--cipher-list", "")["source"] == "fallback"


@pytest.mark.proves("TLS-11")
def test_a_minimum_of_1_3_takes_the_list_its_effect(probe: Any, tmp_path: Path) -> None:
    file = config(tmp_path, TLS_Cipher_List="AES", TLS_Client_Min_Version="TLS 1.3")
    answer = probe("--config", file)
    assert answer["suites"] in (TLS13, [*TLS13, "00ff"])
    assert answer["source"] == "fallback"


def test_a_reader_learns_what_each_word_did_and_why_each_suite_is_in_or_out(
    capsys: Capture,
) -> None:
    words = ["probe", "hello", "--app", "sip", "--cipher-list"]
    assert main([*words, "kRSA+AES128+AESGCM:!aNULL:SEED-SHA:X\u00e9"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "SIP over TLS: TLS 1.2, 1 suite by list"
    rows = [" ".join(line.split()) for line in lines]
    assert "kRSA+AES128+AESGCM adds 1" in rows
    assert "!aNULL forbids 14" in rows
    assert "X\\xe9 skipped: neither a word of Table 6 nor a cipher suite of OpenSSL 1.1.1" in rows
    assert "009c AES128-GCM-SHA256 selected by kRSA+AES128+AESGCM" in rows
    at = rows.index("selected by SEED-SHA, but no TLS library of today has it")
    assert rows[at + 1] == "SEED-SHA"
    assert "forbidden by !aNULL" in rows
    assert "no word selects it" in rows


@pytest.mark.parametrize("text", ["", "BOGUS", "RSA:@SECLEVEL=3", "SEED", "ALL:COMPLEMENTOFALL"])
@pytest.mark.parametrize("app", APPS)
def test_every_suite_sent_stands_among_the_offered_with_a_reason(
    capsys: Capture, probe: Any, app: str, text: str
) -> None:
    answer = probe("--cipher-list", text, app=app)
    assert main(["probe", "hello", "--app", app, "--cipher-list", text]) == 0
    lines = capsys.readouterr().out.splitlines()
    begin = lines.index("Offered") + 1
    offered = [line.split(maxsplit=2) for line in lines[begin : begin + len(answer["suites"])]]
    assert [row[0] for row in offered] == answer["suites"]
    assert all(row[2] for row in offered)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("A" * 522, "at most 521"), ("RSA\x01", "control character"), ("RSA\nAES", "control")],
)
def test_a_list_that_the_phone_would_refuse_is_one_line_and_exit_1(
    capsys: Capture, text: str, reason: str
) -> None:
    assert main(["probe", "hello", "--app", "sip", "--json", "--cipher-list", text]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("ringfence probe hello: TLS_Cipher_List: ")
    assert reason in line


def test_a_list_in_vain_is_told_before_anything_else(capsys: Capture) -> None:
    assert main(["probe", "hello", "--app", "sip", "--cipher-list", "RSA:@SECLEVEL=3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "SIP over TLS: TLS 1.2 to TLS 1.3, 27 suites by fallback",
        "error: the list selects nothing that security level 3 allows, so each application takes"
        " its own list; correct the list or empty it",
    ]


def test_a_foreign_letter_is_an_unknown_word_and_broken_utf_8_is_refused(
    probe: Any, capsys: Capture
) -> None:
    assert probe("--cipher-list", "AES128-SHA:\u00c4")["unknown"] == ["\u00c4"]
    words = ["probe", "hello", "--app", "sip", "--cipher-list", "AES128-SHA:\udcff"]
    assert main(words) == 1
    assert "TLS_Cipher_List: is not UTF-8" in capsys.readouterr().err


def test_521_characters_are_not_too_many(probe: Any) -> None:
    answer = probe("--cipher-list", "AES128-SHA:" + "A" * 510)
    assert (answer["suites"], answer["unknown"]) == (["002f", "00ff"], ["A" * 510])


@pytest.mark.parametrize("tag", ["TLS_Cipher_List", "TLS_Client_Min_Version"])
def test_a_file_whose_list_or_version_is_refused_is_one_line_and_exit_1(
    capsys: Capture, tmp_path: Path, tag: str
) -> None:
    file = config(tmp_path, **{tag: "A" * 522})
    assert main(["probe", "hello", "--app", "sip", "--config", file]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f": {tag}: " in line


@pytest.mark.parametrize("text", ["", "no xml", "<flat-profile>", "\0" * 9])
def test_a_file_that_is_no_profile_is_one_line_and_exit_1(
    capsys: Capture, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "cfg.xml"
    path.write_text(text)
    assert main(["probe", "hello", "--app", "sip", "--config", str(path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", ["/nowhere/cfg.xml", "/", "", "a\nb", "a\0b", "x" * 5000])
def test_a_file_that_cannot_be_read_is_one_line_and_exit_3(capsys: Capture, name: str) -> None:
    assert main(["probe", "hello", "--app", "sip", "--config", name]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--app", "bogus"],
        ["--app", "web-server"],
        ["--app", "SIP"],
        ["--app", "a\nb"],
        ["--app", "sip", "more"],
        ["--app", "sip", "--cipher-list"],
        ["--app", "sip", "--cipher-list", "-RSA"],
    ],
)
def test_wrong_words_are_one_line_and_exit_2(capsys: Capture, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["probe", "hello", *words])
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1


def test_help_documents_the_exit_codes(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["probe", "hello", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for words in ("Exit codes: 0 ", "; 1 ", "; 2 ", "; 3 "):
        assert words in said
