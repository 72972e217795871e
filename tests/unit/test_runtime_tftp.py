"""TFTP from one address to the next. Source: chapter, Redundant Provisioning Servers."""

import asyncio
from typing import cast

import pytest

from ringfence.errors import NetworkError, PolicyError
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.rules import parse_url
from ringfence.protocols.tftp import Done
from ringfence.runtime import tftp
from ringfence.runtime.egress import Destination, Egress, Target
from ringfence.runtime.host import Host

URL = parse_url("tftp://pv.telco.test/with%20blank.xml")
TARGET = Target(PROVISIONING, URL.host, URL.port, None)


class Door:
    """Egress as far as TFTP uses it."""

    async def destinations(self, target: Target) -> tuple[Destination, ...]:
        if target.host != "pv.telco.test":
            raise PolicyError("domain-not-allowed", f"domain not allowed: {target.host}")
        return Destination("10.0.0.1", 69), Destination("10.0.0.2", 69)


def got(
    monkeypatch: pytest.MonkeyPatch, ends: dict[str, Done | Exception]
) -> tuple[tftp.Answer, list[tuple[str, str]]]:
    asked: list[tuple[str, str]] = []

    async def transfer(host: Host, destination: Destination, name: str, limit: int) -> Done:
        asked.append((destination.address, name))
        end = ends[destination.address]
        if isinstance(end, Exception):
            raise end
        return end

    monkeypatch.setattr(tftp, "_transfer", transfer)
    work = tftp.get(cast(Egress, Door()), cast(Host, None), TARGET, URL, lambda url, address: None)
    return asyncio.run(work), asked


@pytest.mark.proves("RSY-13")
def test_the_next_address_is_asked_where_one_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Done(error="no answer to 5 packets")
    answer, asked = got(monkeypatch, {"10.0.0.1": silent, "10.0.0.2": Done(b"<x/>")})
    assert answer == tftp.Answer("10.0.0.2", b"<x/>", "")
    assert asked == [("10.0.0.1", "/with blank.xml"), ("10.0.0.2", "/with blank.xml")]


@pytest.mark.proves("RSY-13")
def test_a_server_that_has_no_such_file_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Done(error="TFTP error 1: File not found", missing=True)
    answer, asked = got(monkeypatch, {"10.0.0.1": missing})
    assert (answer.missing, answer.body) == ("TFTP error 1: File not found", b"")
    assert len(asked) == 1


def test_every_reason_is_told_where_no_address_has_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away, broken = OSError("Network is unreachable"), Done(error="it broke")
    with pytest.raises(NetworkError) as failure:
        got(monkeypatch, {"10.0.0.1": away, "10.0.0.2": broken})
    assert str(failure.value) == "10.0.0.1: Network is unreachable; 10.0.0.2: it broke"
