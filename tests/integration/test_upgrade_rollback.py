"""Images that do not come up, really started and really killed: the phone goes back by itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.firmware import Publisher, image, source
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx, rsyslog
from tests.support.provider_net import DNS, FIRST, MAC, NAME, Fifo, Net, Nginx, profile, resync
from tests.support.upgrade_phone import ENDS, HANGS, OWN, row, rows, started, upgrade

__all__ = ["dnsmasq", "net", "nginx", "rsyslog"]

HERE = f"host-record={NAME},{FIRST}"
RULE = f"https://{NAME}/firmware/new.pyz"
PHONE = "CP-8841-3PCC 00:0e:08:ab:cd:ef --"
NEW = f"https://{FIRST}:443/firmware/new.pyz"


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("authority") / "ca")


class Stand:
    """A phone and a server that has an image for it."""

    def __init__(self, net: Net, server: Nginx, publisher: Publisher) -> None:
        self.net, self.server, self.publisher = net, server, publisher
        server.put(f"{MAC}.xml", profile(GPP_A="here"))
        (server.root / "firmware").mkdir()

    def offer(self, data: bytes, version: str = "9.9") -> None:
        folder = self.net.folder / "firmware"
        self.publisher.publish(folder, data, version)
        self.publisher.trust(folder, self.net.state)
        for file in folder.iterdir():
            self.server.put(f"firmware/{file.name}", "")
            (self.server.root / "firmware" / file.name).write_bytes(file.read_bytes())

    def boot(self) -> RunningPhone:
        return self.net.boot(**OWN, Profile_Rule=f"https://{NAME}/$MA.xml", Syslog_Server=DNS)

    def again(self, *argv: str) -> RunningPhone:
        """Start the phone once more, as it is."""
        phone = RunningPhone(self.net.state, self.net.phone_space)
        self.net.at_end(phone.stop)
        return phone


@pytest.fixture
def stand(net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, publisher: Publisher) -> Stand:
    dnsmasq(HERE)
    return Stand(net, nginx(), publisher)


def ruleset(net: Net) -> str:
    return net.phone_space.run("nft", "-s", "list", "chain", "inet", "ringfence", "input").stdout


@pytest.mark.proves("RSY-09", "LOG-01")
def test_an_image_that_is_killed_at_each_start_gives_way_and_is_not_taken_again(
    stand: Stand, rsyslog: Fifo
) -> None:
    stand.offer(image("9.9", HANGS))
    phone = stand.boot()
    held = ruleset(stand.net)
    assert "drop" in held
    assert upgrade(phone, RULE)["result"] == "success"
    for count in range(1, 4):
        phone.wait_for("the image hangs", count)
        assert started(phone) == "firmware-a.pyz"
        assert ruleset(stand.net) == held
        os.kill(phone.children()[0], signal.SIGKILL)
    phone.wait_for("upgrade.taken_back")
    assert started(phone) == ""
    reason = "9.9 was taken back: it did not come up in 3 starts"
    said = rsyslog.wait_for("Upgrade failed: ")
    assert said[-1].endswith(f"{PHONE} Upgrade failed: {reason}")
    assert "Successful upgrade" not in rsyslog.text
    assert rsyslog.text.count("Requesting upgrade") == 1
    history = [text for label, text in rows(phone, "phone") if label.startswith("Reboot")]
    assert [line.partition("] ")[2] for line in history] == [
        "Upgrade taken back: it did not come up in 3 starts",
        *["Crash (signal 9)"] * 3,
        "Upgrade",
    ]
    assert ("Not Taken Again", "9.9: it did not come up in 3 starts") in rows(phone)
    assert row(phone, "Firmware Upgrade Status 1").endswith(f"failure {reason}")
    asked = stand.server.access.text.count("new.pyz")
    refused = upgrade(phone, RULE)
    assert refused["result"] == "failure"
    assert "9.9 did not come up here: it did not come up in 3 starts" in refused["reason"]
    rsyslog.wait_for("Upgrade failed: ", 2)
    assert stand.server.access.text.count("new.pyz") == asked
    stand.offer(image("9.9.1"), "9.9.1")
    assert upgrade(phone, RULE)["result"] == "success"
    phone.wait_for("upgrade.done: 9.9.1")
    assert started(phone) == "firmware-a.pyz"


@pytest.mark.proves("RSY-09")
def test_power_that_is_cut_during_the_probation_counts_as_a_start(
    stand: Stand, component: list[str]
) -> None:
    stand.offer(image("9.9", HANGS))
    phone = stand.boot()
    assert upgrade(phone, RULE)["result"] == "success"
    for count in range(3):
        phone.wait_for("the image hangs")
        (child,) = phone.children()
        phone.process.kill()
        phone.stop()
        while Path(f"/proc/{child}").exists():
            pass
        phone = stand.again()
        assert count < 2 or "the image hangs" not in phone.wait_for("upgrade.taken_back")
    assert started(phone) == ""


@pytest.mark.proves("RSY-09")
def test_an_image_that_ends_by_itself_gives_way_at_once_and_the_one_before_runs(
    stand: Stand,
) -> None:
    stand.offer(image("9.8"), "9.8")
    phone = stand.boot()
    upgrade(phone, RULE)
    phone.wait_for("upgrade.done: 9.8")
    stand.offer(image("9.9", ENDS))
    assert upgrade(phone, RULE)["result"] == "success"
    phone.wait_for("upgrade.taken_back: 9.9: it ended with exit status 3")
    assert started(phone) == "firmware-a.pyz"
    assert row(phone, "Software Version") == "9.8, slot A"


@pytest.mark.proves("RSY-09")
def test_a_stop_on_purpose_does_not_count_and_a_full_disk_keeps_what_runs(
    stand: Stand, component: list[str]
) -> None:
    component.append("kernel")
    net, small = stand.net, ("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    subprocess.run([*small, str(net.state)], check=True)
    net.become(net.trust.device())
    stand.offer(image("9.9", HANGS))
    phone = stand.boot()
    (process,) = phone.children()
    told = upgrade(phone, RULE)
    assert told["reason"] == "file firmware-a.pyz: No space left on device"
    assert phone.children() == [process]
    assert row(phone, "Software Version").endswith("as installed")
    subprocess.run(["mount", "-o", "remount,size=64m", str(net.state)], check=True)
    assert upgrade(phone, RULE)["result"] == "success"
    for _ in range(4):
        phone.wait_for("the image hangs")
        assert phone.stop() in (0, -signal.SIGTERM)
        phone = stand.again()
    phone.wait_for("the image hangs")


LATE = """\
import sys
from ringfence.cli import main
from ringfence.runtime import probation
probation.LONGEST = 3.0
sys.exit(main())
"""
"""The phone, with less patience for an image."""


def impatient(net: Net) -> RunningPhone:
    """Start the phone once more, with less patience."""
    late = RunningPhone.__new__(RunningPhone)
    late.state, late.space, late.log = net.state, net.phone_space, ""
    words = (sys.executable, "-c", LATE, "phone", "run", "--state", str(late.state))
    argv = late.space.command(*words)
    late.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    net.at_end(late.stop)
    late.wait_for("phone.ready")
    return late


@pytest.mark.proves("RSY-09")
def test_an_image_that_cannot_be_provisioned_any_more_gives_way(stand: Stand) -> None:
    device = "ringfence/runtime/device.py"
    forgets = f"{source(device)}\n\ndef certificate(host: Host) -> None:\n    return None\n"
    stand.offer(image("9.9", {device: forgets}))
    stand.boot().stop()
    late = impatient(stand.net)
    assert resync(late)["result"] == "success"
    assert upgrade(late, RULE)["result"] == "success"
    late.wait_for("upgrade.taken_back: 9.9: it was not up after 3 s: its resync fails: ")
    assert "HTTP status 400" in late.wait_for("Upgrade failed: 9.9 was taken back")
    assert started(late) == ""
    assert resync(late)["result"] == "success"


@pytest.mark.proves("RSY-09")
def test_an_image_that_is_not_up_in_time_is_ended_by_the_keeper(stand: Stand) -> None:
    stand.offer(image("9.9", HANGS))
    stand.boot().stop()
    late = impatient(stand.net)
    assert upgrade(late, RULE)["result"] == "success"
    late.wait_for("the image hangs")
    late.wait_for("upgrade.taken_back: 9.9: it was not up after 3 s: it does not answer")
    assert started(late) == ""
    assert late.log.count("the image hangs") == 1
