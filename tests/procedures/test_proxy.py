"""The chapter's procedure for an HTTP proxy, with Squid between the phone and its provider."""

import re

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

LAB = ("--proxy", "manual")


def point(page: Administrator, settings: dict[str, str]) -> None:
    page.select("Voice > System")
    for label, value in settings.items():
        page.set("HTTP Proxy Settings", label, value)
    page.click_submit_all_changes()


def test_set_up_a_proxy_server(office: Office) -> None:
    judged(office, "squid")
    before = asked(office)
    office.follow(point, {"Proxy Mode": "Off"})
    assert '"result": "failure"' in office.lab.run("phone", "resync").stdout
    assert asked(office) == before
    where = {"Proxy Host": "proxy.telco.test", "Proxy Port": "3128"}
    office.follow(point, {"Proxy Mode": "Manual", **where})
    office.phone("resync")
    office.until(lambda: asked(office) > before)


def asked(office: Office) -> int:
    """Return how often the provisioning server was asked from Squid's address."""
    return len(re.findall(r'10\.99\.1\.14 "000e08abcdef ', office.log("provider")))
