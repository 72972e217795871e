"""Which ACS the phone belongs to, and who says so.

Source: chapter, DHCP Option Support; phone-facts 1.7, 3.3.
"""

from collections.abc import Iterator

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.policy.sources import option_order, option_order6
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.acs import Acs, acs_in
from ringfence.protocols.dhcp.options import Option
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.dhcpv6.options import Option6, acs_in_17

_TAG = ROWS["tr069"]["acs_url"].tag


class AcsSource(Struct, frozen=True):
    """Where the phone would be managed from."""

    acs: Acs = Acs("")
    """Without a URL where nobody names an ACS."""
    named_by: str = ""
    """The tag of the parameter, `DHCP option 43` or `DHCPv6 option 17`."""


def acs_source(settings: Settings, lease: Lease | None, lease6: Lease6 | None = None) -> AcsSource:
    """Return the ACS of the parameters, else the first that DHCP or then DHCPv6 names.

    The options are those of the profile's source, in the same order: one that the parameter does
    not list names no ACS, either.
    """
    if settings.tr069.acs_url:
        return AcsSource(Acs(settings.tr069.acs_url), _TAG)
    own = settings.provisioning
    offered = (
        *_offered(own.dhcp_option_to_use, lease),
        *_offered6(own.dhcpv6_option_to_use, lease6),
    )
    return next(iter(offered), AcsSource())


def _offered(listed: str, lease: Lease | None) -> Iterator[AcsSource]:
    for option in option_order(listed)[0]:
        if lease is None or option not in (Option.VENDOR_SPECIFIC, Option.VENDOR_IDENTIFYING):
            continue
        acs = acs_in(option, lease.options.get(option, b""))
        if acs and acs.url:
            yield AcsSource(acs, f"DHCP option {option}")


def _offered6(listed: str, lease: Lease6 | None) -> Iterator[AcsSource]:
    if lease is None or Option6.VENDOR not in option_order6(listed)[0]:
        return
    for raw in lease.options.get(Option6.VENDOR, ()):
        acs = acs_in_17(raw)
        if acs and acs.url:
            yield AcsSource(acs, f"DHCPv6 option {Option6.VENDOR:d}")
