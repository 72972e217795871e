"""The chapter's procedures under Voice > Ext (n), each from its first step to its effect."""

import json
import re

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office


def challenge(page: Administrator, value: str) -> None:
    page.select("Voice > Ext(2)")
    page.set("SIP Settings", "Auth INVITE", value)
    page.click_submit_all_changes()


def test_configure_the_challenge_for_sip_invite_messages(office: Office) -> None:
    judged(office, "kamailio")
    office.follow(challenge, "No")
    office.until(lambda: _rings(office))
    office.phone("hangup")
    office.follow(challenge, "Yes")
    assert json.loads(office.invite("1002", 5062))["status"] == 401


def _rings(office: Office) -> bool:
    """Return whether a stranger's INVITE makes the phone ring."""
    office.invite("1002", 5062)
    calls = office.lab.status()["phone"]["calls"]
    return any("stranger" in call["peer"] and call["state"] == "ringing" for call in calls)


def encrypt(page: Administrator, transport: str) -> None:
    page.select("Voice > Ext(2)")
    page.set("SIP Settings", "SIP Transport", transport)
    page.click_submit_all_changes()


def test_encrypt_signaling_with_sip_over_tls(office: Office) -> None:
    judged(office, "kamailio")
    office.follow(encrypt, "TLS")
    office.until(lambda: re.search(r"SAVED 1002 over tls TLSv1\.[23] \S+", office.log("kamailio")))
    office.follow(encrypt, "UDP")
    office.until(lambda: office.line(2)["transport"] == "UDP" and office.line(2)["registered"])


def validate(page: Administrator, proxy: str, value: str) -> None:
    page.select("Voice > Ext(1)")
    page.set("Proxy and Registration", "Proxy", proxy)
    page.set("Proxy and Registration", "TLS Name Validate", value)
    page.click_submit_all_changes()


def test_enable_hostname_verification_for_sip_over_tls(office: Office) -> None:
    judged(office, "kamailio")
    # The certificate names sip.telco.test; nobody has promised anything of the address.
    office.phone("set", "Restricted_Access_Domains=")
    office.follow(validate, "10.99.1.10", "Yes")
    office.until(lambda: "10.99.1.10" in office.line(1)["reason"])
    assert not office.line(1)["registered"]
    office.follow(validate, "10.99.1.10", "No")
    office.until(lambda: office.line(1)["registered"])
    office.follow(validate, "sip.telco.test", "Yes")
    office.until(lambda: office.line(1)["server"].startswith("sip.telco.test"))
