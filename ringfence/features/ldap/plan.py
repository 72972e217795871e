"""Which directory is asked, how, and by whom.

Source: chapter, Configure LDAP over TLS and Configure StartTLS; phone-facts 1.5, LDAP, and 9, 17.
"""

import enum

from msgspec import Struct

from ringfence.config.catalog.values import LdapAuthMethod
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.policy.applications import LDAP_STARTTLS, LDAPS
from ringfence.policy.directory import Directory, directory
from ringfence.policy.network import resolvers, written
from ringfence.policy.tls import TlsPolicy, in_words, policy_for
from ringfence.protocols.ldap import filter as filters
from ringfence.runtime.reach import awaited, records
from ringfence.runtime.state import Facts, Planned

SERVER = ROWS["phone"]["ldap_server"].tag


class Security(enum.Enum):
    """How the connection is protected. Source: LDP-03, LDP-05."""

    LDAPS = "ldaps"
    STARTTLS = "StartTLS"
    CLEAR = "clear text"


class Login(Struct, frozen=True):
    """How the phone signs in."""

    method: LdapAuthMethod
    client_dn: str = ""
    user: str = ""
    password: Secret = Secret()
    prompts: bool = False
    """Asks a person for what is missing."""

    @property
    def name(self) -> str:
        """Return the name that signs in: DIGEST-MD5 knows users, a simple bind entries."""
        simple = self.method is LdapAuthMethod.SIMPLE
        first, second = (self.client_dn, self.user) if simple else (self.user, self.client_dn)
        return first or second

    @property
    def complete(self) -> bool:
        """Return whether nothing is missing."""
        return self.method is LdapAuthMethod.NONE or bool(self.name and self.password)


class LdapPlan(Struct, frozen=True):
    """Everything that a search depends on."""

    directory: Directory
    security: Security
    falls_back: bool
    """Goes on in clear text where the server itself refuses StartTLS (rulings 11)."""
    tls: TlsPolicy | None
    """None for clear text."""
    base: str
    login: Login
    waiting: str
    """What the network lacks; empty where nothing."""
    resolvers: tuple[str, ...] = ()
    records: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return the server as it is configured."""
        at = self.directory.server
        return f"{'ldaps' if at.tls else 'ldap'}://{written(at.host, at.port)}"


def plan(settings: Settings, facts: Facts) -> Planned[LdapPlan]:
    """Return the plan; there is none while the directory is off or has no server."""
    own = settings.phone
    held, found = directory(settings)
    if held is None:
        return Planned({}, found)
    security = Security.CLEAR
    if held.server.tls:
        security = Security.LDAPS
    elif own.ldap_starttls_enable:
        security = Security.STARTTLS
    application = LDAPS if security is Security.LDAPS else LDAP_STARTTLS
    made = LdapPlan(
        directory=held,
        security=security,
        falls_back=security is Security.STARTTLS and own.ldap_starttls_fallback,
        tls=None if security is Security.CLEAR else policy_for(application, settings, facts),
        base=own.ldap_search_base.strip(),
        login=Login(
            own.ldap_auth_method,
            own.ldap_client_dn.strip(),
            own.ldap_user_name.strip(),
            own.ldap_password,
            own.ldap_prompt_for_empty_credentials,
        ),
        waiting=awaited(settings, facts),
        resolvers=resolvers(settings, facts.lease, facts.lease6, facts.tunnel),
        records=records(settings),
    )
    return Planned({"": made}, found)


def show(plan: LdapPlan) -> str:
    """Return what is asked of whom, one fact each line."""
    held, login = plan.directory, plan.login
    how = plan.security.value
    if plan.tls:
        how += f", {in_words(plan.tls)}, name verified"
    if plan.falls_back:
        how += "; clear text where the server refuses StartTLS"
    who = login.method.value
    if login.method is not LdapAuthMethod.NONE:
        who += f" as {login.name or 'nobody'}"
        who += "" if login.complete else ", asked for" if login.prompts else ", incomplete"
    lines = [f"{held.name}: {plan.url}, {how}", f"bind: {who}", f"base: {plan.base or 'none'}"]
    lines += [f"{way.label}: {filters.written(way.filter)}" for way in held.ways]
    shown = (f"{one.name}{' (dialled)' if one.dials else ''}" for one in held.attributes)
    return "\n".join([*lines, f"shown: {', '.join(shown)}", ""])
