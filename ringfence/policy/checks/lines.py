"""Rules on extensions: signalling, who may call, and media."""

from collections.abc import Iterator

from ringfence.config.catalog.ext import Ext
from ringfence.config.catalog.values import SecureCallOption, SipTransport
from ringfence.config.codecs import Switch
from ringfence.errors import Severity
from ringfence.policy.checks.rule import CLEAR_TRANSPORTS, Case, Hit, Rule, spelled, tag_of

UNASKED = frozenset({SipTransport.UDP, SipTransport.AUTO})
"""Transports whose port is open to everyone. Source: chapter, Table 3."""


def _ext(field: str, n: int, message: str = "", write: str | None = None) -> Hit:
    return Hit(tag_of("ext", field, n), message, write, n)


def _clear_signalling(case: Case) -> Iterator[Hit]:
    for n, ext in case.lines():
        if ext.sip_transport is SipTransport.AUTO:
            message = "Auto takes what DNS says, which can be clear text"
            yield _ext("sip_transport", n, message, "TLS")
        elif ext.sip_transport in CLEAR_TRANSPORTS:
            message = f"signalling goes over {ext.sip_transport.value} in clear text"
            yield _ext("sip_transport", n, message, "TLS")


def _unchallenged(case: Case) -> Iterator[Hit]:
    used = {n for n, _ in case.lines()}
    for n, ext in enumerate(case.settings.ext, start=1):
        named = n in used or (ext.line_enable and case.given(tag_of("ext", "auth_invite", n)))
        if named and ext.sip_transport in UNASKED and not ext.auth_invite:
            yield _ext("auth_invite", n, write="Yes")


def _any_source(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    spoken = {ext.sip_transport for _, ext in case.lines()}
    if UNASKED & spoken and not system.block_nonproxy_sip:
        yield Hit(tag_of("system", "block_nonproxy_sip"), write="Yes")


def _unchallenged_notify(case: Case) -> Iterator[Hit]:
    for n, ext in case.lines():
        if not ext.auth_resync_reboot:
            yield _ext("auth_resync_reboot", n, write="Yes")


def _no_password(case: Case) -> Iterator[Hit]:
    for n, ext in case.lines():
        registers = ext.register and ext.proxy.strip()
        if registers and not ext.password and ext.sip_transport is not SipTransport.TLS:
            yield _ext("password", n)


def _name_check_elsewhere(case: Case) -> Iterator[Hit]:
    field = "tls_name_validate"
    for n, ext in enumerate(case.settings.ext, start=1):
        said = ext.line_enable and case.given(tag_of("ext", field, n))
        if said and ext.sip_transport in CLEAR_TRANSPORTS:
            message = f"has no effect: the line speaks {ext.sip_transport.value}, not TLS"
            yield _ext(field, n, message)


def _media_never(case: Case) -> Iterator[Hit]:
    for n, ext in case.lines():
        if ext.mediasec_over_tls_only and ext.sip_transport in CLEAR_TRANSPORTS:
            message = (
                f"the line speaks {ext.sip_transport.value}, so media security is never negotiated"
            )
            yield _ext("mediasec_over_tls_only", n, message)


def _secure_calls(case: Case) -> Iterator[Hit]:
    others = []
    for n, ext in case.lines():
        if ext.sip_transport not in CLEAR_TRANSPORTS:
            continue
        spoken = ext.sip_transport.value
        if ext.secure_call_option is SecureCallOption.REQUIRED:
            message = f"calls must be secure, but their keys cross the network over {spoken}"
            yield _ext("secure_call_option", n, message)
        elif ext.secure_call_option is SecureCallOption.STRICT:
            yield _ext(
                "secure_call_option", n, f"over {spoken}, Strict means RTP: no call is secure"
            )
        else:
            others.append(n)
    if others and case.settings.user.secure_call_setting:
        message = (
            f"secure calls are wanted, and their keys go in clear text on Ext {spelled(others)}"
        )
        yield Hit(tag_of("user", "secure_call_setting"), message)


def _secure_service(case: Case) -> Iterator[Hit]:
    if case.settings.phone.secure_call_serv:
        return
    for n, ext in case.lines():
        if ext.secure_call_option is SecureCallOption.REQUIRED:
            message = "Secure Call Serv is No, and Required rejects every call that is not secure"
            yield _ext("secure_call_option", n, message)


def _idle_ports(case: Case) -> Iterator[Hit]:
    """Yield a hit for UDP ports that only lines that nobody uses hold open."""
    if case.settings.system.firewall is Switch.DISABLED:
        return
    used = {ext.sip_port for _, ext in case.lines() if ext.sip_transport in UNASKED}
    idle: dict[int, list[int]] = {}
    for n, ext in enumerate(case.settings.ext, start=1):
        if ext.sip_port not in used and _idle(ext):
            idle.setdefault(ext.sip_port, []).append(n)
    for port, numbers in idle.items():
        message = f"UDP port {port} is open for Ext {spelled(numbers)} without proxy and user"
        yield Hit(tag_of("ext", "line_enable", numbers[0]), message, "No")


def _idle(ext: Ext) -> bool:
    return (
        ext.line_enable and ext.sip_transport in UNASKED and not (ext.proxy.strip() or ext.user_id)
    )


RULES = (
    Rule(
        "sip-clear-text",
        Severity.WARNING,
        "Signalling is not encrypted",
        "Who listens sees every call and can attack the line's password offline from one digest; "
        "who stands between can answer for the proxy.",
        "chapter, Transport Layer Security",
        "use TLS, and keep TLS Name Validate at Yes",
        _clear_signalling,
    ),
    Rule(
        "auth-invite-off",
        Severity.WARNING,
        "Anybody who reaches the UDP port can call the line",
        "Without the challenge of the first INVITE the phone rings for every scanner on the "
        "network, past the provider. Over TCP and TLS only the proxy's connection brings calls.",
        "chapter, Configure the Challenge for SIP INVITE Messages; phone-facts 5.1",
        "challenge INVITEs, where the provider's proxy can answer the challenge",
        _unchallenged,
    ),
    Rule(
        "sip-from-anyone",
        Severity.INFO,
        "Requests over UDP are taken from any address",
        "Auth INVITE asks callers for a password; other requests are answered to whoever sends "
        "them, unless only the line's proxies are listened to.",
        "phone-facts 1.2, Block_Nonproxy_SIP, and 5.1",
        "accept SIP from the proxies only",
        _any_source,
    ),
    Rule(
        "notify-unchallenged",
        Severity.WARNING,
        "Anybody may make the phone resync or reboot",
        "NOTIFY with resync, reboot, report, restart or an XML service is obeyed unasked, so one "
        "forged packet reboots the phone.",
        "phone-facts 1.6, Auth_Resync-Reboot_n_; phone-facts 2.10",
        "challenge such requests",
        _unchallenged_notify,
    ),
    Rule(
        "line-without-password",
        Severity.WARNING,
        "A line registers without a password",
        "Then the registrar knows the line by its user name alone, which everybody may send; only "
        "over TLS can it ask for the device certificate instead.",
        "phone-facts 1.6, Subscriber Information; judgement",
        "give the line a password of its own",
        _no_password,
    ),
    Rule(
        "tls-name-validate-without-tls",
        Severity.WARNING,
        "TLS Name Validate stands on a line without TLS",
        "The check works only where SIP Transport is TLS; here it protects nothing.",
        "chapter, Enable Hostname Verification for SIP over TLS; phone-facts 5.3",
        "set SIP Transport of the line to TLS, or delete the element",
        _name_check_elsewhere,
    ),
    Rule(
        "mediasec-never",
        Severity.WARNING,
        "Media security is limited to TLS on a line without TLS",
        "Before MediaSec Over TLS Only is set to Yes the transport must be TLS; otherwise nothing "
        "is ever negotiated.",
        "chapter, Table 7",
        "set SIP Transport of the line to TLS",
        _media_never,
    ),
    Rule(
        "secure-calls-in-clear",
        Severity.WARNING,
        "Secure calls on a line in clear text",
        "SRTP is no better than the signalling that carries its keys: SDES over UDP or TCP shows "
        "them to everyone on the way.",
        "phone-facts 5.4",
        "set SIP Transport of the line to TLS",
        _secure_calls,
    ),
    Rule(
        "secure-calls-impossible",
        Severity.WARNING,
        "A line demands secure calls that the phone does not offer",
        "With Secure Call Serv No there are no secure calls, and Required rejects all others.",
        "phone-facts 5.4",
        "set Secure Call Serv to Yes, or Secure Call Option to Optional",
        _secure_service,
    ),
    Rule(
        "idle-line-open",
        Severity.INFO,
        "A line that nobody uses holds a UDP port open",
        "The firewall opens the SIP port of every enabled line over UDP; all lines are enabled by "
        "default.",
        "chapter, Table 3",
        "switch off the lines that have neither proxy nor user",
        _idle_ports,
    ),
)
