"""What a resync fetches, from where, how, when, and what it says.

Source: chapter, HTTPS Provisioning; phone-facts 1.4, 2.5–2.9, 3.2, 4.
"""

import contextlib
from collections.abc import Iterator, Mapping

from msgspec import Struct

from ringfence.config.catalog.provisioning import Provisioning
from ringfence.config.catalog.values import ProfileAuthentication
from ringfence.config.cfgxml_alias import parse_aliases
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError, Finding, Severity
from ringfence.features.provisioning.engine import Timing
from ringfence.policy import activation
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.conditions import Condition, parse_condition
from ringfence.policy.credentials import masked
from ringfence.policy.macros import GENERAL, expand, unit_values
from ringfence.policy.rules import Alternative, Options, Rule, Url, parse_rule, parse_url
from ringfence.policy.schedule import parse_daily, parse_schedule
from ringfence.policy.sources import ProfileSource, at_source
from ringfence.policy.uploads import secret_macros
from ringfence.runtime.reach import Reach, awaited, dhcp_source, lock_outs, macros, reach
from ringfence.runtime.state import Facts, Planned

RULES = ("profile_rule", "profile_rule_b", "profile_rule_c", "profile_rule_d")
"""Fields of the Provisioning tab, in the order in which they run."""
TAGS = {field: ROWS["provisioning"][field].tag for field in RULES}
"""`{field: tag}` of the rules."""
ACTIVATION = ROWS["provisioning"]["activation_url"].tag
TRIGGERS = ("resync_trigger_1", "resync_trigger_2")


FACTORY = "device.json"
"""Who the device is, in its state folder; it may name an activation server."""


class Messages(Struct, frozen=True):
    """Templates of the syslog messages; an empty one is not sent."""

    request: str
    success: str
    failure: str


class ActivationServer(Struct, frozen=True):
    """Whom a phone asks that has not been told where its profile is."""

    url: Url
    named_by: str
    """The tag of the parameter, or the file of the factory."""


class ProfileLogin(Struct, frozen=True):
    """Who the phone is where a server asks for a login. Source: phone-facts 1.4."""

    told: bool = True
    """Anybody at all; `[--uid --pwd]` of a rule comes first."""
    user: str = ""
    password: Secret = Secret()


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
    content_key: Secret
    """Keying material of RFC 8188."""
    reach: Reach
    fails_on_missing: bool
    timing: Timing
    triggers: tuple[Condition, ...]
    """Where there are any, one must hold for a resync that only the time calls for."""
    watches_lines: bool
    """Some text asks how long a line has been without registration."""
    after_upgrade: bool
    """A resync follows every attempt to upgrade."""
    messages: Messages
    login: ProfileLogin = ProfileLogin()
    activation: ActivationServer | None = None
    """None where the phone was told of none: it asks nobody then."""

    @property
    def has_certificate(self) -> bool:
        """Return whether the phone can prove which one it is."""
        return self.values["CCERT"] == "Installed"

    @property
    def sought(self) -> tuple[object, ...]:
        """Return what a change of which calls for a resync. Source: phone-facts 1.8."""
        return (self.rules, self.source.kind, self.source.text, self.activation)

    def triggered(self, values: Mapping[str, str]) -> bool:
        """Return whether time alone may begin a resync now; `values` are all macros."""
        return not self.triggers or any(_holds(one, values) for one in self.triggers)


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
    own = settings.provisioning
    values = macros(settings, facts)
    decided = ProvisioningPlan(
        enabled=own.provision_enable,
        waiting=awaited(settings, facts),
        rules=tuple(getattr(own, field) for field in RULES),
        source=dhcp_source(settings, facts),
        values=values,
        secrets=secret_macros(settings),
        content_key=own.ikm_http_encrypt_content,
        reach=reach(PROVISIONING, settings, facts),
        fails_on_missing=own.resync_fails_on_fnf,
        timing=Timing(
            on_reset=own.resync_on_reset,
            random_delay=own.resync_random_delay,
            periodic=parse_schedule(own.resync_periodic),
            retry=parse_schedule(own.resync_error_retry_delay),
            daily=parse_daily(own.resync_at, own.resync_at_random_delay),
            idle=own.forced_resync_delay,
        ),
        triggers=tuple(_triggers(own)),
        watches_lines=_watches_lines(own),
        after_upgrade=own.resync_after_upgrade_attempt,
        messages=Messages(own.log_request_msg, own.log_success_msg, own.log_failure_msg),
        login=_login(settings),
        activation=_activation(own, facts),
    )
    return Planned({"": decided}, (*_findings(settings), *lock_outs(settings, facts)))


def _login(settings: Settings) -> ProfileLogin:
    phone = settings.phone
    match settings.provisioning.profile_authentication_type:
        case ProfileAuthentication.DISABLED:
            return ProfileLogin(told=False)
        case ProfileAuthentication.XSI:
            return ProfileLogin(user=phone.login_user_id, password=phone.login_password)
        case _:
            return ProfileLogin()


def _activation(own: Provisioning, facts: Facts) -> ActivationServer | None:
    """Return the activation server of the settings, else of the factory; one by https or none."""
    factory = facts.identity.activation_url
    text, named_by = (own.activation_url, ACTIVATION) if own.activation_url else (factory, FACTORY)
    try:
        return ActivationServer(activation.server(text), named_by) if text else None
    except ValueError:
        return None


def _triggers(own: Provisioning) -> Iterator[Condition]:
    """Yield the triggers; one that cannot be read counts as empty, and is a finding."""
    for field in TRIGGERS:
        if text := getattr(own, field).strip():
            with contextlib.suppress(ValueError):
                yield _bare_condition(text)


def _watches_lines(own: Provisioning) -> bool:
    fields = [*RULES, *TRIGGERS, *(f"gpp_{letter.lower()}" for letter in GENERAL)]
    fields += ["log_request_msg", "log_success_msg", "log_failure_msg"]
    return any("REGTMR" in getattr(own, field) for field in fields)


def _bare_condition(text: str) -> Condition:
    if text.startswith("("):
        raise ValueError("a trigger stands without ( )?")
    return parse_condition(text)


def _holds(condition: Condition, values: Mapping[str, str]) -> bool:
    try:
        return condition.holds(values)
    except ValueError:  # it compares what has no order now
        return False


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
    offered = decided.source
    try:
        taken = parse_rule(text).select(values)
        if taken is None:
            return None
        if taken.options.delta:
            raise ValueError(_DELTA)
        url = _url(taken, values)
        if url is not None and not url.host and offered.named_by:
            named_by = offered.named_by
        if url is not None and not url.host and offered.kind == "rule" and position == 0:
            values = unit_values(values)
            taken = parse_rule(offered.text).select(values)
            if taken is None:
                return None
            url = _url(taken, values)
        elif url is not None and not url.host:
            url = at_source(url, offered, values)
    except ValueError as error:
        raise ConfigError(tag, str(error)) from None
    return Step(taken.assignments, taken.options, url, named_by)


def _url(taken: Alternative, values: Mapping[str, str]) -> Url | None:
    return parse_url(expand(taken.url, values)) if taken.url else None


_DELTA = "--delta is an option of reports"


def _findings(settings: Settings) -> list[Finding]:
    own = settings.provisioning
    found: list[Finding] = []
    for field, tag in TAGS.items():
        try:
            found += _of_rule(own, tag, parse_rule(getattr(own, field)))
        except ValueError as error:
            remedy = "write [(condition)?] [scheme://server]/path, alternatives joined by |"
            found.append(Finding(Severity.ERROR, "profile-rule-invalid", tag, str(error), remedy))
    for field in TRIGGERS:
        found += _of_trigger(ROWS["provisioning"][field].tag, getattr(own, field))
    try:
        if own.activation_url:
            activation.server(own.activation_url)
    except ValueError as error:
        remedy = "write https://SERVER[:PORT][/PATH]"
        text = f"nobody is asked: {error}"
        found.append(Finding(Severity.ERROR, "activation-url-invalid", ACTIVATION, text, remedy))
    if not own.https_name_validate:
        tag = ROWS["provisioning"]["https_name_validate"].tag
        text = "refused: the name of a provisioning server is always checked"
        found.append(_warning("name-check-forced", tag, text, "remove the element"))
    return found


def _of_trigger(tag: str, text: str) -> Iterator[Finding]:
    try:
        if text.strip():
            _bare_condition(text.strip())
    except ValueError as error:
        remedy = "write a comparison, $PRVTMR ge 86400, without (…)?"
        reason = f"ignored: {error}"
        yield Finding(Severity.ERROR, "resync-trigger-invalid", tag, reason, remedy)


def _of_rule(own: Provisioning, tag: str, rule: Rule) -> Iterator[Finding]:
    for alternative in rule.alternatives:
        options = alternative.options
        if options.delta:
            raise ValueError(_DELTA)
        if (scheme := _in_clear(alternative.url)) and not options.key:
            shown = masked(alternative.url).rpartition("://")[2][:60]
            text = f"{shown!r} is fetched in clear text ({scheme}): who listens reads the profile"
            yield _warning("profile-rule-clear-text", tag, text, "use https://")
        if options.alias:
            try:
                parse_aliases(getattr(own, f"gpp_{options.alias.lower()}"))
            except ValueError as error:
                text = f"--alias {options.alias}: {error}"
                remedy = f"write /path/name = /flat-profile/TAG ; … into GPP_{options.alias}"
                yield _warning("profile-rule-alias", tag, text, remedy)


def _in_clear(url: str) -> str:
    """Return the scheme of a URL as written that names a server without TLS, else nothing."""
    scheme, marked, _ = url.partition("://")
    if not marked:
        return "TFTP" if url[:1] not in ("", "/", "$") else ""
    return scheme.upper() if scheme.lower() in ("http", "tftp") else ""


def _warning(rule: str, tag: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, rule, tag, message, remedy)
