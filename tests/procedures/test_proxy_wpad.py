"""The chapter's procedure for an HTTP proxy in mode Auto, where the network tells of it."""

from tests.procedures.conftest import judged
from tests.procedures.test_proxy import asked, point
from tests.support.administrator import Office

LAB = ("--proxy", "wpad")


def test_set_up_a_proxy_server_by_auto_discovery(office: Office) -> None:
    judged(office, "squid")
    office.follow(point, {"Proxy Mode": "Off", "Use Auto Discovery (WPAD)": "No"})
    assert '"result": "failure"' in office.lab.run("phone", "resync").stdout
    before = asked(office)
    office.follow(point, {"Proxy Mode": "Auto", "Use Auto Discovery (WPAD)": "Yes"})
    office.phone("resync")
    office.until(lambda: asked(office) > before)
