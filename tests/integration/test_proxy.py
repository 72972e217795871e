"""The HTTP proxy of modes Off and Manual: who goes by Squid, as whom, and what a refusal says."""

from typing import Any

import pytest

from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    NAME,
    PHONE,
    SECOND,
    Net,
    profile,
    resync,
)
from tests.support.squid import HOST, PASSWORD, USER, Asked, StartSquid, proxy

__all__ = ["dnsmasq", "net", "nginx", "proxy"]

URL = f"https://{NAME}/a.xml"
MANUAL = {"Proxy_Mode": "Manual", "Proxy_Host": HOST}
LOGIN = {
    "Proxy_Server_Requires_Authentication": "Yes",
    "Proxy_Username": USER,
    "Proxy_Password": PASSWORD,
}


def told(phone: RunningPhone) -> dict[str, Any]:
    """Return the rows of the status, by their labels."""
    return dict(phone.status()["features"]["proxy"]["rows"])


@pytest.mark.proves("PXY-04", "PRV-05")
def test_provisioning_goes_by_the_proxy_and_dns_hears_of_the_proxy_alone(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, proxy: StartSquid
) -> None:
    dns = dnsmasq(f"host-record={HOST},{SECOND}")
    server = nginx()
    server.put("a.xml", profile(GPP_A="by proxy"))
    squid = proxy()
    phone = net.boot(**MANUAL)
    assert resync(phone, URL)["result"] == "success"
    assert squid.asked(1) == [Asked(PHONE, 200, "CONNECT", f"{NAME}:443", "-")]
    (line,) = server.access.wait_for("GET /a.xml")
    assert line.startswith(f"{SECOND}|200|")  # Squid's address, and the phone's certificate
    assert "SN=000e08abcdef" in line
    asked = [line for line in dns.wait_for("query[A]").splitlines() if "query[" in line]
    assert asked
    assert all(HOST in line for line in asked), asked
    assert told(phone)["Proxy In Use"] == f"PROXY {HOST}:3128"
    assert told(phone)["Provisioning"].endswith(
        f" https://{NAME}:443 by PROXY {HOST}:3128; its address is not compared with DNS"
    )
