"""The lab's phone and the lab's ACS."""

import json
import sys
import time
from typing import Any

import pytest

from ringfence.lab.acs import FOLDER
from ringfence.lab.breaks.firmware import URL
from tests.support.firmware import Publisher, image
from tests.support.lab import Command, steps

ACS = (sys.executable, "-m", "ringfence", "provider", "acs")
RUNS = "Device.DeviceInfo.SoftwareVersion"
PATIENCE = 60.0


class Managed:
    """A lab whose ACS is asked from the command line, as a newcomer does."""

    def __init__(self, lab: Command) -> None:
        self.lab = lab
        self.home = lab.home / "ringfence" / "lab" / "default"

    def ask(self, verb: str, *words: str) -> Any:
        ran = self.lab.shell("servers", *ACS, verb, "--dir", str(FOLDER), "--json", *words)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def offer(self, data: bytes) -> None:
        """Have the lab's provider publish an image that the phone believes."""
        folder = self.home / "provider" / "firmware"
        publisher = Publisher(self.lab.home / "keys")
        publisher.publish(folder, data)
        for file in folder.iterdir():
            file.chmod(0o644)
        root = self.home / "phone" / "firmware-root.json"
        root.write_bytes((folder / "root.json").read_bytes())
        root.chmod(0o644)

    def ended(self) -> dict[str, str]:
        """Return how the download came out, once the ACS was told."""
        until = time.monotonic() + PATIENCE
        while True:
            calls = self.ask("informs")
            if ends := [one["told"] for one in calls if one["events"] == ["TransferComplete"]]:
                return dict(ends[0])
            assert time.monotonic() < until, calls


@pytest.mark.proves("TR-01", "TR-03", "TR-05", "DHC-09")
def test_the_labs_phone_is_managed_and_upgraded_by_the_acs_that_dhcp_names(
    tmp_path_factory: pytest.TempPathFactory, component: list[str]
) -> None:
    component.append("own-peer")
    lab = Command(tmp_path_factory.mktemp("lab"))
    document = lab.up("--tr069")
    try:
        seen = steps(document["steps"])["acs"]["data"]
        assert seen["events"] == "0 BOOTSTRAP, 1 BOOT"
        assert seen["login"] == "certificate 000e08abcdef Digest phone"
        shown = steps(document["steps"])["stranger"]["data"]["knocks"]
        assert shown[f"tcp:{seen['request_port']}"] in ("open", "refused")
        row = dict(lab.status()["phone"]["features"]["tr069"]["rows"])["ACS"]
        assert row == "https://acs.telco.test:7547/ (DHCP option 125)"
        managed = Managed(lab)
        managed.offer(image("9.9"))
        url = f"{URL.rpartition('/')[0]}/new.pyz"
        assert managed.ask("download", url, "--key", "to 9.9")["answer"]["Status"] == 1
        told = managed.ended()
        assert told == {"CommandKey": "to 9.9", "FaultCode": "0", "FaultString": ""}
        (value,) = managed.ask("get", RUNS)["answer"]["ParameterList"]
        assert value["Value"]["text"] == "9.9"
    finally:
        assert lab.run("down").returncode == 0
