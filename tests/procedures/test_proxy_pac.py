"""The chapter's procedure for an HTTP proxy in mode Auto, where a PAC file's URL is typed."""

from tests.procedures.conftest import judged
from tests.procedures.test_proxy import asked, point
from tests.support.administrator import Office

LAB = ("--proxy", "pac")


def test_set_up_a_proxy_server_by_the_url_of_a_pac_file(office: Office) -> None:
    judged(office, "squid")
    url = office.phone("get", "PAC_URL").strip()
    office.follow(point, {"Proxy Mode": "Off", "PAC URL": ""})
    assert '"result": "failure"' in office.lab.run("phone", "resync").stdout
    before = asked(office)
    auto = {"Proxy Mode": "Auto", "Use Auto Discovery (WPAD)": "No", "PAC URL": url}
    office.follow(point, auto)
    office.phone("resync")
    office.until(lambda: asked(office) > before)
