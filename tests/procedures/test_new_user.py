"""Somebody who knows no documentation finds out why line 2 does not register, and mends it.

All that is read is the page: what needs attention, the line's row, and where that leads to.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

PROXY, THIEF = "sip.telco.test", "10.99.1.66"
RIGHT = (f"Proxy_2_={PROXY}", "SIP_Transport_2_=UDP", "Outbound_Proxy_2_=", "TLS_Cipher_List=")
"""What each cause begins with."""


def mend(page: Administrator, says: str, field: str, value: str) -> str:
    """Go by what the page says of Ext 2: follow `field`, write `value`, wait until it works."""
    browser = page.page
    page.select("Info > Status")
    expect(browser.get_by_text("This needs attention")).to_contain_text("Lines")
    browser.locator("#card-attention").get_by_role("link", name="Lines").click()
    card = browser.get_by_role("region", name=re.compile("^Lines"))
    row = card.locator("dl > div").filter(has=browser.locator("dt", has_text=re.compile("^Ext 2$")))
    expect(row).to_contain_text(says)
    seen = row.locator("dd").inner_text()
    row.get_by_role("link", name=field).click()
    expect(browser.locator(":target")).to_be_in_viewport()
    control = browser.locator(":target")
    if control.evaluate("one => one.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)
    page.click_submit_all_changes()
    page.select("Info > Status")
    expect(row).to_contain_text("Registered", timeout=30_000)
    expect(row).not_to_contain_text("Look at")
    return seen


@contextmanager
def thief(office: Office) -> Iterator[None]:
    """Let the stranger speak TLS by a certificate that nobody whom the phone trusts has issued."""
    key, certificate = office.lab.home / "thief.key", office.lab.home / "thief.crt"
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={THIEF}".split()
    files = ["-keyout", str(key), "-out", str(certificate)]
    name = ["-addext", f"subjectAltName=IP:{THIEF}"]
    subprocess.run([*words, *name, *files], check=True, capture_output=True)
    serve = f"openssl s_server -accept 5061 -key {key} -cert {certificate}"
    # It ends with its standard input.
    words = ["sh", "-c", f"tail -f /dev/null | timeout 60 {serve}"]
    server = office.lab.popen("shell", "stranger", "--", *words)
    try:
        assert server.stdout
        while (line := server.stdout.readline()).strip() != "ACCEPT":
            assert line, "no server"
        yield
    finally:
        server.terminate()  # what it started ends with the lab, and holds the pipes till then
        server.wait()
        for pipe in filter(None, (server.stdout, server.stderr)):
            pipe.close()


SUITE = "TLS refused by the peer: sslv3 alert handshake failure"


@pytest.mark.parametrize(
    ("wrong", "says", "field", "value"),
    [
        ("Password_2_=forgotten", "wrong user or password", "Ext 2 Password", ""),
        ("Proxy_2_=sip.tleco.test", "sip.tleco.test: no answer from DNS", "Ext 2 Proxy", PROXY),
        (
            f"Proxy_2_={PROXY}:5059 SIP_Transport_2_=TCP",
            f"{PROXY} at 10.99.1.10:5059: Connection refused",
            "Ext 2 Proxy",
            PROXY,
        ),
        (
            f"Proxy_2_={PROXY}:5060 SIP_Transport_2_=TLS",
            f"{PROXY} at 10.99.1.10:5060: no answer in 5 s",
            "Ext 2 SIP Transport",
            "UDP",
        ),
        (
            "Proxy_2_=10.99.1.10 SIP_Transport_2_=TLS",
            "none of them is that address",
            "Ext 2 Proxy",
            PROXY,
        ),
        ("SIP_Transport_2_=TLS TLS_Cipher_List=DHE-DSS-AES128-SHA", SUITE, "TLS Cipher List", ""),
        (
            "Outbound_Proxy_2_=out.telco.test",
            "DNS leads to no server: asks DNS for A and AAAA of out.telco.test",
            "Ext 2 Outbound Proxy",
            "",
        ),
        (
            "Restricted_Access_Domains=pv.telco.test",
            "Blocked by restricted domains: sip.telco.test",
            "Restricted Access Domains",
            f"pv.telco.test, {PROXY}",
        ),
    ],
    ids=["password", "name", "port", "transport", "certificate", "suites", "outbound", "domains"],
)
def test_line_2_is_mended_from_the_page_alone(
    office: Office, wrong: str, says: str, field: str, value: str
) -> None:
    judged(office, "kamailio")
    office.phone("set", *RIGHT)
    if "Restricted" not in wrong:  # else the domains come first
        office.phone("set", "Restricted_Access_Domains=")
    if "Password" in wrong:
        value = password(office)
    office.phone("set", *wrong.split())
    office.follow(mend, says, field, value)
    assert office.line(2)["registered"]


def test_a_server_by_a_foreign_ca_is_told_and_left_from_the_page_alone(office: Office) -> None:
    judged(office, "kamailio")
    with thief(office):
        office.phone(
            "set", "Restricted_Access_Domains=", f"Proxy_2_={THIEF}", "SIP_Transport_2_=TLS"
        )
        says = "the certificate is self-signed; let the provider's CA issue it"
        office.follow(mend, says, "Ext 2 Proxy", PROXY)
    assert office.line(2)["transport"] == "TLS"
    office.phone("set", "SIP_Transport_2_=UDP")


def password(office: Office) -> str:
    """Return the password that the provider gave line 2."""
    for file in (office.state / "provider").rglob("*.xml"):
        if found := re.search("<Password_2_[^>]*>([^<]+)<", file.read_text()):
            return found[1]
    raise AssertionError("no profile has it")


def told(page: Administrator) -> tuple[dict[str, dict[str, str]], str, str]:
    """Return what stands under Info > Status, by section, and both XML documents."""
    page.select("Info > Status")
    found = {}
    for card in page.page.locator(".cards > section").all():
        name = (card.get_attribute("id") or "").removeprefix("card-")
        labels = card.locator("dt").all_inner_texts()
        found[name] = dict(zip(labels, card.locator("dd").all_inner_texts(), strict=True))
    root = page.page.url.removesuffix("/info/status")
    documents = [
        page.page.request.get(f"{root}{path}").text()
        for path in ("/status.xml", "/admin/status.xml")
    ]
    return found, documents[0], documents[1]


def test_info_status_and_its_xml_tell_what_the_phone_does(office: Office) -> None:
    judged(office, "kamailio")
    office.until(lambda: office.line(2)["registered"])
    page, *documents = office.follow(told)
    assert {"phone", "dhcp", "dot1x", "vpn", "tr069", "custom_ca", "firewall", "line"} <= set(page)
    assert page["line"]["Ext 1"].startswith("Registered over TLS, TLS_AES_256_GCM_SHA384")
    assert "SAVED 1001 over tls TLSv1.3 TLS_AES_256_GCM_SHA384" in office.log("kamailio")
    assert page["phone"]["Product Name"] == "CP-8841-3PCC"
    assert page["dhcp"]["Current IP"] == office.address
    assert "Provider Root" in page["certificates"]
    assert int(page["firewall"]["Packets to Open UDP Ports"].split()[0].replace(",", "")) > 0
    for document in documents:
        root = ElementTree.fromstring(document)
        words = root.findtext("section[@name='line']/row[@label='Ext 1']") or ""
        assert words.startswith("Registered over TLS, TLS_AES_256_GCM_SHA384")
        assert root.findtext("section[@name='dhcp']/row[@label='Current IP']") == office.address
