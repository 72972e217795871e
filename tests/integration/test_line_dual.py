"""Dual registration: a line held by two registrars, and calls by the one that answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.line_phone import LinePhone
from tests.support.sip_net import FIRST, LINE, PHONE, ROOT, SECOND, Provider, provider

__all__ = ["provider"]

OTHER = "alt.test"
QUICK = {"SIP_Timer_F": "1", "SIP_Timer_B": "1", "SIP_T1": "0.1", "Reg_Retry_Intvl": "1"}
DUAL = {
    **LINE,
    **QUICK,
    "Alternate_Proxy_1_": OTHER,
    "Dual_Registration_1_": "Yes",
    "Proxy_2_": OTHER,
    "User_ID_2_": "1002",
    "Password_2_": "pw1002",
    "SIP_Port_2_": "5062",
}
"""Ext 1 is at both, whom it calls at the other alone."""
STANDING = {"registered": True, "server": f"{OTHER} ({SECOND}:5060)", "reason": ""}


@pytest.fixture
def phone(pair: tuple[Namespace, Namespace], provider: Provider) -> Iterator[LinePhone]:
    provider.zone(f"host-record=telco.test,{FIRST}", f"host-record={OTHER},{SECOND}")
    started = LinePhone(pair[0], PHONE, {})
    started.trust(ROOT.pem)
    yield started
    started.stop()


def at_both(phone: LinePhone, provider: Provider, **texts: str) -> None:
    provider.registrar(FIRST)
    provider.registrar(SECOND, domain=OTHER)
    phone.set(**{**DUAL, **texts})
    phone.wait(1, registered=True, server=FIRST, alternate=STANDING)
    phone.wait(2, registered=True)


def call(phone: LinePhone) -> dict[str, Any]:
    """Call from Ext 1; return the call once it has come to an end, or is established."""
    phone.command("dial", target="1002", line="1")
    phone.wait_call(direction="in", state="ringing")
    phone.command("answer")
    made = phone.wait_call(direction="out", state="established", received=[">=", 25])
    phone.command("hangup", call=str(made["call"]))
    phone.wait_call(gone=True)
    return made


def test_both_registrars_hold_the_line_until_it_takes_leave_of_both(
    phone: LinePhone, provider: Provider
) -> None:
    at_both(phone, provider)
    first, second = provider.registrars
    assert set(first.contacts()) == {"1001"}
    assert set(second.contacts()) == {"1001", "1002"}
    phone.set(**{**DUAL, "Dual_Registration_1_": "No"})
    second.until(lambda: set(second.contacts()) == {"1002"})
    phone.wait(1, registered=True, server=FIRST, alternate=None)
    phone.set()
    first.until(lambda: not first.contacts())


def test_a_call_that_the_first_proxy_does_not_take_goes_to_the_other_and_the_next_at_once(
    phone: LinePhone, provider: Provider
) -> None:
    at_both(phone, provider)
    first, _ = provider.registrars
    first.stop()
    assert call(phone)["peer"] == f"sip:1002@{OTHER}"
    assert "no answer" in phone.wait_log("call.elsewhere: 1")
    phone.wait(1, registered=True, alternate=STANDING, reason="no answer")
    assert call(phone)["peer"] == f"sip:1002@{OTHER}"
    assert len(phone.logged("call.elsewhere")) == 1
    first.start()
    phone.wait(1, registered=True, server=FIRST, alternate=STANDING)
    phone.command("dial", target="1002", line="1")
    assert "404" in phone.wait_log(f"call.ended: 5: sip:1002@{LINE['Proxy_1_']}")


def test_a_lost_connection_leaves_the_other_for_calls_both_ways(
    phone: LinePhone, provider: Provider
) -> None:
    at_both(phone, provider, SIP_Transport_1_="TCP", SIP_Transport_2_="TCP")
    provider.registrars[0].stop()
    phone.wait(1, registered=True, alternate=STANDING, server="")
    assert call(phone)["peer"] == f"sip:1002@{OTHER}"
    assert phone.logged("call.elsewhere") == []
    phone.command("dial", target="1001", line="2")
    phone.wait_call(direction="in", line=1, state="ringing")
    phone.command("answer")
    phone.wait_call(direction="in", line=1, state="established", received=[">=", 25])


def test_a_refusal_of_the_callee_is_not_repeated_elsewhere(
    phone: LinePhone, provider: Provider
) -> None:
    at_both(phone, provider)
    phone.command("dial", target="1099", line="1")
    assert "404" in phone.wait_log("call.ended: 1")
    assert phone.logged("call.elsewhere") == []
