"""A call with sound goes on while the HTTP proxy changes, dies, and cannot be found."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.squid import Proxy
from ringfence.runtime.control import ask
from tests.support.desk import BARE, PROXY, Desk
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_net import profile, submit, versions
from tests.support.squid import Squid

MANUAL = {"Proxy_Mode": "Manual", "Proxy_Host": PROXY}


@pytest.fixture
def squid(desk: Desk, component: list[str]) -> Iterator[Squid]:
    component.append(versions("squid", "-v").replace("Squid Cache: Version", "Squid"))
    folder = Path("/run") / desk.outside.name
    folder.mkdir()
    (folder / "hosts").touch()
    name = desk.outside.name.replace("-", "")
    made = Squid(desk.outside, folder / name, Proxy(name, PROXY, str(folder / "hosts")))
    yield made
    made.stop()
    shutil.rmtree(folder)


def report(phone: RunningPhone) -> str:
    """Have the phone report its settings; return why that failed."""
    answer = ask(phone.state, {"verb": "command", "name": "report", "arguments": {}})
    assert answer is not None
    return str(answer["reason"])


def call(phone: RunningPhone, received: int) -> dict[str, Any]:
    """Return the only call, once so many packets of sound came."""
    status = phone.until(
        lambda status: bool(status["calls"]) and status["calls"][0]["received"] >= received
    )
    (found,) = status["calls"]
    return dict(found)


@pytest.mark.proves("PXY-01", "CALL-02")
def test_sound_goes_on_whatever_becomes_of_the_proxy(
    desk: Desk, squid: Squid, tmp_path: Path
) -> None:
    config = tmp_path / "first.xml"
    config.write_text(profile(**BARE, Report_Rule=f"http://{PROXY}:8080/report"))
    phone = RunningPhone(tmp_path / "state", desk.inside, "--config", str(config))
    try:
        phone.wait_for("line.registered")
        phone.wait_for("phone.ready")
        peer = desk.baresip()
        assert ringfence("phone", "dial", "--state", str(phone.state), "1003").returncode == 0
        peer.wait_ringing()
        peer.answer()
        before = call(phone, 25)
        submit(phone, **MANUAL)
        assert "HTTP status 503" in report(phone)  # Squid's own: nobody is at port 8080
        assert squid.asked(1)[0].url == f"http://{PROXY}:8080/report"
        squid.server.stop()
        assert "Connection refused" in report(phone)
        submit(phone, Proxy_Mode="Auto")
        assert "no PAC file" in report(phone)
        submit(phone, Proxy_Mode="Off")
        after = call(phone, before["received"] + 100)
        assert after["lost"] - before["lost"] <= 2
        assert phone.log.count("line.registered") == 1
        peer.hang_up()
        peer.wait_over()
    finally:
        phone.stop()
