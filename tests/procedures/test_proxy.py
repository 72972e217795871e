"""The chapter's procedure for an HTTP proxy, with Squid between the phone and its provider."""

import hashlib
import re

from ringfence.lab.squid import REALM
from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

LAB = ("--proxy", "manual")
USER, PASSWORD = "desk", "open-Sesame-1"


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


def let_in(office: Office) -> None:
    """Have Squid know a user whose password nobody but a person can type into the phone."""
    known = f"{USER}:{REALM}:{_ha1()}"
    words = f"echo '{known}' >> /run/lab/squid/digest"
    assert office.at("proxy", "sh", "-c", words).returncode == 0


def _ha1() -> str:
    return hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode(), usedforsecurity=False).hexdigest()


def test_set_up_a_proxy_server_that_requires_authentication(office: Office) -> None:
    judged(office, "squid")
    let_in(office)
    where = {"Proxy Host": "proxy.telco.test", "Proxy Port": "3128"}
    point_there = {"Proxy Mode": "Manual", **where, "Proxy Server Requires Authentication": "Yes"}
    office.follow(point, {**point_there, "Username": USER, "Password": "wrong-Sesame-1"})
    told = office.lab.run("phone", "resync").stdout
    assert '"result": "failure"' in told
    assert "407" in told
    before = asked(office)
    office.follow(point, {"Password": PASSWORD})
    office.phone("resync")
    office.until(lambda: asked(office) > before)
    assert f" {USER}\n" in through(office)
    assert PASSWORD not in office.phone("get", "Proxy_Password")


def through(office: Office) -> str:
    """Return the access log of Squid."""
    return office.at("proxy", "cat", "/run/lab/squid/access.log").stdout


def asked(office: Office) -> int:
    """Return how often the provisioning server was asked from Squid's address."""
    return len(re.findall(r'10\.99\.1\.14 "000e08abcdef ', office.log("provider")))
