"""What Info > Status and programs see of the lease and of the option that won."""

import math
from collections.abc import Mapping

from ringfence.config.settings import Settings
from ringfence.messages import _
from ringfence.policy.acs import acs_source
from ringfence.policy.network import known_time, resolvers
from ringfence.policy.offered import (
    acs_data,
    acs_row,
    masked,
    option_row,
    raw,
    source_data,
    source_rows,
    time_data,
    time_rows,
)
from ringfence.policy.sources import ProfileSource, profile_source
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.meaning import interpret, name
from ringfence.protocols.dhcpv6 import Lease6


def lease_rows(
    settings: Settings, lease: Lease, lease6: Lease6 | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the rows of a lease: what it says, every option, and who named the profile."""
    rows = [
        ("Current IP", lease.address),
        ("Current Netmask", _mask(lease.prefix)),
        ("Current Gateway", ", ".join(lease.routers) or "none"),
        ("DNS Servers", ", ".join(resolvers(settings, lease, lease6)) or "none"),
        *time_rows(known_time(settings, lease, lease6)),
        ("Domain", settings.system.domain or lease.domain or "none"),
    ]
    if lease.server:
        rows += [
            ("DHCP Server", lease.server),
            ("Lease Time", _seconds(lease.lease_time)),
            ("Renewal Time", _seconds(lease.renewal_time)),
        ]
    for code, data in sorted(lease.options.items()):
        called = name(code)
        label = _("Option {n} ({name})", n=code, name=called) if called else _("Option {n}", n=code)
        rows.append(option_row(label, data, interpret(code, data)))
    rows += source_rows(_source(settings, lease, lease6), 4)
    rows.append(acs_row(acs_source(settings, lease, lease6)))
    return tuple(rows)


def lease_data(
    settings: Settings, lease: Lease, lease6: Lease6 | None = None
) -> Mapping[str, object]:
    """Return the lease for programs."""
    return {
        "address": lease.address,
        "prefix": lease.prefix,
        "server": lease.server,
        "routers": list(lease.routers),
        "resolvers": list(lease.resolvers),
        "domain": lease.domain,
        "ntp": list(lease.ntp),
        "time": time_data(known_time(settings, lease, lease6)),
        "acs": acs_data(acs_source(settings, lease, lease6)),
        "lease_time": None if math.isinf(lease.lease_time) else lease.lease_time,
        "options": {
            str(code): masked(interpret(code, data)) or raw(data)
            for code, data in sorted(lease.options.items())
        },
        "profile_source": source_data(_source(settings, lease, lease6)),
    }


def _source(settings: Settings, lease: Lease, lease6: Lease6 | None) -> ProfileSource:
    own = settings.provisioning
    return profile_source(own.dhcp_option_to_use, lease, own.dhcpv6_option_to_use, lease6)


def _mask(length: int) -> str:
    bits = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return ".".join(str(byte) for byte in bits.to_bytes(4, "big"))


def _seconds(time: float) -> str:
    return "without end" if math.isinf(time) else f"{time:.0f} s"
