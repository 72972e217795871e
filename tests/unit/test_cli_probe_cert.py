"""`ringfence probe cert`: what it refuses before it asks anybody."""

from pathlib import Path

import pytest

from ringfence.cli import main
from tests.support.certificates import authority, leaf

HOST = "pv.telco.test"


@pytest.mark.parametrize(
    "words",
    [
        *(("a b",), (f"{HOST}:0",), (f"{HOST}:65536",), (f"{HOST}:x",), ("https://a.test/",)),
        *((), ("",), (":443",), ("[::1",), ("x" * 300,), ("*.telco.test",), ("127.1",)),
        *((HOST, "--dns", "a.test"), (HOST, "--dns", "127.0.0.1:0")),
        *((HOST, "--timeout", "0"), (HOST, "--timeout", "nan"), (HOST, "--timeout", "x")),
    ],
)
def test_wrong_words_are_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["probe", "cert", *words])
    assert ended.value.code == 2
    assert "probe cert: " in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--ca", "--config", "--cert"])
@pytest.mark.parametrize("file", ["none", "empty", "odd", "."])
def test_a_file_that_cannot_be_used_is_3_in_one_line(
    option: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "odd").write_bytes(b"\xff\x00" * 100)
    assert main(["probe", "cert", HOST, option, str(tmp_path / file)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("ringfence probe cert: ")


@pytest.mark.parametrize("option", ["--ca", "--config", "--cert", "--key"])
def test_a_file_without_end_is_no_trap(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = leaf(authority(), cn="phone").save(tmp_path, "phone")[0]
    words = ["--cert", held] if option == "--key" else []
    assert main(["probe", "cert", HOST, *words, option, "/dev/zero"]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_key_without_a_certificate_is_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = leaf(authority(), cn="phone").save(tmp_path, "phone")[1]
    assert main(["probe", "tls", f"{HOST}:443", "--app", "sip", "--key", key]) == 3
    assert "is of no use without --cert" in capsys.readouterr().err


def test_a_url_is_told_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["probe", "cert", "https://pv.telco.test/$MA.xml"])
    assert ended.value.code == 2
    assert "write HOST or HOST:PORT: a URL is too much" in capsys.readouterr().err
