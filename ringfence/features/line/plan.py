"""Where each extension registers, and how it answers.

Source: phone-facts 1.3, 1.6, 5.1–5.3; rulings 12, 16, 17.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.values import IpMode, PrivacyHeader, SecureCallOption, SipTransport
from ringfence.config.codecs import Secret
from ringfence.config.settings import LINES, Settings
from ringfence.errors import Finding, PolicyError, RemoteProtocolError, Severity
from ringfence.features.line.findings import SECURED, weaknesses
from ringfence.features.line.home import Home, MediaSec
from ringfence.features.line.targets import StarCodes
from ringfence.features.line.terms import DTMF, terms
from ringfence.features.line.ways import Way, proxy_name, ways
from ringfence.policy.applications import SIP, NameCheck
from ringfence.policy.emergency import emergency_numbers
from ringfence.policy.macros import expand, phone_values, setting_values
from ringfence.policy.network import own_address, resolvers
from ringfence.policy.tls import policy_for
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.sip.account import Account, Retry
from ringfence.protocols.sip.grammar import escape_user, is_token, parse_uri
from ringfence.protocols.sip.identity import announcement
from ringfence.protocols.sip.negotiation import Terms
from ringfence.protocols.sip.transaction import Timers
from ringfence.runtime.reach import unconnected, unreached
from ringfence.runtime.state import Facts, Planned

LISTENS = {
    IpMode.DUAL: ("0.0.0.0", "::"),  # noqa: S104 - the firewall decides who reaches the port
    IpMode.IPV4: ("0.0.0.0",),  # noqa: S104
    IpMode.IPV6: ("::",),
}
BLOCKED = "Blocked by restricted domains"
CREDENTIALS = "credentials"
"""What is wrong where a registrar does not believe who we are, or nobody said who that is."""
REALM = "ringfence"
"""Realm of our challenge on a line that has neither Reversed Auth Realm nor a proxy."""


class LinePlan(Struct, frozen=True):
    """One extension."""

    n: int
    transport: str
    """As configured, for people."""
    port: int | None
    """Local UDP port that is served; None where the transport is TCP or TLS."""
    listens: tuple[str, ...]
    """Wildcard addresses on which it is."""
    user: str
    """User part of the Request-URI that means this line; empty for none."""
    auth_user: str
    password: Secret
    realm: str
    """Of our own challenge."""
    auth_invite: bool
    sha256: bool
    """Our challenge offers SHA-256 before MD5."""
    auth_notify: bool
    """A NOTIFY that asks for something is challenged."""
    resyncs: bool
    """A NOTIFY may ask for a resync."""
    reliable: bool
    """Provisional responses are acknowledged (RFC 3262)."""
    answers_unregistered: bool
    """Calls come in while the registrar does not hold our contact, too."""
    calls_unregistered: bool
    """Calls go out then, too, over UDP."""
    proxies_only: bool
    """SIP over UDP outside a dialog is heard only from the line's proxies."""
    server: str
    """Header Server of answers to the line's own proxy."""
    home: Home | None
    """None where the line does not register, and has no calls without that."""
    registers: bool
    """Otherwise it only knows its proxies."""
    rtp_ports: tuple[int, int]
    """Local ports of audio, inclusive."""
    rtcp_interval: int
    """Seconds between reports on it; 0 for none."""
    terms: Terms
    """Of the audio of calls over UDP and TCP; address and port are those of each call."""
    tls_terms: Terms
    """The same over TLS."""
    callers: tuple[str, ...]
    """Fields that name who calls, in order: PAID, RPID, FROM."""
    redirections: int
    """Most redirections that one call follows."""
    refers_to_contact: bool
    """Who is consulted is named by its Contact to whom is transferred to it."""
    transfers_blindly: bool
    """A consultation ends before the other side is transferred to who was consulted."""
    tells_ringing: bool
    """Who wanted us to call somebody hears that it rings there, too."""
    codes: StarCodes
    emergency: frozenset[str]
    """Numbers whose calls say where the phone is."""
    dtmf: Dtmf
    """How key presses are sent."""
    keep_alive: int
    """Seconds between packets that keep a NAT open; 0 for none."""
    refused: str = ""
    """Why it does not although it was asked to."""
    rule: str = ""
    """What of ours forbids it, as `PolicyError` names it."""
    alternate: bool = False
    """The half of a dual registration that is at the alternate proxy."""

    @property
    def name(self) -> str:
        """What no other line has."""
        return f"line {self.n} alternate" if self.alternate else f"line {self.n}"

    @property
    def used(self) -> bool:
        """Whether somebody set the line up; every other one is as it came."""
        return bool(self.user or self.home or self.refused)


def plan(settings: Settings, facts: Facts) -> Planned[LinePlan]:
    """Return a plan for every enabled extension that serves a UDP port or has a proxy."""
    made = _Lines(settings, facts)
    plans = {}
    for n in range(1, LINES + 1):
        ext = settings.ext[n - 1]
        udp = ext.sip_transport in (SipTransport.UDP, SipTransport.AUTO)
        if ext.line_enable and (udp or ext.proxy.strip()):
            plans[str(n)] = made.line(n, ext.sip_port if udp else None)
    return Planned(plans, (*made.findings, *_hidden(plans.values())))


class _Lines:
    """What all lines of one snapshot share, and the findings on the way."""

    def __init__(self, settings: Settings, facts: Facts) -> None:
        self.findings: list[Finding] = []
        self._settings = settings
        self._facts = facts
        self._address = own_address(settings, facts.lease, tunnel=facts.tunnel)
        self._reaches = not unreached(settings, facts)
        unit = facts.identity
        self._macros = {
            **phone_values(unit.mac, unit.product, unit.serial, unit.firmware),
            **setting_values(settings),
        }
        codes, sip = settings.regional, settings.sip
        self._codes = StarCodes(
            codes.secure_all_call_act_code,
            codes.secure_no_call_act_code,
            codes.secure_one_call_act_code,
            codes.secure_one_call_deact_code,
        )
        first, last = sip.sip_tcp_port_min, sip.sip_tcp_port_max
        self._source_ports = (first, last) if first <= last else None
        if self._source_ports is None:
            self._find(
                "line-tcp-ports",
                "SIP_TCP_Port_Min",
                "SIP TCP Port Min is above SIP TCP Port Max: any local port is used",
                "write the lower port into SIP TCP Port Min",
            )

    def line(self, n: int, port: int | None) -> LinePlan:
        """Return the plan of one extension."""
        ext, sip = self._settings.ext[n - 1], self._settings.sip
        (home, refused, rule), proxy = self._home(n), proxy_name(ext)
        in_clear, over_tls = terms(self._settings, n, self._facts.sound.codecs)
        self.findings += weaknesses(self._settings, n, home)
        return LinePlan(
            n=n,
            transport=ext.sip_transport.value,
            port=port,
            listens=LISTENS[self._settings.system.ip_mode],
            user=ext.user_id,
            auth_user=ext.auth_id or ext.user_id,
            password=ext.password,
            realm=ext.reversed_auth_realm or proxy or REALM,
            auth_invite=ext.auth_invite,
            sha256=sip.auth_support_rfc8760,
            auth_notify=ext.auth_resync_reboot,
            resyncs=self._settings.provisioning.resync_from_sip,
            reliable=ext.sip_100rel_enable,
            answers_unregistered=ext.ans_call_without_reg,
            calls_unregistered=ext.make_call_without_reg,
            proxies_only=self._settings.system.block_nonproxy_sip,
            server=expand(sip.sip_server_name, self._macros),
            home=home,
            registers=ext.register,
            rtp_ports=(sip.rtp_port_min, sip.rtp_port_max),
            rtcp_interval=sip.rtcp_tx_interval,
            terms=in_clear,
            tls_terms=over_tls,
            refers_to_contact=ext.refer_to_target_contact,
            transfers_blindly=ext.blind_attn_xfer_enable,
            tells_ringing=ext.ntfy_refer_on_1xx_to_inv,
            callers=tuple(sip.caller_id_header.value.split("-")),
            redirections=sip.max_redirection,
            codes=self._codes,
            emergency=emergency_numbers(ext.emergency_number),
            dtmf=DTMF[ext.dtmf_tx_method],
            keep_alive=sip.nat_keep_alive_intvl,
            refused=refused,
            rule=rule,
        )

    def _home(self, n: int) -> tuple[Home | None, str, str]:
        """Return where extension n registers, else why not, and which rule forbids it."""
        ext = self._settings.ext[n - 1]
        if not ext.proxy.strip():
            return None, "", ""
        own = self._own_uri(n, ext.sip_uri.strip())
        try:
            make = partial(self._account, n, own)
            found = ways(self._settings, n, make, alone6=not self._address and self._reaches)
        except ValueError as error:
            return None, f"not a server: {error}", ""
        except PolicyError as error:
            return None, f"{BLOCKED}: {error.reason}", error.rule
        if not (ext.register or ext.make_call_without_reg or ext.ans_call_without_reg):
            return None, "", ""
        if not ext.user_id:
            self._no_user(n)
            return None, "User ID is empty", CREDENTIALS
        if awaited := unconnected(self._settings, self._facts):
            return None, awaited, ""
        return self._reached(n, found), "", ""

    def _reached(self, n: int, found: tuple[Way, ...]) -> Home:
        """Return the home with what the connection depends on."""
        settings, facts = self._settings, self._facts
        ext, tls = settings.ext[n - 1], None
        if ext.sip_transport in SECURED:
            names = NameCheck.STANDARD if ext.tls_name_validate else NameCheck.SKIPPED
            tls = policy_for(SIP, settings, facts, names=names)
        return Home(
            transport=ext.sip_transport.value,
            ways=found,
            address=self._address,
            tls=tls,
            domains=settings.system.restricted_access_domains,
            exact_domains=settings.system.restricted_domains_exact_only,
            resolvers=resolvers(settings, facts.lease, facts.lease6, facts.tunnel),
            source_ports=None if ext.sip_transport is SipTransport.UDP else self._source_ports,
            returns_after=ext.proxy_fallback_intvl,
            returns_at_register=ext.auto_register_when_failover,
            mediasec=self._mediasec(n),
            both=ext.dual_registration and len(found) > 1,
        )

    def _mediasec(self, n: int) -> MediaSec:
        ext = self._settings.ext[n - 1]
        tags = ext.sip_proxy_require.replace(",", " ").split()
        good = tuple(tag for tag in tags if is_token(tag.encode()))
        if len(good) < len(tags):
            tag = f"SIP_Proxy-Require_{n}_"
            remedy = "write option tags as RFC 3261 has them, separated by commas"
            self._find("line-bad-option", tag, "an option tag is malformed: it is left out", remedy)
        if ext.mediasec_request and not ext.mediasec_over_tls_only:
            self._keys_in_clear(n)
        required = ext.secure_call_option is SecureCallOption.REQUIRED
        return MediaSec(ext.mediasec_request, ext.mediasec_over_tls_only, required, good)

    def _account(self, n: int, uri: str, registrar: str, host: str, route: str) -> Account:
        ext, sip = self._settings.ext[n - 1], self._settings.sip
        own = f"sip:{escape_user(ext.user_id)}@{host}"
        private = ext.privacy_header
        agent = sip.sip_reg_user_agent_name or sip.sip_user_agent_name
        return Account(
            user=ext.user_id,
            registrar=registrar,
            address_of_record=uri or own,
            display_name=ext.display_name,
            route=route,
            user_agent=expand(agent, self._macros),
            max_forwards=sip.max_forward,
            expires=max(ext.register_expires or 3600, sip.reg_min_expires),
            min_expires=sip.reg_min_expires,
            max_expires=sip.reg_max_expires,
            max_auth=sip.max_auth,
            reliable=ext.sip_100rel_enable,
            straight=self._straight(n),
            announces=announcement(
                uri or own,
                ext.display_name,
                privacy="" if private is PrivacyHeader.DISABLED else private.value,
                remote_party=ext.sip_remote_party_id,
                early_media=ext.p_early_media_support,
            ),
            judges_early_media=ext.p_early_media_support,
            sticky_183=ext.sticky_183,
            timers=Timers(
                t1=sip.sip_t1,
                t2=sip.sip_t2,
                f=sip.sip_timer_f,
                b=sip.sip_timer_b,
                h=sip.sip_timer_h,
                d=sip.sip_timer_d,
                j=sip.sip_timer_j,
                t4=sip.sip_t4,
            ),
            retry=Retry(
                short=sip.reg_retry_intvl,
                long=sip.reg_retry_long_intvl,
                short_random=sip.reg_retry_random_delay,
                long_random=sip.reg_retry_long_random_delay,
                cap=sip.reg_retry_intvl_cap,
                codes=tuple(sip.retry_reg_rsc.replace(",", " ").split()),
                backup=tuple(sip.try_backup_rsc.replace(",", " ").split()),
            ),
        )

    def _straight(self, n: int) -> bool:
        """Return whether requests inside a dialog leave the path to the proxy."""
        bound = self._settings.system.restricted_access_domains.strip()
        return not (self._settings.ext[n - 1].use_ob_proxy_in_dialog or bound)

    def _own_uri(self, n: int, text: str) -> str:
        if not text:
            return ""
        text = text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}"
        try:
            parse_uri(text.encode())
        except RemoteProtocolError as error:
            tag = f"SIP_URI_{n}_"
            self._find("line-bad-uri", tag, f"{error}: it is passed over", "write sip:user@domain")
            return ""
        return text

    def _keys_in_clear(self, n: int) -> None:
        transport = self._settings.ext[n - 1].sip_transport
        auto = transport is SipTransport.AUTO
        if transport is not SipTransport.TLS:
            self._find(
                "mediasec-keys-in-clear",
                f"MediaSec_Request_{n}_",
                "keys of calls travel for all to read over "
                + ("whatever transport DNS names" if auto else transport.value),
                "set SIP Transport to TLS, and MediaSec Over TLS Only to Yes",
            )

    def _no_user(self, n: int) -> None:
        tag = f"User_ID_{n}_"
        self._find("line-without-user", tag, "the line has a proxy but no user", f"set {tag}")

    def _find(
        self,
        rule: str,
        tag: str,
        message: str,
        remedy: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        self.findings.append(Finding(severity, rule, tag, message, remedy))


def parts(key: str, plan: LinePlan | None) -> Mapping[str, LinePlan | None]:
    """Return the lines that a plan makes: two where it registers at both proxies."""
    other = f"{key} alternate"
    if plan is None or plan.home is None or not plan.home.both:
        return {key: plan, other: None}
    first, *rest = plan.home.ways
    one, two = (replace(plan.home, ways=ways) for ways in ((first,), tuple(rest)))
    return {key: replace(plan, home=one), other: replace(plan, home=two, alternate=True)}


def _hidden(plans: Iterable[LinePlan]) -> Iterator[Finding]:
    """Yield a finding for each line that another one with its port and user hides (rulings 17)."""
    seen: dict[tuple[int, str], int] = {}
    for line in plans:
        if line.port is None or not line.user:
            continue
        first = seen.setdefault((line.port, line.user), line.n)
        if first != line.n:
            yield Finding(
                Severity.WARNING,
                "line-hidden",
                f"User_ID_{line.n}_",
                f"Ext {first} has the same user and the same SIP port, and gets every request",
                "give the line another SIP port",
            )
