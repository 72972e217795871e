"""`ringfence phone set`, on a phone that runs or not: what it stores, and what it says of it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.phone import RunningPhone, ringfence

LOCKED = (
    "ringfence: stored, but Profile_Rule: https://pv.telco.test:443/a: domain not allowed:"
    " pv.telco.test; add the domain to Restricted_Access_Domains, or correct the server; as it"
    " is, the next resync fails, and a list that a resync brought is taken back\n"
)
OPEN = (
    "ringfence: stored, but Profile_Rule: a quote or a parenthesis is not closed; write"
    " [(condition)?] [scheme://server]/path, alternatives joined by |\n"
)


def said(state: Path, *words: str) -> str:
    done = ringfence("phone", "set", "--state", str(state), *words)
    assert done.returncode == 0
    return done.stderr


@pytest.mark.proves("RAD-03")
@pytest.mark.parametrize("running", [False, True])
def test_a_list_that_locks_the_phone_out_is_told_once(
    tmp_path: Path, namespaces: Callable[[str], Namespace], running: bool
) -> None:
    with ExitStack() as stack:
        if running:
            phone = RunningPhone(tmp_path, namespaces("phone"))
            stack.callback(phone.stop)
            phone.wait_for("phone.ready")
        told_once(tmp_path)


def told_once(tmp_path: Path) -> None:
    rule, domains = "Profile_Rule=https://pv.telco.test/a", "Restricted_Access_Domains=else.test"
    assert said(tmp_path, rule) == ""
    assert said(tmp_path, domains) == LOCKED
    assert said(tmp_path, "Display_Name_1_=Anna") == ""


def test_a_rule_that_cannot_be_followed_is_told_to_whoever_sets_it(tmp_path: Path) -> None:
    assert said(tmp_path, "Profile_Rule=((( https://pv.telco.test/a") == OPEN
    wrong = said(tmp_path, "Profile_Rule=https://a b/c", "Report_Rule=(((")
    assert "Profile_Rule: 'https://a b/c' is not a URL" in wrong
    assert "Report_Rule: " in wrong


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (("Static_IP=10.1.2.3", "NetMask=255.0.255.0"), "NetMask: "),
        (("Static_IP=10.1.2.255", "NetMask=255.255.255.0"), "Static_IP: "),
        (("NetMask=255.255.255.0",), "Static_IP: is empty; give the phone's address, or use DHCP"),
    ],
)
def test_an_address_that_the_phone_cannot_take_is_told_to_whoever_sets_it(
    tmp_path: Path, address: tuple[str, ...], words: str
) -> None:
    wrong = said(tmp_path, "Connection_Type=Static IP", *address)
    assert wrong.startswith(f"ringfence: stored, but {words}")
