"""What each mode of the proxy requires: on the page, in a profile, and at the command line."""

import re

import pytest

from tests.support.phone import ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, Net, profile, resync, stored
from tests.support.proxy_net import QUIET, URL
from tests.support.web_fixtures import SET, Start, Visit, held, start, visit

__all__ = ["dnsmasq", "net", "nginx", "start", "visit"]

SECRET = "a secret of the proxy"
AUTH = "Proxy_Server_Requires_Authentication"
LACKS = (
    ({"Proxy_Mode": "Manual"}, {"Proxy_Host": "Proxy Host"}),
    ({"Proxy_Mode": "Manual", "Proxy_Host": "p", "Proxy_Port": "0"}, {"Proxy_Port": "Proxy Port"}),
    (
        {"Proxy_Mode": "Manual", "Proxy_Host": "p", AUTH: "Yes"},
        {"Proxy_Username": "Username", "Proxy_Password": "Password"},
    ),
    ({"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "No"}, {"PAC_URL": "PAC URL"}),
)
"""What is filled in, and the fields that lack: `{tag: label}`."""


@pytest.mark.proves("PXY-07")
def test_the_page_names_the_fields_that_a_mode_lacks_and_stores_nothing(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET)
    for filled, lacks in LACKS:
        admin = visit("admin")  # with a draft of its own
        answer = admin.submit("system", **filled, Syslog_Server="log.telco.test")
        told = re.findall(r'id="error-(\w+)">(.*?)</p>', answer.text)
        shown = {tag: re.sub(r"<[^>]*>", "", text) for tag, text in told}
        assert shown.keys() == lacks.keys(), filled
        for tag, label in lacks.items():
            assert shown[tag].startswith(f"{label}: is empty, and Proxy_")
        assert held(phone, "Proxy_Mode") == "Off"
        assert held(phone, "Syslog_Server") == ""  # nothing of a form whose part is refused
    admin = visit("admin")
    whole = {"Proxy_Username": "u", "Proxy_Password": SECRET, AUTH: "Yes"}
    answer = admin.submit("system", Proxy_Mode="Manual", Proxy_Host="p.telco.test", **whole)
    assert 'class="error"' not in answer.text
    assert held(phone, "Proxy_Mode") == "Manual"
    assert SECRET not in admin.get("/voice/system").text


@pytest.mark.proves("PXY-07")
def test_a_profile_that_lacks_a_field_leaves_the_proxy_as_it_was_and_says_so(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(f"host-record={NAME},{FIRST}")
    server = nginx()
    phone = net.boot(**QUIET, Proxy_Mode="Off", Proxy_Host="old.telco.test")
    for n, (filled, lacks) in enumerate(LACKS):
        filled_in = {"Proxy_Host": ""} | filled
        server.put("a.xml", profile(**filled_in, GPP_A=f"came {n}"))
        assert resync(phone, URL)["result"] == "success"
        assert stored(phone, "GPP_A") == f"came {n}"  # its neighbours are untouched
        assert (stored(phone, "Proxy_Mode"), stored(phone, "Proxy_Host")) == (
            *("Off", "old.telco.test"),
        )
        rows = [text for _, text in phone.status()["features"]["provisioning"]["rows"]]
        for tag in lacks:
            assert any(text.startswith(f"{tag}: is empty, and Proxy_") for text in rows), rows
        phone.wait_for(f"config.refused: {next(iter(lacks))}: is empty", 1)


@pytest.mark.proves("PXY-07")
def test_the_command_line_takes_all_that_a_mode_needs_at_once(net: Net) -> None:
    phone = net.boot(**QUIET)
    words = ("phone", "set", "--state", str(phone.state))
    done = ringfence(*words, "Proxy_Mode=Manual")
    assert done.returncode != 0
    assert "Proxy_Host: is empty, and Proxy_Mode is Manual" in done.stderr
    assert ringfence(*words, "Proxy_Mode=Manual", "Proxy_Host=p.telco.test").returncode == 0
    done = ringfence(*words, "Proxy_Host=")
    assert "Proxy_Host: is empty, and Proxy_Mode is Manual" in done.stderr
    assert stored(phone, "Proxy_Host") == "p.telco.test"
