"""When a phone asks the activation server, and which rule it takes from there. Pure.

Source: rulings 15; phone-facts 2.5, 3.2; RSY-12, PRV-15.
"""

from collections.abc import Iterable, Mapping

from ringfence.config.snapshot import Origin, Stored
from ringfence.errors import PolicyError
from ringfence.policy.domains import judge
from ringfence.policy.macros import expand
from ringfence.policy.rules import Rule, Url, is_onboarding, parse_rule, parse_url
from ringfence.policy.sources import ProfileSource
from ringfence.protocols.activation import PATH

RULE_VALUE = "profile_rule"
"""Value of a device or a group that the provider's server answers with."""
LONGEST = 2048
"""Characters of a rule."""


def asks(
    rules: Iterable[str], source: ProfileSource, stored: Mapping[str, Stored], tag: str
) -> bool:
    """Return whether only an activation server can say where this phone's profile is.

    `rules` are Profile Rule, B, C and D, and `tag` is the first one's. Either the first is
    `gds://`, or DHCP says so while none of them names a server. Or the phone is virgin: no profile
    and no ACS has ever set a value, DHCP names no source, and no rule names a server, but the one
    that an activation server gave and that has brought nothing yet. A rule that names a server and
    fails leaves nothing to an activation server: else whoever keeps the phone from its provider
    could have it ask there.
    """
    first, *others = rules
    provisioned = any(one.origin in (Origin.PROFILE, Origin.ACS) for one in stored.values())
    if (held := stored.get(tag)) and held.origin is Origin.ACTIVATION:
        if provisioned:
            return False
        first = ""
    if is_onboarding(first):
        return True
    if any(names_server(rule) for rule in (first, *others)):
        return False
    if source.kind == "rule" and is_onboarding(source.text):
        return True
    return source.kind == "none" and not provisioned


def names_server(rule: str) -> bool:
    """Return whether some URL of a rule says where it leads; what cannot be read may."""
    try:
        urls = _urls(parse_rule(rule))
    except ValueError:
        return True
    return any("://" in url or not url.startswith("/") for url in urls)


def server(text: str) -> Url:
    """Return where an activation server is asked, by the text of its parameter.

    Raises:
        ValueError: it is no https URL.

    """
    url = parse_url(text + PATH if text.count("/") == 2 else text)
    if url.scheme != "https":
        raise ValueError("the activation server is asked by https alone")
    return url


def check_rule(text: str) -> Rule:
    """Return a rule that an activation server may give, as both sides read it.

    Raises:
        ValueError: it is too long, assigns, has options, or leads elsewhere than by https to a
            server that it names.

    """
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"it has more than {LONGEST} characters, or unprintable ones")
    rule = parse_rule(text)
    for alternative in rule.alternatives:
        if alternative.assignments or alternative.options:
            raise ValueError("a rule of an activation server neither assigns nor has options")
    urls = _urls(rule)
    if not urls:
        raise ValueError("it names no URL")
    for url in urls:
        if not url.lower().startswith("https://") or parse_url(url).scheme != "https":
            raise ValueError(f"{url[:80]!r} is no https URL")
    return rule


def accept(text: str, values: Mapping[str, str], listed: str, *, exact_only: bool) -> None:
    """Take a rule that an activation server gave; `values` are the macros, `listed` the domains.

    Raises:
        ValueError: it is no rule that such a server may give.
        PolicyError: it leads where Restricted Access Domains do not let the phone go.

    """
    for url in _urls(check_rule(text)):
        verdict = judge(listed, parse_url(expand(url, values)).host, exact_only=exact_only)
        if not verdict.allowed:
            raise PolicyError("domain-not-allowed", verdict.reason)


def _urls(rule: Rule) -> list[str]:
    return [alternative.url for alternative in rule.alternatives if alternative.url]
