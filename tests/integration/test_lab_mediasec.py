"""Media plane security in the lab, as a user sees it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, steps
from tests.support.phone import PATIENCE, ringfence

NAMED = ["msrp-tls;mediasec", "sdes-srtp;mediasec", "dtls-srtp;mediasec"]


@pytest.fixture
def booted(tmp_path: Path, component: list[str]) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Boot a lab with media plane security."""
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name == "kamailio"]
    lab = Command(tmp_path)
    yield lambda who: lab.up("--mediasec", who)
    assert lab.run("down").returncode == 0


def lines(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {line["n"]: line for line in document["phone"]["lines"]}


@pytest.mark.proves("MS-02")
def test_the_first_line_of_the_lab_asks_where_it_is_told_to(
    booted: Callable[[str], dict[str, Any]],
) -> None:
    document = booted("client")
    held = steps(document["steps"])["registration"]["data"]["lines"]
    assert {line["user"]: line["mediasec"] for line in held} == {"1001": True, "1002": False}
    of_line = lines(document)
    assert of_line[1]["security_agreement"] == {
        "list": NAMED,
        "initiated_by": "client",
        "secures_media": True,
        "keys_in_clear": False,
    }
    assert of_line[2]["security_agreement"] is None


@pytest.mark.proves("MS-02", "MS-06")
def test_where_the_registrar_of_the_lab_begins_a_call_between_the_lines_is_encrypted(
    booted: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    document = booted("server")
    held = steps(document["steps"])["registration"]["data"]["lines"]
    assert {line["user"]: line["mediasec"] for line in held} == {"1001": True, "1002": True}
    assert lines(document)[2]["security_agreement"]["keys_in_clear"]
    state = str(tmp_path / "ringfence" / "lab" / "default" / "phone")

    def phone(*words: str) -> str:
        done = ringfence("phone", words[0], "--state", state, *words[1:])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shows(*texts: str) -> None:
        """Return once the status shows each of these texts in both lines or calls."""
        end = time.monotonic() + PATIENCE
        while not all(phone("status").count(text) == 2 for text in texts):
            assert time.monotonic() < end, phone("status")

    shows("SRTP agreed on, begun by the server")
    assert phone("status").count("its keys travel in clear text") == 1
    phone("set", "Auth_INVITE_1_=No")
    phone("dial", "1001", "--line", "2")
    shows("ringing")
    phone("answer")
    shows("AES_CM_128_HMAC_SHA1_80", "established")
