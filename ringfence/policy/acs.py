"""Which ACS the phone belongs to, and who says so.

Source: chapter, DHCP Option Support; phone-facts 1.7, 3.3.
"""

from collections.abc import Iterator

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.policy.sources import option_order
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.acs import Acs, acs_in
from ringfence.protocols.dhcp.options import Option

_TAG = ROWS["tr069"]["acs_url"].tag


class AcsSource(Struct, frozen=True):
    """Where the phone would be managed from."""

    acs: Acs = Acs("")
    """Without a URL where nobody names an ACS."""
    named_by: str = ""
    """The tag of the parameter, or `DHCP option 43`."""


def acs_source(settings: Settings, lease: Lease | None) -> AcsSource:
    """Return the ACS of the parameters, else the first that DHCP names.

    The options are those of the profile's source, in the same order: one that the parameter does
    not list names no ACS, either.
    """
    if settings.tr069.acs_url:
        return AcsSource(Acs(settings.tr069.acs_url), _TAG)
    return next(_offered(settings, lease), AcsSource())


def _offered(settings: Settings, lease: Lease | None) -> Iterator[AcsSource]:
    order, _ = option_order(settings.provisioning.dhcp_option_to_use)
    for option in order:
        if lease is None or option not in (Option.VENDOR_SPECIFIC, Option.VENDOR_IDENTIFYING):
            continue
        acs = acs_in(option, lease.options.get(option, b""))
        if acs and acs.url:
            yield AcsSource(acs, f"DHCP option {option}")
