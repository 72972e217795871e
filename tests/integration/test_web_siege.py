"""The page while it is besieged, and tabs that are kept to be quick."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support import siege
from tests.support.phone import RunningPhone
from tests.support.provider_net import profile
from tests.support.web_fixtures import SET, Start, Visit, start, visit
from tests.support.web_phone import PASSWORD

__all__ = ("start", "visit")

STRANGER = "10.99.0.66"
CONNECTIONS, PACKETS = 500, 60_000
BESIEGED = {
    "Connection_Type": "Static IP",
    "Static_IP": "10.99.0.2",
    "NetMask": "255.255.255.0",
    "Resync_On_Reset": "No",
    "Admin_Password": PASSWORD,
    "Proxy_1_": "10.99.0.9",
    "User_ID_1_": "1001",
}


def test_a_kept_tab_shows_what_changed_meanwhile_and_each_account_its_own(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET)
    administrator, user = visit("admin"), visit("user")
    for _ in range(2):
        assert 'value="other"' not in administrator.get("/voice/system").text
    ask(phone.state, {"verb": "set", "values": {"Host_Name": "other"}})
    assert 'value="other"' in administrator.get("/voice/system").text
    assert "Firewall_Config" not in user.get("/voice/system").text
    assert "Firewall_Config" in administrator.get("/voice/system").text


@pytest.fixture
def whole(pair: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[RunningPhone]:
    """Return a whole phone, its firewall in the kernel."""
    config = tmp_path / "first.xml"
    config.write_text(profile(**BESIEGED))
    made = RunningPhone(tmp_path / "state", pair[0], "--config", str(config))
    made.wait_for("phone.ready")
    yield made
    made.stop()


def test_a_besieged_phone_shows_its_page_to_everybody_else(
    whole: RunningPhone, pair: tuple[Namespace, Namespace], visit: Visit
) -> None:
    pair[1].address("eth0", f"{STRANGER}/24")
    administrator = visit("admin")
    words = [sys.executable, siege.__file__, STRANGER, "10.99.0.2", str(CONNECTIONS), str(PACKETS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with pair[1].popen(*words, **pipes) as stranger:
        assert stranger.stdout
        assert stranger.stdout.readline() == b"here\n"
        for path in ("/info/status", "/voice/system", "/voice/ext1", "/login"):
            assert administrator.get(path).status == 200
        descriptors = list(Path(f"/proc/{whole.children()[0]}/fd").iterdir())
        assert stranger.stdout.readline() == b"sent\n"
        assert administrator.get("/info/status").status == 200
        stranger.communicate()
    rows = dict(whole.status()["features"]["firewall"]["rows"])
    assert int(rows["Packets of Floods Dropped"]) > PACKETS / 2
    assert len(descriptors) < 200, "64 connections, and what the phone has open anyway"
