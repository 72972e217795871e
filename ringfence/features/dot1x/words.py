"""The plan for people and for programs, before any port was asked."""

from collections.abc import Mapping

from ringfence.features.dot1x.plan import ANONYMOUS, FAST, Dot1xPlan


def told(plan: Dot1xPlan) -> list[str]:
    """Return who asks by which method, and who is believed; one line each."""
    if not plan.method:
        return ["off: CDP and LLDP-MED alone meet the switch"]
    lines = [f"{plan.method} as {plan.outer} on {plan.interface}"]
    if plan.method == FAST:
        lines.append(f"name {plan.identity}, PAC provisioning {plan.pac_mode.value}")
    names = " or ".join(plan.names) or "of any name"
    known = "whoever hands out the credential" if plan.pac_mode is ANONYMOUS else names
    lines.append(f"server {known}")
    if plan.refused:
        lines.append(f"not asked while {plan.refused}")
    return lines


def show(plan: Dot1xPlan) -> str:
    """Return the same as one text."""
    return "".join(f"{line}\n" for line in told(plan))


def described(plan: Dot1xPlan) -> Mapping[str, object]:
    """Return the same for programs."""
    return {
        "enabled": bool(plan.method),
        "method": plan.method,
        "identity": plan.outer,
        "servers": list(plan.names),
        "refused": plan.refused,
    }
