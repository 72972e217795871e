"""The lab's phone and the lab's ACS."""

import pytest

from tests.support.lab import Command, steps

ACS = ("python3", "-m", "ringfence", "provider", "acs")


@pytest.mark.proves("TR-01", "TR-03", "DHC-09")
def test_the_labs_phone_is_managed_by_the_acs_that_dhcp_names(
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
    finally:
        assert lab.run("down").returncode == 0
