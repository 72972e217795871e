"""Which servers a configuration names, and whether Restricted Access Domains let the phone go.

Source: chapter, Configure Restricted Access Domains; phone-facts 4, Covered; rulings 12.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.values import PhoneBackground
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.credentials import masked
from ringfence.policy.dictionaries import dictionaries
from ringfence.policy.domains import Verdict, judge
from ringfence.policy.macros import OF_CALLS, expand, unit_values
from ringfence.policy.proxies import read_proxies
from ringfence.policy.rules import Url, is_onboarding, parse_rule, parse_url
from ringfence.policy.sources import ProfileSource

PROFILES = ("profile_rule", "profile_rule_b", "profile_rule_c", "profile_rule_d")
RULES = (
    *PROFILES,
    "upgrade_rule",
    "cisco_headset_upgrade_rule",
    "report_rule",
    "custom_ca_rule",
)
"""Fields of the Provisioning tab that hold rules with URLs."""
PROXIES = ("proxy", "outbound_proxy", "alternate_proxy", "alternate_outbound_proxy")
"""Fields of Ext(n) that hold SIP servers."""
_BY_DHCP = "names no server: the one that DHCP names is used, and judged then"


class Server(Struct, frozen=True):
    """One server that a parameter names."""

    parameter: str
    url: str
    """The URL with macros expanded, or `sip:host:port`; as written where it cannot be read.
    Credentials are masked."""
    host: str
    allowed: bool
    reason: str


Judge = Callable[[str], Verdict]


def servers(settings: Settings, values: Mapping[str, str]) -> Iterator[Server]:
    """Yield every server that the settings name, in page order. `values` are the macros."""
    judged = _judge(settings)
    reports = ("prt_upload_rule",) if settings.system.restricted_domains_cover_reports else ()
    for field in (*RULES, *reports):
        tag = ROWS["provisioning"][field].tag
        yield from _of_rule(tag, getattr(settings.provisioning, field), judged, values)
    if url := settings.provisioning.activation_url:
        tag = ROWS["provisioning"]["activation_url"].tag
        yield from _of_rule(tag, _with_path(url), judged, values)
    for field, used in (
        ("acs_url", settings.tr069.enable_tr_069),
        ("backup_acs_url", settings.tr069.enable_tr_069 and settings.tr069.tr_069_fallback_support),
    ):
        if used:
            text = getattr(settings.tr069, field)
            yield from _of_rule(ROWS["tr069"][field].tag, _with_path(text), judged, values)
    yield from _services(settings, judged, values)
    yield from _downloads(settings, judged, values)
    for field in ("primary_request_url", "secondary_request_url"):
        text = getattr(settings.phone, field)
        yield from _of_rule(ROWS["phone"][field].tag, text, judged, values)
    for n, ext in enumerate(settings.ext, start=1):
        if ext.line_enable:
            for field in PROXIES:
                tag = ROWS["ext"][field].tag.replace("{n}", str(n))
                yield from _of_proxy(tag, getattr(ext, field), judged)


def _services(settings: Settings, judged: Judge, values: Mapping[str, str]) -> Iterator[Server]:
    """Yield the servers of services on the screen; who reads a URL says what is wrong with it."""
    rows, phone = ROWS["phone"], settings.phone
    of_calls = dict.fromkeys(OF_CALLS, "")
    for field in ("xml_directory_service_url", "xml_application_service_url"):
        if text := getattr(phone, field):
            found = _of_url(rows[field].tag, _with_path(text), judged, {**values, **of_calls})
            yield from (server for server in found if server.host)
    if phone.directory_enable:
        with contextlib.suppress(ValueError):
            url = xsi_url(phone.xsi_host_server)
            yield _named(rows["xsi_host_server"].tag, str(url), url.host, judged)
    host = phone.xmpp_server.strip() or phone.xmpp_user_id.partition("@")[2].strip()
    if phone.xmpp_enable and host:
        yield _named(rows["xmpp_server"].tag, f"xmpp:{host}:{phone.xmpp_port}", host, judged)


def _downloads(settings: Settings, judged: Judge, values: Mapping[str, str]) -> Iterator[Server]:
    """Yield the servers of pictures and words; who reads a URL says what is wrong with it."""
    user = settings.user
    texts = {
        ROWS["user"]["picture_download_url"].tag: user.picture_download_url
        if user.phone_background is PhoneBackground.PICTURE
        else "",
        ROWS["user"]["logo_url"].tag: user.logo_url
        if user.phone_background is PhoneBackground.LOGO
        else "",
        ROWS["phone"]["caller_picture_url"].tag: settings.phone.caller_picture_url,
    }
    with contextlib.suppress(ValueError):
        listed = dictionaries(settings.regional.dictionary_server_script)
        texts[ROWS["regional"]["dictionary_server_script"].tag] = listed.server
    for tag, text in texts.items():
        found = _of_url(tag, _with_path(text), judged, {**values, "REMOTENUMBER": ""})
        yield from (server for server in found if text and server.host)


def _named(tag: str, url: str, host: str, judged: Judge) -> Server:
    verdict = judged(host)
    return Server(tag, url, host, verdict.allowed, verdict.reason)


def xsi_url(text: str) -> Url:
    """Return where an XSI server is: by http unless https is written (phone-facts 7).

    Raises:
        ValueError: it names no such server.

    """
    written = text.strip()
    url = parse_url(f"{written}/" if "://" in written else f"http://{written}/")
    if url.scheme not in ("http", "https") or not url.host or "?" in url.path:
        raise ValueError(f"{masked(text)[:80]!r} is no server of http or https")
    return replace(url, path=url.path.rstrip("/"))


def _judge(settings: Settings) -> Judge:
    system = settings.system
    return partial(
        judge, system.restricted_access_domains, exact_only=system.restricted_domains_exact_only
    )


def _with_path(url: str) -> str:
    return url + "/" if url.count("/") == 2 else url


def _of_rule(tag: str, text: str, judged: Judge, values: Mapping[str, str]) -> Iterator[Server]:
    if is_onboarding(text):
        yield Server(tag, text, "", True, "the activation server says where")
        return
    try:
        rule = parse_rule(text)
    except ValueError as error:
        yield Server(tag, masked(text), "", False, f"not a rule: {error}")
        return
    for alternative in rule.alternatives:
        if alternative.url:
            yield from _of_url(tag, alternative.url, judged, values)


def _of_url(tag: str, text: str, judged: Judge, values: Mapping[str, str]) -> Iterator[Server]:
    try:
        url = parse_url(expand(text, values))
    except ValueError as error:
        yield Server(tag, masked(text), "", False, f"not a URL: {error}")
        return
    if url.host:
        verdict = judged(url.host)
        yield Server(tag, masked(str(url)), url.host, verdict.allowed, verdict.reason)
    else:
        yield Server(tag, text, "", True, _BY_DHCP)


def _of_proxy(tag: str, text: str, judged: Judge) -> Iterator[Server]:
    try:
        named = read_proxies(text)
    except ValueError as error:
        yield Server(tag, text, "", False, f"not a server: {error}")
        return
    for server in named:
        verdict = judged(server.host)
        url = f"sip:{server.host}:{server.port}" if server.port else f"sip:{server.host}"
        yield Server(tag, url, server.host, verdict.allowed, verdict.reason)


def findings(settings: Settings, values: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return a finding for every server that the phone will not talk to.

    A list that locks the phone out of its own provisioning stands out.
    """
    return tuple(_finding(server) for server in servers(settings, values) if not server.allowed)


def lock_outs(
    settings: Settings, values: Mapping[str, str], source: ProfileSource
) -> Iterator[Finding]:
    """Yield a finding for every profile rule whose server the list of domains forbids.

    `source` says which server DHCP names for rules that name none.
    """
    if not settings.system.restricted_access_domains.strip():
        return
    judged = _judge(settings)
    for field in PROFILES:
        tag = ROWS["provisioning"][field].tag
        for server in _of_rule(tag, getattr(settings.provisioning, field), judged, values):
            if server.host and not server.allowed:
                yield _finding(server)
            elif server.reason == _BY_DHCP:
                yield from _of_source(tag, source, judged, values)


def _of_source(
    tag: str, source: ProfileSource, judged: Judge, values: Mapping[str, str]
) -> Iterator[Finding]:
    text = source.text if source.kind == "rule" else f"{source.text}/"
    for server in _of_rule(tag, text, judged, unit_values(values)) if source.text else ():
        if server.host and not server.allowed:
            yield _finding(replace(server, url=f"{server.url}, by {source.named_by}"))


def _finding(server: Server) -> Finding:
    rule = "server-refused"
    remedy = "add the domain to Restricted_Access_Domains, or correct the server"
    if not server.host:
        rule, remedy = "server-unreadable", "write [scheme://]host[:port]/path, or host[:port]"
    elif server.parameter.startswith("Profile_Rule"):
        rule = "domains-lock-out"
        remedy += (
            "; as it is, the next resync fails, and a list that a resync brought is taken back"
        )
    message = f"{server.url}: {server.reason}"
    return Finding(Severity.ERROR, rule, server.parameter, message, remedy)
