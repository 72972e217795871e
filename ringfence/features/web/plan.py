"""What the phone's page offers, and where."""

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.values import ExecuteAuth, IpMode, WebProtocol
from ringfence.config.codecs import Secret
from ringfence.config.parameter import Level
from ringfence.config.settings import Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import WEB_SERVER
from ringfence.policy.tls import TlsPolicy, policy_for
from ringfence.runtime.state import Facts, Planned

DEFAULT_LIMIT = 3600.0
"""Seconds that a session limit of 0 stands for. Source: phone-facts 1.2."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the page is for the network; the firewall guards it
ADDRESSES = {
    IpMode.DUAL: (EVERYWHERE, "::"),
    IpMode.IPV4: (EVERYWHERE,),
    IpMode.IPV6: ("::",),
}


class WebPlan(Struct, frozen=True):
    """One page server."""

    addresses: tuple[str, ...]
    port: int
    tls: TlsPolicy | None
    """None for HTTP."""
    admin_access: bool
    """Whether the administrator's pages are served."""
    admin_password: Secret
    user_password: Secret
    idle: float
    """Seconds without a request that end a session."""
    longest: float
    """Seconds that a session may last at most."""
    direct_actions: bool
    """Whether direct action URLs are obeyed."""
    query_credentials: bool
    """Whether those take a password in the query."""
    executes: ExecuteAuth | None = None
    """Who may send commands in XML; None for nobody."""
    remote: tuple[str, Secret] = ("", Secret())
    """User and password of XML services, for whom commands may come from, too."""

    @property
    def first_use(self) -> bool:
        """Return whether an administrator's password must be set before anything else."""
        return self.admin_access and not self.admin_password

    def password(self, level: Level) -> Secret:
        """Return the password that opens an account; empty for an account that is closed."""
        if level is Level.USER:
            return self.user_password
        return self.admin_password if self.admin_access else Secret()

    @property
    def url_scheme(self) -> str:
        """Return `http` or `https`."""
        return "https" if self.tls else "http"


def plan(settings: Settings, facts: Facts) -> Planned[WebPlan]:
    """Return the page server that the settings ask for; none while Enable Web Server is No.

    Source: chapter, Table 4; phone-facts 1.2, System Configuration, and 8, Web.
    """
    system, phone = settings.system, settings.phone
    if not system.enable_web_server:
        return Planned({})
    secure = system.enable_protocol is WebProtocol.HTTPS
    made = WebPlan(
        addresses=ADDRESSES[system.ip_mode],
        port=system.web_server_port,
        # A server shows its certificate whether it is asked or not; never one that others have.
        tls=replace(policy_for(WEB_SERVER, settings, facts), client=facts.own_certificate)
        if secure
        else None,
        admin_access=system.enable_web_admin_access,
        admin_password=system.admin_password,
        user_password=system.user_password,
        idle=system.session_idle_timeout or DEFAULT_LIMIT,
        longest=system.session_max_timeout or DEFAULT_LIMIT,
        direct_actions=system.enable_direct_action_url,
        query_credentials=settings.provisioning.query_credentials,
        executes=phone.cisco_xml_exe_auth_mode if phone.cisco_xml_exe_enable else None,
        remote=(phone.xml_user_name, phone.xml_password),
    )
    return Planned({"": made}, _findings(made))


def show(made: WebPlan) -> str:
    """Return the plan in words."""
    lines = [
        f"listen {' '.join(made.addresses)} tcp {made.port} {made.url_scheme}",
        f"accounts {' '.join(_accounts(made)) or 'none'}",
        f"session idle {made.idle:g} s, at most {made.longest:g} s",
        f"direct action URLs {_direct(made)}",
        f"commands in XML {made.executes.value if made.executes else 'off'}",
    ]
    return "\n".join(lines) + "\n"


def _accounts(made: WebPlan) -> list[str]:
    found = ["user"] if made.user_password else []
    if made.admin_access:
        found.append("admin" if made.admin_password else "admin (password to be set at first use)")
    return found


def _direct(made: WebPlan) -> str:
    if not made.direct_actions:
        return "off"
    by_query = ", password in the query" if made.query_credentials else ""
    return f"session, digest{by_query}"


def _findings(made: WebPlan) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if made.tls is None:
        found.append(
            Finding(
                Severity.WARNING,
                "web-clear-text",
                "Enable_Protocol",
                "the page is served over HTTP: passwords cross the network in clear text",
                "set Enable_Protocol to Https",
            )
        )
    if made.first_use:
        found.append(
            Finding(
                Severity.WARNING,
                "web-no-admin-password",
                "Admin_Password",
                "no administrator password: whoever opens the page first sets it",
                "set Admin_Password in the profile",
            )
        )
    return tuple(found)
