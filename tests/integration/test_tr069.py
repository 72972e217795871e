"""TR-069: a phone and an ACS, from the first call to what the ACS changes."""

import pytest

from tests.support.acs import CIPHERS, ENABLED, StartAcs, acs
from tests.support.provider_fixtures import dnsmasq, net
from tests.support.provider_net import Net, stored

__all__ = ["acs", "dnsmasq", "net"]

STRONG = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"


@pytest.mark.proves("TR-02", "TR-05", "TR-06")
def test_an_acs_asks_for_a_session_and_changes_a_setting_in_it(net: Net, acs: StartAcs) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("acs.heard: 000E08-88012BA01234: 0 BOOTSTRAP, 1 BOOT")
    phone.wait_for("tr069.session")
    (first,) = server.informs()
    assert first["login"] == "Digest phone"
    port = phone.status()["features"]["tr069"]
    told = first["told"]["Device.ManagementServer.ConnectionRequestURL"]
    assert dict(port["rows"])["Connection Request URL"] == told
    assert 8000 <= int(told.split(":")[2].partition("/")[0]) <= 9999
    assert server.ask("set", f"{CIPHERS}={STRONG}")["answer"] == {"Status": 0}
    assert stored(phone, "TLS_Cipher_List") == STRONG
    assert server.value(CIPHERS) == STRONG
    assert [each["events"] for each in server.informs()[1:]] == [["6 CONNECTION REQUEST"]] * 2
