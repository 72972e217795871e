"""Where the phone signs in for presence, and as whom.

Source: phone-facts 7, XMPP; chapter, Configure the Cipher List; ADR 47.
"""

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError
from ringfence.policy import hostname
from ringfence.policy.applications import XMPP
from ringfence.runtime.reach import Reach, awaited, reach
from ringfence.runtime.state import Facts, Planned

SERVER, USER = (ROWS["phone"][field].tag for field in ("xmpp_server", "xmpp_user_id"))
DIRECT = 5223
"""The port at which TLS begins with the first byte; at all others by STARTTLS."""


class XmppPlan(Struct, frozen=True):
    """Everything that the connection depends on."""

    host: str
    port: int
    user: str
    domain: str
    password: Secret
    resource: str
    waiting: str
    """What must come first; empty where nothing must."""
    reach: Reach

    @property
    def direct(self) -> bool:
        """Return whether TLS begins at once."""
        return self.port == DIRECT


def plan(settings: Settings, facts: Facts) -> Planned[XmppPlan]:
    """Return where the phone signs in; nothing while it does not.

    Raises:
        ConfigError: the server or the user cannot be used.

    """
    own = settings.phone
    if not own.xmpp_enable:
        return Planned({})
    user, _, domain = own.xmpp_user_id.strip().partition("@")
    host = own.xmpp_server.strip() or domain
    for tag, text in ((USER, user), (SERVER, host)):
        if not text:
            raise ConfigError(tag, "it is empty", "write user@domain, and the server if another")
    for tag, text in ((SERVER, host), (USER, domain or host)):
        try:
            hostname.address(text) or hostname.name(text)
        except ValueError as error:
            raise ConfigError(
                tag, f"{text[:80]!r}: {error}", "write a name or an address"
            ) from None
    made = XmppPlan(
        host=host,
        port=own.xmpp_port,
        user=user,
        domain=domain or host,
        password=own.xmpp_password,
        resource=f"phone-{facts.identity.mac}",
        waiting=awaited(settings, facts),
        reach=reach(XMPP, settings, facts),
    )
    return Planned({"": made})


def show(made: XmppPlan) -> str:
    """Return the plan in words."""
    how = "TLS" if made.direct else "STARTTLS"
    return f"XMPP: {made.user}@{made.domain} at {made.host}:{made.port} by {how}\n"
