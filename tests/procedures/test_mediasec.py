"""The chapter's procedure for media plane security, at a registrar that speaks it."""

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

LAB = ("--mediasec", "client")


def negotiate(page: Administrator, value: str) -> None:
    page.select("Voice > Ext(1)")
    page.set("SIP Settings", "MediaSec Request", value)
    page.set("SIP Settings", "MediaSec Over TLS Only", "Yes")
    page.click_submit_all_changes()


def test_enable_client_initiated_mode_for_media_plane_security_negotiations(office: Office) -> None:
    judged(office, "kamailio")
    office.follow(negotiate, "No")
    office.until(lambda: _initiator(office) == "server")
    office.follow(negotiate, "Yes")
    office.until(lambda: _initiator(office) == "client")
    *_, last = office.log("kamailio").split("MEDIASEC REGISTER 1001 over tls ")
    assert last.startswith("client=[sdes-srtp;mediasec] verify=[")
    assert "] agreed" in last.splitlines()[0]


def _initiator(office: Office) -> str:
    agreement = office.line(1)["security_agreement"]
    return str(agreement["initiated_by"]) if agreement else ""
