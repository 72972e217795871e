"""What a resync fetches, from where, how, when, and what it says.

Source: chapter, HTTPS Provisioning; phone-facts 1.4, 2.5–2.9, 3.2, 4.
"""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.config.catalog.values import IpMode
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError, Finding, Severity
from ringfence.features.provisioning.engine import Timing
from ringfence.policy import tls
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.credentials import masked
from ringfence.policy.macros import expand, phone_values, setting_values
from ringfence.policy.network import own_address, resolvers
from ringfence.policy.rules import Alternative, Options, Rule, Url, parse_rule, parse_url
from ringfence.policy.schedule import parse_schedule
from ringfence.policy.sources import ProfileSource, profile_source
from ringfence.runtime.state import Facts, Planned

RULES = ("profile_rule", "profile_rule_b", "profile_rule_c", "profile_rule_d")
"""Fields of the Provisioning tab, in the order in which they run."""
TAGS = {field: ROWS["provisioning"][field].tag for field in RULES}
"""`{field: tag}` of the rules."""

_RECORDS = {
    IpMode.IPV4: ("A",),
    IpMode.IPV6: ("AAAA",),
    IpMode.DUAL: ("A", "AAAA"),
}
"""DNS records of a provisioning server; never SRV. Source: phone-facts 9, 8."""


class Reach(Struct, frozen=True):
    """What every connection to a provisioning server depends on."""

    tls: tls.TlsPolicy
    domains: str
    exact_domains: bool
    resolvers: tuple[str, ...]
    records: tuple[str, ...]
    agent: str
    """User-Agent."""


class Messages(Struct, frozen=True):
    """Templates of the syslog messages; an empty one is not sent."""

    request: str
    success: str
    failure: str


class ProvisioningPlan(Struct, frozen=True):
    """Everything that a resync depends on."""

    enabled: bool
    waiting: str
    """What must come first, empty where nothing must."""
    rules: tuple[str, ...]
    """Text of Profile Rule, B, C and D."""
    source: ProfileSource
    values: Mapping[str, str]
    """Macros that any text may use."""
    secrets: Mapping[str, Secret]
    """Macros for the arguments of `--key`, `--uid` and `--pwd` alone."""
    reach: Reach
    fails_on_missing: bool
    timing: Timing
    messages: Messages

    @property
    def sought(self) -> tuple[object, ...]:
        """Return what a change of which calls for a resync. Source: phone-facts 1.8."""
        return (self.rules, self.source.kind, self.source.text)


class Step(Struct, frozen=True):
    """What one rule asks for."""

    assignments: tuple[tuple[str, str], ...]
    options: Options
    url: Url | None
    """None where nothing is to be fetched."""
    named_by: str
    """Who names the server: the tag of the rule, or `DHCP option 66`."""


def plan(settings: Settings, facts: Facts) -> Planned[ProvisioningPlan]:
    """Return the plan of the next resync."""
    own, system = settings.provisioning, settings.system
    values = macros(settings, facts)
    decided = ProvisioningPlan(
        enabled=own.provision_enable,
        waiting="" if facts.lease else "the phone has no address yet",
        rules=tuple(getattr(own, field) for field in RULES),
        source=profile_source(own.dhcp_option_to_use, facts.lease),
        values=values,
        secrets={name: getattr(own, f"gpp_{name.lower()}") for name in ("SA", "SB", "SC", "SD")},
        reach=Reach(
            tls=tls.policy_for(PROVISIONING, settings, facts),
            domains=system.restricted_access_domains,
            exact_domains=system.restricted_domains_exact_only,
            resolvers=resolvers(settings, facts.lease),
            records=_RECORDS[system.ip_mode],
            agent=_agent(expand(own.http_user_agent_name, values)),
        ),
        fails_on_missing=own.resync_fails_on_fnf,
        timing=Timing(
            on_reset=own.resync_on_reset,
            random_delay=own.resync_random_delay,
            periodic=parse_schedule(own.resync_periodic),
            retry=parse_schedule(own.resync_error_retry_delay),
        ),
        messages=Messages(own.log_request_msg, own.log_success_msg, own.log_failure_msg),
    )
    return Planned({"": decided}, tuple(_findings(settings)))


def macros(settings: Settings, facts: Facts) -> Mapping[str, str]:
    """Return every macro that stays the same through a resync: `{name: value}`."""
    unit = facts.identity
    return {
        **phone_values(unit.mac, unit.product, unit.serial, unit.firmware),
        **setting_values(settings),
        "CCERT": "Installed" if facts.own_certificate else "Not Installed",
        "IP": own_address(settings, facts.lease),
    }


def next_step(
    decided: ProvisioningPlan, position: int, text: str, values: Mapping[str, str]
) -> Step | None:
    """Return what a rule asks for, or None where it asks for nothing.

    `position` says which rule it is, from 0. A URL without a server takes the one that DHCP
    names; for Profile Rule, a whole rule from DHCP then stands in its place.

    Raises:
        ConfigError: the rule cannot be followed.

    """
    tag = named_by = TAGS[RULES[position]]
    source = decided.source
    try:
        taken = parse_rule(text).select(values)
        if taken is None:
            return None
        url = _url(taken, values)
        if url is not None and not url.host and source.option is not None:
            named_by = f"DHCP option {source.option:d}"
        if url is not None and not url.host and source.kind == "rule" and position == 0:
            taken = parse_rule(source.text).select(values)
            if taken is None:
                return None
            url = _url(taken, values)
        elif url is not None and not url.host:
            url = _at_source(url, source, values)
    except ValueError as error:
        raise ConfigError(tag, str(error)) from None
    return Step(taken.assignments, taken.options, url, named_by)


def _url(taken: Alternative, values: Mapping[str, str]) -> Url | None:
    return parse_url(expand(taken.url, values)) if taken.url else None


def _at_source(url: Url, source: ProfileSource, values: Mapping[str, str]) -> Url:
    """Return the URL at the server that DHCP names."""
    if source.kind == "server":
        named = parse_url(f"{source.text}/")
    elif source.kind == "rule" and (taken := parse_rule(source.text).select(values)):
        named = parse_url(expand(taken.url, values))
    else:
        raise ValueError("the rule names no server, and DHCP names none")
    return Url(named.scheme, named.host, named.port, url.path)


def _agent(text: str) -> str:
    """Return what may stand in a header field. Source: RFC 9110 section 5.5."""
    return "".join(c if " " <= c <= "~" else "?" for c in text).strip()[:512]


def _findings(settings: Settings) -> list[Finding]:
    own = settings.provisioning
    found: list[Finding] = []
    for field, tag in TAGS.items():
        try:
            found += _of_rule(tag, parse_rule(getattr(own, field)))
        except ValueError as error:
            remedy = "write [(condition)?] [scheme://server]/path, alternatives joined by |"
            found.append(Finding(Severity.ERROR, "profile-rule-invalid", tag, str(error), remedy))
    if not own.https_name_validate:
        tag = ROWS["provisioning"]["https_name_validate"].tag
        text = "refused: the name of a provisioning server is always checked"
        found.append(_warning("name-check-forced", tag, text, "remove the element"))
    return found


def _of_rule(tag: str, rule: Rule) -> list[Finding]:
    found = []
    for alternative in rule.alternatives:
        scheme, marked, _ = alternative.url.partition("://")
        if (marked and scheme.lower() == "tftp") or (
            not marked and scheme[:1] not in ("", "/", "$")
        ):
            text = "TFTP is not spoken yet, so this rule will fail"
            found.append(_warning("profile-rule-tftp", tag, text, "use https://"))
        elif marked and scheme.lower() == "http":
            shown = masked(alternative.url).partition("://")[2][:60]
            text = f"{shown!r} is fetched in clear text: who listens reads the profile"
            found.append(_warning("profile-rule-clear-text", tag, text, "use https://"))
        if alternative.options.key or alternative.options.post or alternative.options.alias:
            text = "--key, --post and --alias are read and have no effect yet"
            found.append(_warning("profile-rule-options", tag, text, "rely on https:// meanwhile"))
    return found


def _warning(rule: str, tag: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, rule, tag, message, remedy)
