"""Where the XSI server is, which directory it has, and who asks.

Source: phone-facts 1.5, XSI Service, and 7, XSI.
"""

from msgspec import Struct

from ringfence.config.catalog.values import XsiAuthentication
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError
from ringfence.policy.applications import XSI
from ringfence.policy.macros import leads_on
from ringfence.policy.rules import Url
from ringfence.policy.servers import xsi_url
from ringfence.protocols.xsi import DIRECTORIES
from ringfence.runtime.reach import Reach, awaited, reach
from ringfence.runtime.state import Facts, Planned

HOST, TYPE = (ROWS["phone"][field].tag for field in ("xsi_host_server", "directory_type"))


class XsiPlan(Struct, frozen=True):
    """Everything that a search depends on."""

    base: Url
    """Of the server; its path ends without a slash."""
    directory: str
    """Key of `DIRECTORIES`."""
    user: str
    """Whose directory it is."""
    password: Secret
    sip_user: str
    """Whose SIP password it is; empty where the user's own is given."""
    waiting: str
    """What must come first; empty where nothing must."""
    reach: Reach


def plan(settings: Settings, facts: Facts) -> Planned[XsiPlan]:
    """Return how the directory is searched; nothing while it is not enabled.

    Raises:
        ConfigError: the server, the kind of directory or the user cannot be used.

    """
    own = settings.phone
    if not own.directory_enable:
        return Planned({})
    try:
        base = xsi_url(own.xsi_host_server)
    except ValueError as error:
        raise ConfigError(HOST, str(error), "write [https://]SERVER[:PORT]") from None
    directory = "".join(own.directory_type.split())
    if directory not in DIRECTORIES:
        known = ", ".join(DIRECTORIES)
        raise ConfigError(TYPE, f"{own.directory_type!r} is no directory", f"known: {known}")
    by_sip = own.xsi_authentication_type is XsiAuthentication.SIP
    made = XsiPlan(
        base=base,
        directory=directory,
        user=own.login_user_id,
        password=own.sip_password if by_sip else own.login_password,
        sip_user=own.sip_auth_id if by_sip else "",
        waiting=awaited(settings, facts),
        reach=reach(XSI, settings, facts),
    )
    missing = ROWS["phone"]["login_user_id" if not made.user else "sip_auth_id"].tag
    if not made.user or (by_sip and not made.sip_user):
        raise ConfigError(missing, "it is empty", "write whom the server knows")
    if leads_on(made.user):
        user, reason = ROWS["phone"]["login_user_id"].tag, "it would lead elsewhere in the path"
        raise ConfigError(user, reason, "write whom the server knows, without slashes")
    return Planned({"": made})


def show(made: XsiPlan) -> str:
    """Return the plan in words."""
    who = f"as {made.user}" + (f", SIP user {made.sip_user}" if made.sip_user else "")
    return f"XSI: {made.directory} of {made.base} {who}\n"
