"""NOTIFY at a whole `ringfence phone run`: what a provider asks for is done, and nobody else's."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.desk import BARE, PHONE, PROXY
from tests.support.phone import RunningPhone
from tests.support.provider_net import profile
from tests.support.sipp import Expect, Request

FILES = 8080
OTHER, THIRD = "10.99.0.8", "10.99.0.7"
"""Every SIPp draws the same cnonce: two answers of a second to one address's nonce are a replay."""
SIGNED = "[authentication username=1001 password=pw1001]"
WRONG = "[authentication username=1001 password=guess]"


@pytest.fixture
def files(pair: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[Path]:
    """Serve a folder over HTTP at the proxy's address; return the folder."""
    folder = tmp_path / "files"
    folder.mkdir()
    for address in (OTHER, THIRD):
        pair[1].run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
    argv = (sys.executable, "-m", "http.server", str(FILES), "--bind", PROXY)
    server = pair[1].popen(
        *argv, "--directory", str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    yield folder
    server.kill()
    server.communicate()


@pytest.fixture
def phone(pair: tuple[Namespace, Namespace], files: Path, tmp_path: Path) -> Iterator[RunningPhone]:
    config = tmp_path / "first.xml"
    rule = {"Profile_Rule": f"http://{PROXY}:{FILES}/$MA.xml", "Register_1_": "No"}
    rule["Report_Rule"] = f"http://{PROXY}:{FILES}/$MA.report"
    config.write_text(profile(**BARE, **rule))
    started = RunningPhone(tmp_path / "state", pair[0], "--config", str(config))
    started.wait_for("phone.ready")
    yield started
    started.stop()


@pytest.mark.proves("RSY-11")
def test_a_notify_resyncs_asks_for_a_report_and_reboots_the_phone(
    phone: RunningPhone,
    pair: tuple[Namespace, Namespace],
    files: Path,
    component: list[str],
) -> None:
    component.append(sipp.version())

    def notify(event: str, *more: sipp.Step, source: str = PROXY) -> None:
        steps = (Request("NOTIFY", f"Event: {event}"), Expect(401), *more)
        sipp.call(pair[1], *steps, user="1001", at=PHONE, source=source)

    def right(event: str) -> tuple[sipp.Step, sipp.Step]:
        return Request("NOTIFY", f"Event: {event}\n{SIGNED}"), Expect(200)

    status = phone.status()
    mac = dict(status["features"]["phone"]["rows"])["MAC Address"]
    (files / f"{mac}.xml").write_text(profile(GPP_A="from the provider"))
    notify("reboot", Request("NOTIFY", f"Event: reboot\n{WRONG}"), Expect(403))
    notify("resync", *right("resync"))
    phone.wait_for("Successful resync")
    notify("report", Request("NOTIFY", f"Event: report\n{WRONG}"), Expect(403))
    assert phone.status()["features"]["report"]["rows"] == [["Last Report", "none yet"]]
    notify("report", *right("report"), source=THIRD)
    # the server of the files takes no report, and says so
    phone.wait_for(f"report.failed: http://{PROXY}:{FILES}/{mac}.report: {PROXY} at {PROXY}: HTTP")
    notify("reboot", *right("reboot"), source=OTHER)
    phone.wait_for("phone.ready", count=2)
    rows = dict(phone.status()["features"]["phone"]["rows"])
    assert rows["Reboot Reason 1"].endswith("SIP Triggered")
    assert "Reboot Reason 2" not in rows
