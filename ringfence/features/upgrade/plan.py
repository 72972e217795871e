"""Where firmware comes from, which is too old, when it is asked for, and what is said of it.

Source: phone-facts 1.4, Firmware Upgrade; chapter, Restricted Access Domains, Syslog Server.
"""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError, Finding, Severity
from ringfence.features.upgrade.engine import Timing
from ringfence.policy.applications import UPGRADE
from ringfence.policy.image import older
from ringfence.policy.macros import expand
from ringfence.policy.rules import Rule, Url, parse_rule, parse_url
from ringfence.policy.schedule import parse_schedule
from ringfence.policy.sources import ProfileSource, at_source
from ringfence.runtime.reach import Reach, awaited, dhcp_source, macros, reach
from ringfence.runtime.state import Facts, Planned

PHONE, HEADSET = "phone", "headset"
RULES = {PHONE: "upgrade_rule", HEADSET: "cisco_headset_upgrade_rule"}
"""`{key: field}` of the Provisioning tab."""
TAGS = {key: ROWS["provisioning"][field].tag for key, field in RULES.items()}
LIMIT_TAG = ROWS["provisioning"]["downgrade_rev_limit"].tag


class Messages(Struct, frozen=True):
    """Templates of the syslog messages; an empty one is not sent."""

    request: str
    success: str
    failure: str


class Step(Struct, frozen=True):
    """What a rule asks for."""

    url: Url
    named_by: str
    """Who names the server: the tag of the rule, or `DHCP option 66`."""


class UpgradePlan(Struct, frozen=True):
    """Everything that one kind of upgrade depends on."""

    kind: str
    """`phone` or `headset`."""
    enabled: bool
    waiting: str
    """What must come first; empty where nothing must."""
    text: str
    """The rule as it was written."""
    rule: Rule
    limit: str
    """Oldest version of the phone's firmware that is taken; empty for any."""
    values: Mapping[str, str]
    """Macros that any text may use."""
    source: ProfileSource
    """Names the server where the rule does not."""
    reach: Reach
    timing: Timing
    messages: Messages

    @property
    def tag(self) -> str:
        """Return the tag of the rule."""
        return TAGS[self.kind]

    @property
    def ready(self) -> bool:
        """Return whether anything may be asked for now."""
        return self.enabled and not self.waiting

    @property
    def sought(self) -> tuple[object, ...]:
        """Return what a change of which calls for an attempt at once."""
        try:
            step = next_step(self, self.rule, {})
            url = str(step.url) if step else ""
        except ConfigError as error:
            url = str(error)
        return (url, self.limit, self.reach.domains, self.reach.exact_domains)


def plan(settings: Settings, facts: Facts) -> Planned[UpgradePlan]:
    """Return the plans of firmware for the phone and for a headset."""
    own = settings.provisioning
    findings: list[Finding] = []
    plans = {}
    for kind, field in RULES.items():
        text = getattr(own, field)
        try:
            rule = parse(text)
        except ValueError as error:
            remedy = "write [(condition)?] https://server/path, alternatives joined by |"
            tag = TAGS[kind]
            findings.append(
                Finding(Severity.ERROR, "upgrade-rule-invalid", tag, str(error), remedy)
            )
            rule = Rule(())
        plans[kind] = UpgradePlan(
            kind=kind,
            enabled=own.upgrade_enable,
            waiting=awaited(settings, facts),
            text=text,
            rule=rule,
            limit=own.downgrade_rev_limit if kind == PHONE else "",
            values=macros(settings, facts),
            source=dhcp_source(settings, facts),
            reach=reach(UPGRADE, settings, facts),
            timing=Timing(
                periodic=parse_schedule(own.resync_periodic),
                retry=parse_schedule(own.upgrade_error_retry_delay),
            ),
            messages=Messages(
                own.log_upgrade_request_msg,
                own.log_upgrade_success_msg,
                own.log_upgrade_failure_msg,
            ),
        )
    return Planned(plans, (*findings, *_limits(own.downgrade_rev_limit)))


def _limits(limit: str) -> list[Finding]:
    """Return what is wrong with the limit; then every image is refused."""
    try:
        if limit:
            older(limit, limit)
    except ValueError as error:
        text = f"no image is taken: {error}"
        remedy = "write a version of Ringfence, 0.2.0"
        return [Finding(Severity.ERROR, "downgrade-limit-invalid", LIMIT_TAG, text, remedy)]
    return []


def parse(text: str) -> Rule:
    """Return an upgrade rule; options mean nothing in it (phone-facts 2.5).

    Raises:
        ValueError: it is none, or it assigns values, as profile rules do.

    """
    rule = parse_rule(text)
    if any(alternative.assignments for alternative in rule.alternatives):
        raise ValueError("an upgrade rule assigns nothing")
    return rule


def next_step(decided: UpgradePlan, rule: Rule, values: Mapping[str, str]) -> Step | None:
    """Return what a rule asks for, or None where it asks for nothing; `values` are more macros.

    Raises:
        ConfigError: the rule cannot be followed.

    """
    known = {**decided.values, **values}
    try:
        taken = rule.select(known)
        if taken is None or not taken.url:
            return None
        url = parse_url(expand(taken.url, known))
        if url.host:
            return Step(url, decided.tag)
        return Step(at_source(url, decided.source, known), decided.source.named_by)
    except ValueError as error:
        raise ConfigError(decided.tag, str(error), "write https://SERVER/FILE") from None


def refusal(decided: UpgradePlan, kind: str, version: str) -> str:
    """Return why what is signed as a version of a kind must not be taken; empty where it may."""
    if kind != decided.kind:
        return f"it is signed for a {kind}, and the rule is a {decided.kind}'s"
    try:
        if decided.limit and older(version, decided.limit):
            return f"{version} is older than {LIMIT_TAG}, {decided.limit}"
    except ValueError as error:
        return f"{LIMIT_TAG}: {error}"
    return ""
