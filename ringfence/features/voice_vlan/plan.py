"""In which VLAN the phone speaks."""

from msgspec import Struct

from ringfence.config.settings import Settings
from ringfence.policy.vlan import FIRST, LAST
from ringfence.runtime.state import Facts, Planned


class VoiceVlanPlan(Struct, frozen=True):
    """The VLAN of everything that the phone says."""

    interface: str
    """The interface whose port to the switch carries it."""
    number: int | None
    """None: the phone speaks untagged."""


def plan(settings: Settings, facts: Facts) -> Planned[VoiceVlanPlan]:
    """Return the VLAN that the phone was told. Source: phone-facts 1.2, VLAN Settings, and 6."""
    told = facts.voice_vlan
    number = told.number if told and FIRST <= told.number <= LAST else None
    return Planned({"": VoiceVlanPlan(facts.identity.interface, number)})


def show(plan: VoiceVlanPlan) -> str:
    """Return the VLAN; what the switch would say, nobody knows before it is met."""
    return "untagged\n" if plan.number is None else f"VLAN {plan.number} on {plan.interface}\n"
