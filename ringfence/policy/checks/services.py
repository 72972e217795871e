"""Rules on directories, XML, XSI, WebSocket, location and TR-069."""

import contextlib
from collections.abc import Iterator

from ringfence.config.catalog.values import ExecuteAuth, LdapAuthMethod
from ringfence.config.settings import ROWS
from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule, tag_of
from ringfence.policy.dictionaries import dictionaries


def _phone(field: str, message: str = "", write: str | None = None) -> Hit:
    return Hit(tag_of("phone", field), message, write)


def _secure(url: str) -> bool:
    return url.lower().startswith("ldaps://")


def _starttls_ignored(case: Case) -> Iterator[Hit]:
    own = case.settings.phone
    if own.ldap_starttls_enable and _secure(own.ldap_server):
        yield _phone("ldap_starttls_enable", write="No")


def _ldap_in_clear(case: Case) -> Iterator[Hit]:
    own = case.settings.phone
    if not (own.ldap_dir_enable and own.ldap_server) or _secure(own.ldap_server):
        return
    if own.ldap_starttls_enable:
        return
    if own.ldap_auth_method is LdapAuthMethod.SIMPLE:
        message = "a simple bind sends the directory's password in clear text"
    elif own.ldap_auth_method is LdapAuthMethod.DIGEST_MD5:
        message = "the answers of the directory, and a digest of its password, are sent in clear"
    else:
        message = "the answers of the directory are sent in clear text"
    yield _phone("ldap_server", message)


def _starttls_stripped(case: Case) -> Iterator[Hit]:
    own = case.settings.phone
    asked = own.ldap_dir_enable and own.ldap_starttls_enable and own.ldap_server
    if asked and not _secure(own.ldap_server) and own.ldap_starttls_fallback:
        yield _phone("ldap_starttls_fallback", write="No")


def _xml_trusted(case: Case) -> Iterator[Hit]:
    own = case.settings.phone
    if own.cisco_xml_exe_enable and own.cisco_xml_exe_auth_mode is ExecuteAuth.TRUSTED:
        yield _phone("cisco_xml_exe_auth_mode", write="Local Credential")


def _services_in_clear(case: Case) -> Iterator[Hit]:
    own = case.settings.phone
    if own.xsi_host_server and not own.xsi_host_server.lower().startswith("https://"):
        message = "XSI takes HTTP unless https:// is written, and sends the user's password there"
        yield _phone("xsi_host_server", message)
    if own.control_server_url.lower().startswith("ws://"):
        yield _phone("control_server_url", "who stands between can command the phone")
    urls = ("xml_directory_service_url", "xml_application_service_url")
    located = ("primary_request_url", "secondary_request_url")
    for field in (*urls, *located):
        if getattr(own, field).lower().startswith("http://"):
            message = (
                "whoever stands between can change what the screen shows"
                if field in urls
                else "whoever stands between learns or forges the place of an emergency call"
            )
            yield _phone(field, message)


def _downloads_in_clear(case: Case) -> Iterator[Hit]:
    """Yield a hit for whatever is shown and comes over a wire that anybody may change."""
    own, message = case.settings, "whoever stands between can change what the screen shows"
    named = {
        ("user", "picture_download_url"): own.user.picture_download_url,
        ("user", "logo_url"): own.user.logo_url,
        ("phone", "caller_picture_url"): own.phone.caller_picture_url,
    }
    with contextlib.suppress(ValueError):
        listed = dictionaries(own.regional.dictionary_server_script)
        named["regional", "dictionary_server_script"] = listed.server
    for (tab, field), text in named.items():
        if text.lower().startswith(("http://", "tftp://")):
            yield Hit(tag_of(tab, field), message)


def _any_command(case: Case) -> Iterator[Hit]:
    own = case.settings.phone
    if own.control_server_url and own.allowed_apis == ROWS["phone"]["allowed_apis"].default:
        yield _phone("allowed_apis")


def _acs_in_clear(case: Case) -> Iterator[Hit]:
    own = case.settings.tr069
    if not own.enable_tr_069:
        return
    backup = ("backup_acs_url",) if own.tr_069_fallback_support else ()
    for field in ("acs_url", *backup):
        if getattr(own, field).lower().startswith("http://"):
            yield Hit(tag_of("tr069", field), "the ACS is reached over HTTP")


def _acs_from_dhcp(case: Case) -> Iterator[Hit]:
    own = case.settings.tr069
    if own.enable_tr_069 and not own.acs_url:
        yield Hit(tag_of("tr069", "acs_url"))


def _acs_unasked(case: Case) -> Iterator[Hit]:
    own = case.settings.tr069
    if own.enable_tr_069 and not own.connection_request_password:
        yield Hit(tag_of("tr069", "connection_request_password"))


RULES = (
    Rule(
        "ldap-starttls-ignored",
        Severity.WARNING,
        "StartTLS is ignored with ldaps://",
        "ldaps:// speaks TLS from its first byte, so there is nothing to start.",
        "chapter, Configure StartTLS; phone-facts 1.5, LDAP_StartTLS_Enable",
        "keep ldaps://, and switch StartTLS off",
        _starttls_ignored,
    ),
    Rule(
        "ldap-clear-text",
        Severity.WARNING,
        "The directory is asked in clear text",
        "LDAP has no protection of its own: who listens reads names, numbers and the password of "
        "a simple bind.",
        "chapter, Configure LDAP over TLS",
        "write ldaps:// in LDAP_Server",
        _ldap_in_clear,
    ),
    Rule(
        "ldap-starttls-strippable",
        Severity.WARNING,
        "StartTLS falls back to clear text",
        "Whoever stands between answers that the server cannot do TLS, and the phone goes on in "
        "clear text.",
        "chapter, Configure StartTLS; rulings 11; phone-facts 9, 18",
        "use ldaps://, or forbid the fallback",
        _starttls_stripped,
    ),
    Rule(
        "xml-commands-unasked",
        Severity.WARNING,
        "Commands in XML are obeyed without a password",
        "Trusted means no authentication: whoever reaches the page dials, plays and reboots.",
        "phone-facts 1.5 and 7, XML services",
        "ask for credentials",
        _xml_trusted,
    ),
    Rule(
        "service-clear-text",
        Severity.WARNING,
        "A service is reached in clear text",
        "Only over TLS does the phone check whom it talks to.",
        "chapter, Enable Hostname Verification for SIP over TLS; phone-facts 7",
        "write https:// or wss://",
        lambda case: (*_services_in_clear(case), *_downloads_in_clear(case)),
    ),
    Rule(
        "websocket-any-command",
        Severity.WARNING,
        "The control server may send every command",
        "Allowed APIs is the pattern of what the server may ask; as it is, everything matches.",
        "phone-facts 1.5, Allowed_APIs; judgement",
        "name the commands that are needed, /api/Call/v1/(Dial|Hangup)",
        _any_command,
    ),
    Rule(
        "acs-clear-text",
        Severity.ERROR,
        "The ACS manages the phone over clear text",
        "The ACS sets every parameter, passwords included; over HTTP nobody checks that it is the "
        "ACS, and everybody reads along.",
        "chapter, Enable Hostname Verification for SIP over TLS; phone-facts 7, TR-069",
        "use an https:// ACS",
        _acs_in_clear,
    ),
    Rule(
        "acs-from-dhcp",
        Severity.WARNING,
        "DHCP decides who manages the phone",
        "While ACS URL is empty, options 43 and 125 name the ACS: whoever answers DHCP manages "
        "the phone.",
        "chapter, DHCP Option Support; phone-facts 3.3",
        "write the ACS into ACS_URL",
        _acs_from_dhcp,
    ),
    Rule(
        "acs-request-without-password",
        Severity.WARNING,
        "Connection requests have no password",
        "TR-069 opens a port for the requests of the ACS, and only their digest keeps others out.",
        "chapter, Table 4; phone-facts 7, TR-069",
        "set Connection_Request_Username and Connection_Request_Password",
        _acs_unasked,
    ),
)
