"""Rules on where configuration, firmware and trust come from, and where reports go."""

import re
from collections.abc import Iterator

from ringfence.config.codecs import Secret
from ringfence.config.settings import slots, value
from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule, tag_of
from ringfence.policy.credentials import OF_THE_UNIT, carried, masked
from ringfence.policy.domains import parse
from ringfence.policy.macros import expand
from ringfence.policy.rules import parse_rule, parse_url

PROFILE_RULES = ("profile_rule", "profile_rule_b", "profile_rule_c", "profile_rule_d")
UPGRADE_RULES = ("upgrade_rule", "cisco_headset_upgrade_rule")
_SECRET_MACRO = re.compile(r"\$\(?S[A-D](?::\d{1,3}){0,2}\)?")
_GENERAL_MACRO = re.compile(r"\$\(?([A-P])(?::\d{1,3}){0,2}\)?(?![A-Za-z0-9_])")
_WEB_SCHEMES = re.compile(r"(?:https?|wss?|tftp|ldaps?)://", re.IGNORECASE)


def _clear(case: Case, field: str) -> Iterator[Hit]:
    """Yield a hit for each URL of a rule that is fetched or sent without TLS."""
    tag = tag_of("provisioning", field)
    try:
        alternatives = parse_rule(getattr(case.settings.provisioning, field)).alternatives
    except ValueError:
        return  # said where servers are judged
    for url in filter(None, (one.url for one in alternatives)):
        try:
            parsed = parse_url(expand(url, case.macros))
        except ValueError:
            continue
        if not parsed.host:
            shown = masked(url)[:60]
            yield Hit(tag, f"{shown!r} names no server: TFTP, with whatever server DHCP names")
        elif parsed.scheme != "https":
            yield Hit(tag, f"{masked(str(parsed))[:80]!r} goes over {parsed.scheme.upper()}")


def _trust(case: Case) -> Iterator[Hit]:
    yield from _clear(case, "custom_ca_rule")


def _upgrades(case: Case) -> Iterator[Hit]:
    if case.settings.provisioning.upgrade_enable:
        for field in UPGRADE_RULES:
            yield from _clear(case, field)


def _reports(case: Case) -> Iterator[Hit]:
    for field in ("report_rule", "prt_upload_rule"):
        yield from _clear(case, field)


def _server_from_dhcp(case: Case) -> Iterator[Hit]:
    if not case.settings.provisioning.provision_enable:
        return
    for field in PROFILE_RULES:
        try:
            rule = parse_rule(getattr(case.settings.provisioning, field))
        except ValueError:
            continue
        for alternative in rule.alternatives:
            if alternative.url.startswith("/"):
                shown = masked(alternative.url)[:60]
                message = f"{shown!r} names no server: DHCP names it, and TFTP fetches it"
                yield Hit(tag_of("provisioning", field), message)


def _url_credentials(case: Case) -> Iterator[Hit]:
    for tag, slot in slots().items():
        if not case.given(tag) or isinstance(slot.row.default, Secret):
            continue
        text = value(case.settings, slot)
        if isinstance(text, str) and _WEB_SCHEMES.search(text):
            where = carried(text)
            if where:
                yield Hit(tag, f"the URL carries {' and '.join(where)}")


def _rule_secrets(case: Case) -> Iterator[Hit]:
    fields = (*PROFILE_RULES, *UPGRADE_RULES, "report_rule", "custom_ca_rule", "prt_upload_rule")
    for field in fields:
        try:
            rule = parse_rule(getattr(case.settings.provisioning, field))
        except ValueError:
            continue
        for one in rule.alternatives:
            for name, secret in (("--key", one.options.key), ("--pwd", one.options.pwd)):
                if why := _exposed(secret):
                    yield Hit(tag_of("provisioning", field), f"{name} {why}")


def _exposed(secret: Secret) -> str:
    """Return why the argument of an option is no secret; empty where it is, or is absent."""
    text = secret.reveal()
    if not text or _SECRET_MACRO.search(text):
        return ""
    if not OF_THE_UNIT.sub("", text):
        return "is what stands on the back of the phone"
    if found := _GENERAL_MACRO.search(text):
        return f"takes the text of GPP {found[1]}, which the page shows"
    return "is written out, so the page shows it"


def _no_domains(case: Case) -> Iterator[Hit]:
    if not case.settings.system.restricted_access_domains.strip():
        yield Hit(tag_of("system", "restricted_access_domains"))


def _broad_domains(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    domains = parse(system.restricted_access_domains)
    names = domains.below if system.restricted_domains_exact_only else domains.hosts | domains.below
    for name in sorted(names):
        if "." not in name:
            tag = tag_of("system", "restricted_access_domains")
            yield Hit(tag, f"{name!r} allows every host below .{name}")


def _query_credentials(case: Case) -> Iterator[Hit]:
    if case.settings.provisioning.query_credentials:
        yield Hit(tag_of("provisioning", "query_credentials"), write="No")


def _upgrade_options(case: Case) -> Iterator[Hit]:
    for field in UPGRADE_RULES:
        try:
            rule = parse_rule(getattr(case.settings.provisioning, field))
        except ValueError:
            continue
        if any(one.options for one in rule.alternatives):
            yield Hit(tag_of("provisioning", field))


def _never_again(case: Case) -> Iterator[Hit]:
    own = case.settings.provisioning
    if not own.provision_enable:
        message = "no profile is ever fetched again, not even a correction of this one"
        yield Hit(tag_of("provisioning", "provision_enable"), message, "Yes")
    elif own.resync_periodic.strip() == "0" and not own.resync_at:
        message = "the profile is fetched after a boot only"
        yield Hit(tag_of("provisioning", "resync_periodic"), message, "3600")


def _rule_on_screen(case: Case) -> Iterator[Hit]:
    if case.settings.provisioning.user_configurable_resync:
        yield Hit(tag_of("provisioning", "user_configurable_resync"), write="No")


RULES = (
    Rule(
        "trust-clear-text",
        Severity.ERROR,
        "Trust anchors are fetched in clear text",
        "Who can change the answer on its way puts a trust anchor of their own into the phone, and "
        "every later check of a certificate then believes them.",
        "chapter, HTTPS Provisioning; phone-facts 2.5",
        "fetch the custom CA over https://",
        _trust,
    ),
    Rule(
        "upgrade-clear-text",
        Severity.WARNING,
        "Firmware is fetched in clear text",
        "Nobody proves to be the firmware server, so whoever stands between can serve an old or a "
        "foreign image. Only over HTTPS is the name of the server checked.",
        "chapter, Enable Hostname Verification for SIP over TLS (image upgrade over HTTPS)",
        "fetch firmware over https://",
        _upgrades,
    ),
    Rule(
        "report-clear-text",
        Severity.WARNING,
        "Reports are sent in clear text",
        "A report holds every parameter of the phone that is not a secret, a problem report its "
        "logs; who listens learns the whole installation.",
        "phone-facts 1.4, Upload Configuration Options; phone-facts 7, PRT upload",
        "send reports to an https:// server",
        _reports,
    ),
    Rule(
        "profile-server-from-dhcp",
        Severity.WARNING,
        "DHCP decides where the profile comes from",
        "A profile rule without a server takes the server that DHCP names, over TFTP: whoever "
        "answers DHCP in the phone's network configures the phone.",
        "phone-facts 2.5 and 3.2; chapter, Table 1",
        "name the server, https://server/path",
        _server_from_dhcp,
    ),
    Rule(
        "secret-in-url",
        Severity.WARNING,
        "A URL carries credentials",
        "URLs are not kept secret: the page and the server's log show them, and every proxy on "
        "the way may keep them. Reports leave such a parameter out.",
        "phone-facts 2.3; judgement",
        "let the device certificate identify the phone, or use [--uid … --pwd $SA] in the rule",
        _url_credentials,
    ),
    Rule(
        "secret-in-rule",
        Severity.WARNING,
        "A rule shows its key or password",
        "The page shows rules and GPP A to P as they are, and reports leave such a rule out; GPP "
        "SA to SD never appear anywhere, and are meant for these options.",
        "phone-facts 2.3 and 2.6",
        "put the secret into GPP_SA, and write $SA in the rule",
        _rule_secrets,
    ),
    Rule(
        "domains-empty",
        Severity.WARNING,
        "The phone may use any server",
        "Without Restricted Access Domains the phone registers at, provisions from, upgrades from "
        "and reports to whatever server a profile, DHCP or a user names.",
        "chapter, Configure Restricted Access Domains",
        "list the provider's domains in Restricted_Access_Domains, separated by commas",
        _no_domains,
    ),
    Rule(
        "domains-too-broad",
        Severity.WARNING,
        "An entry of Restricted Access Domains allows a whole top-level domain",
        "An entry allows itself and every name below it, so one label alone allows whatever "
        "anybody registers there.",
        "phone-facts 4, Match",
        "list the provider's own domains",
        _broad_domains,
    ),
    Rule(
        "query-credentials",
        Severity.WARNING,
        "Remote commands take a password from the URL",
        "The query of a URL stands in histories and logs, and over HTTP in clear text.",
        "phone-facts 2.10",
        "leave it off, and log in to the page",
        _query_credentials,
    ),
    Rule(
        "upgrade-rule-options",
        Severity.WARNING,
        "An upgrade rule has options",
        "Upgrade rules take no options; a password or a key that stands there protects nothing.",
        "phone-facts 2.5",
        "delete the [--…] part",
        _upgrade_options,
    ),
    Rule(
        "provisioning-once",
        Severity.INFO,
        "The phone does not come back for a newer profile",
        "A weakness that is found later cannot be put right from the provider's side until "
        "somebody reboots or visits the phone.",
        "phone-facts 1.4; judgement",
        "let the phone resync",
        _never_again,
    ),
    Rule(
        "profile-rule-on-screen",
        Severity.INFO,
        "Users can change the profile rule on the phone screen",
        "Whoever stands before the phone can point it to another provisioning server; only "
        "Restricted Access Domains still bind it.",
        "phone-facts 1.4, User_Configurable_Resync; judgement",
        "switch the menu off",
        _rule_on_screen,
    ),
)
