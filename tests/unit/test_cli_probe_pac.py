"""`ringfence probe pac` as a stranger uses it; its process is real, DNS is `--connect`."""

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main

URL = "https://user:secret@Pv.telco.test/profile.xml?token=1"
SCRIPT = """function FindProxyForURL(url, host) {
  if (isInNet(host, "192.0.2.0", "255.255.255.0") && timeRange(9, 17))
    return "PROXY p.test:3128; PROXY x y; SOCKS s.test:1080; DIRECT";
  return "SOCKS " + myIpAddress();
}"""
AT_TEN = "2026-11-23T10:00+01:00"


def asked(
    folder: Path, capsys: pytest.CaptureFixture[str], *words: str, script: str = SCRIPT
) -> tuple[int, dict[str, Any]]:
    (folder / "proxy.pac").write_text(script)
    code = main(["probe", "pac", str(folder / "proxy.pac"), URL, "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_the_schema_of_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(tmp_path, capsys, "--connect", "192.0.2.7", "--at", AT_TEN)
    assert code == 0
    assert found.pop("milliseconds") > 0
    assert found == {
        "url": "https://pv.telco.test/",
        "result": [
            {"kind": "PROXY", "host": "p.test", "port": 3128},
            {"kind": "SOCKS", "host": "s.test", "port": 1080},
            {"kind": "DIRECT", "host": "", "port": 0},
        ],
        "asked": ["pv.telco.test"],
        "refused": [
            "'PROXY x y': 'x y' is not a label of a host name",
            "an application of the phone speaks no SOCKS",
        ],
        "failure": None,
    }


def test_the_schema_of_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--connect", "192.0.2.7", "--at", "2026-11-23T20:00+01:00", "--own", "192.0.2.5")
    code, found = asked(tmp_path, capsys, *words)
    assert code == 1
    assert found["result"] == [{"kind": "SOCKS", "host": "192.0.2.5", "port": 1080}]
    assert found["failure"]["rule"] == "pac-unusable"


def test_a_failure_tells_what_was_asked_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = (
        "function FindProxyForURL(u, h) { dnsResolve(h); dnsResolve('x'); throw new Error(1); }"
    )
    words = ("--connect", "192.0.2.7", "--domains", "telco.test")
    code, found = asked(tmp_path, capsys, *words, script=script)
    assert code == 1
    assert found["result"] == []
    assert found["asked"] == ["pv.telco.test"]
    assert found["refused"] == ["domain not allowed: x"]
    assert found["failure"] == {
        "rule": "pac-script",
        "reason": "PAC file: Error: 1; correct the PAC file",
    }


def test_words_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.pac").write_text('function FindProxyForURL() { return "PROXY p:1; DIRECT"; }')
    assert main(["probe", "pac", str(tmp_path / "a.pac"), URL, "--connect", "192.0.2.7"]) == 0
    assert capsys.readouterr().out == "PROXY p:1\nDIRECT\n"


@pytest.mark.parametrize(
    "words",
    [
        *(("tftp://a.test/",), ("a.test",), ("",), (URL, "--at", "noon"), (URL, "--own", "x")),
        *((URL, "--at", "2026-11-23T10:00"), (URL, "--dns", "a.test"), ()),
    ],
)
def test_wrong_words_are_2(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.pac").write_text(SCRIPT)
    with pytest.raises(SystemExit) as ended:
        main(["probe", "pac", str(tmp_path / "a.pac"), *words])
    assert ended.value.code == 2
    assert "probe pac: " in capsys.readouterr().err


@pytest.mark.parametrize("file", ["none", "."])
def test_a_file_that_cannot_be_read_is_3_in_one_line(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "pac", str(tmp_path / file), URL]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ringfence probe pac: ")
    assert len(said.err.splitlines()) == 1


def test_a_file_without_end_is_no_trap(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "pac", "/dev/zero", URL, "--connect", "192.0.2.7"]) == 1
    assert "larger than 1048576 bytes" in capsys.readouterr().out
