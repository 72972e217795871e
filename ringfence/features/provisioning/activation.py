"""Ask the activation server where the profile is, and keep what it says.

Source: rulings 15; RSY-12, PRV-15; phone-facts 2.5, and 3.2 with the names of the states.
"""

import logging
from collections.abc import Callable, Mapping

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.snapshot import Change, Origin, Stored
from ringfence.errors import ConfigError, RemoteProtocolError, RingfenceError
from ringfence.features.provisioning.plan import ACTIVATION, RULES, TAGS, ProvisioningPlan
from ringfence.policy import activation
from ringfence.policy.credentials import masked
from ringfence.policy.rules import Url, is_onboarding
from ringfence.protocols.activation import (
    KIND,
    LARGEST_ANSWER,
    Refusal,
    RefusedError,
    question,
    read_answer,
)
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

RULE = TAGS[RULES[0]]


class Asked(Struct, frozen=True):
    """How the last question to an activation server came out."""

    reason: str = ""
    """Why it gave no rule; empty where it gave one, or was not asked."""
    code_needed: bool = False
    """It must be told an activation code."""

    @classmethod
    def failed(cls, error: RingfenceError) -> "Asked":
        """Return what an error means."""
        needed = isinstance(error, RefusedError) and error.refusal is Refusal.CODE_NEEDED
        return cls(str(error), needed)


def is_wanted(plan: ProvisioningPlan, stored: Mapping[str, Stored]) -> bool:
    """Return whether only an activation server can say where the profile is."""
    return activation.asks(plan.rules, plan.source, stored, RULE)


def must_ask(plan: ProvisioningPlan, stored: Mapping[str, Stored]) -> bool:
    """Return whether an activation server is asked before the rules run.

    A virgin phone that was told of none asks nobody, and says so as it always did.
    """
    told = plan.activation is not None or is_onboarding(plan.rules[0])
    return told and is_wanted(plan, stored)


def must_have_rule(plan: ProvisioningPlan) -> bool:
    """Return whether there is no rule to follow as long as the activation server gives none."""
    return is_onboarding(plan.rules[0]) or not activation.names_server(plan.rules[0])


def check(plan: ProvisioningPlan, stored: Mapping[str, Stored]) -> None:
    """See whether an activation server can be asked.

    Raises:
        ConfigError: it cannot, or need not.

    """
    if plan.activation is None:
        raise ConfigError(ACTIVATION, "names no activation server", "write https://SERVER")
    if not plan.has_certificate:
        reason = "the phone has none of its own, and an activation server believes nothing else"
        raise ConfigError("device certificate", reason)
    if not is_wanted(plan, stored):
        remedy = "set Profile_Rule to gds://, or reset the phone: ringfence phone factory-reset"
        raise ConfigError("activation", "the phone has been told where its profile is", remedy)


async def ask(
    world: World,
    plan: ProvisioningPlan,
    code: Secret,
    target: Callable[[Url], Target],
    asking: Callable[[Url, str], None],
) -> None:
    """Ask, and let Profile Rule be the answer.

    Raises:
        RingfenceError: there is no rule, or none that this phone may follow.

    """
    from ringfence.runtime import http

    if plan.activation is None:
        raise ConfigError(ACTIVATION, "names no activation server")
    fields = {"User-Agent": plan.reach.agent, "Content-Type": KIND}
    body = question(code.reveal())
    request = http.Request(
        plan.activation.url, fields, method="POST", body=body, limit=LARGEST_ANSWER
    )
    answer = await http.get(world.egress, target, request, asking, world.host.entropy)
    given = answer.response
    rule = read_answer(given.status, given.body, b"".join(given.values(b"retry-after")[:1]))
    reach = plan.reach
    try:
        activation.accept(rule, plan.values, reach.domains, exact_only=reach.exact_domains)
    except ValueError as error:
        raise RemoteProtocolError(f"the activation server's rule is refused: {error}") from None
    held = world.snapshot().stored.get(RULE)
    if held is None or (held.text, held.origin) != (rule.strip(), Origin.ACTIVATION):
        for refused in world.submit({RULE: Change(rule)}, Origin.ACTIVATION, whole=True):
            raise refused
    logger.info("provisioning.activated: %s says %s", answer.url.host, masked(rule))


def rows(
    plan: ProvisioningPlan, stored: Mapping[str, Stored], last: Asked
) -> list[tuple[str, str]]:
    """Return what the status page shows; nothing where no activation server is of interest."""
    if plan.activation is None:
        if not (is_onboarding(plan.rules[0]) and is_wanted(plan, stored)):
            return []
        return [("Activation", f"Unavailable: {ACTIVATION} names no activation server")]
    return [
        ("Activation Server", str(plan.activation.url)),
        ("Activation", _state(plan, stored, last)),
    ]


def _state(plan: ProvisioningPlan, stored: Mapping[str, Stored], last: Asked) -> str:
    asks, held = is_wanted(plan, stored), stored.get(RULE)
    if asks and last.code_needed:
        return f"Pending: {last.reason}; ringfence phone activate takes it"
    if asks and last.reason:
        return f"Unavailable: {last.reason}"
    if held is not None and held.origin is Origin.ACTIVATION:
        return f"Acquired: it gave {RULE}"
    if not asks:
        return "Aborted: DHCP, a profile or a person has said where the profile is"
    return "Open" if plan.has_certificate else "Unavailable: no certificate of the phone's own"
