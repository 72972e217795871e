"""Rules on who may change the phone: page, screen, passwords."""

from collections.abc import Iterator

from ringfence.config.catalog.values import MenuAuthentication
from ringfence.config.codecs import Secret
from ringfence.config.parameter import Access, Level
from ringfence.config.settings import slots, value
from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule, tag_of

_TRIED = (
    "0000 00000000 1111 1234 12345 123456 1234567 12345678 123456789 1234567890 admin administrator"
    " changeme cisco default letmein pass password password1 phone provision qwerty root secret"
    " sip test user voip welcome"
)
GUESSED_FIRST = frozenset(_TRIED.split())
"""What scanners try before anything else; in small letters."""
SHORTEST = 8
"""Least characters of a line's password: those of an administrator's (phone-facts 1.2)."""

GUARDED = {
    "system": (
        "restricted_access_domains",
        "restricted_domains_exact_only",
        "enable_web_server",
        "enable_protocol",
        "enable_web_admin_access",
        "admin_password",
        "block_nonproxy_sip",
        "syslog_server",
        "firewall",
        "firewall_options",
        "tls_cipher_list",
        "tls_client_min_version",
        "tls_server_min_version",
    ),
    "provisioning": (
        "provision_enable",
        "profile_rule",
        "profile_rule_b",
        "profile_rule_c",
        "profile_rule_d",
        "dhcp_option_to_use",
        "upgrade_rule",
        "report_rule",
        "custom_ca_rule",
    ),
    "ext": (
        "sip_transport",
        "proxy",
        "outbound_proxy",
        "auth_invite",
        "auth_resync_reboot",
        "mediasec_over_tls_only",
        "secure_call_option",
        "tls_name_validate",
    ),
    "tr069": ("enable_tr_069", "acs_url"),
}
"""`{tab: fields}` that protect the phone, and that the user does not set by default."""


def _user_may_change(case: Case) -> Iterator[Hit]:
    on_screen = case.settings.system.phone_ui_user_mode
    for tag, slot in slots().items():
        if slot.name not in GUARDED.get(slot.tab, ()):
            continue
        if case.snapshot.access(tag) is not Access.WRITE:
            continue
        message = 'ua="rw" lets the user change it'
        if not on_screen and slot.row.level is not Level.USER:
            message += " as soon as Phone-UI-User-Mode is Yes"
        yield Hit(tag, message, n=slot.n)


def _admin_pages_off(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.enable_web_server and not system.enable_web_admin_access:
        yield Hit(tag_of("system", "enable_web_admin_access"), write="Yes")


def _guessable(case: Case) -> Iterator[Hit]:
    """Yield a hit for each weak secret that the reader does not doubt already."""
    for tag, slot in slots().items():
        if not isinstance(slot.row.default, Secret):
            continue
        text = value(case.settings, slot).reveal()
        if text and not slot.row.codec.doubt(text) and (why := _why_weak(case, tag, text)):
            yield Hit(tag, why)


def _why_weak(case: Case, tag: str, text: str) -> str:
    slot = slots()[tag]
    if text.lower() in GUESSED_FIRST:
        return "is one of the passwords that are tried first"
    if slot.n:
        ext = case.settings.ext[slot.n - 1]
        if text in (ext.user_id, ext.auth_id):
            return "is the same as the name of the line"
        if tag == tag_of("ext", "password", slot.n):
            if len(text) < SHORTEST:
                return f"is shorter than {SHORTEST} characters"
            if text.isdigit():
                return "has digits only"
    return ""


def _shared(case: Case) -> Iterator[Hit]:
    """Yield a hit for each password that opens something else, too."""
    system = case.settings.system
    first: dict[str, tuple[str, str]] = {}
    owned = [
        (tag_of("system", "admin_password"), "", system.admin_password),
        (tag_of("system", "user_password"), "", system.user_password),
        *(
            (tag_of("ext", "password", n), ext.auth_id or ext.user_id, ext.password)
            for n, ext in case.lines()
        ),
    ]
    for tag, user, secret in owned:
        if not secret:
            continue
        other, other_user = first.setdefault(secret.reveal(), (tag, user))
        if other != tag and (not user or user != other_user):
            yield Hit(tag, f"is the same as {other}")


def _open_screen(case: Case) -> Iterator[Hit]:
    field = "require_authentication_for_lcd_menu_access"
    if getattr(case.settings.phone, field) is MenuAuthentication.NO:
        yield Hit(tag_of("phone", field), write="Default")


RULES = (
    Rule(
        "user-may-change",
        Severity.WARNING,
        "The user may change what protects the phone",
        "ua decides what the user may do with a parameter; rw hands a security setting to whoever "
        "has the phone or its user password.",
        "phone-facts 2.2; judgement",
        'write ua="na"',
        _user_may_change,
    ),
    Rule(
        "page-admin-locked",
        Severity.WARNING,
        "The administrator's pages are off",
        "Only the user's pages are left, and only a factory reset at the phone brings the others "
        "back.",
        "phone-facts 1.2, Enable_Web_Admin_Access",
        "leave them on with a strong Admin Password over Https, or switch the web server off",
        _admin_pages_off,
    ),
    Rule(
        "password-guessable",
        Severity.WARNING,
        "A password is easy to guess",
        "Scanners try the user's own number and a few dozen words first, and a short password "
        "falls to an offline attack on one recorded digest.",
        "phone-facts 1.2, Admin Password; for other passwords, judgement",
        "use a random password of 12 characters or more",
        _guessable,
    ),
    Rule(
        "password-shared",
        Severity.WARNING,
        "One password opens two things",
        "Whoever learns the weaker of the two has the other as well: the user's password is typed "
        "on the screen, a line's is known to its registrar.",
        "judgement",
        "give each account a password of its own",
        _shared,
    ),
    Rule(
        "screen-open",
        Severity.WARNING,
        "The phone screen asks nobody for a password",
        "Network settings, the profile rule and the factory reset are open to whoever stands "
        "before the phone.",
        "phone-facts 1.5, Require_Authentication_for_LCD_Menu_Access; judgement",
        "ask for authentication",
        _open_screen,
    ),
)
