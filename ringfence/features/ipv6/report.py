"""What Info > Status and programs see of IPv6: addresses, routers, and every option."""

import math
from collections.abc import Iterator, Mapping

from ringfence.config.settings import Settings
from ringfence.messages import _
from ringfence.policy.acs import acs_source
from ringfence.policy.network import known_time
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
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.dhcpv6.meaning import interpret, name
from ringfence.protocols.rtnetlink import Link6
from ringfence.runtime.reach import dhcp_source
from ringfence.runtime.state import Facts

Row = tuple[str, str]
_PROTOCOL = frozenset({1, 2, 3, 7, 13, 14, 82, 83})
"""Options of the exchange itself, which say nothing to people."""


def ipv6_rows(settings: Settings, facts: Facts, link: Link6 | None) -> tuple[Row, ...]:
    """Return the rows of the network's say, every option, and who named the profile."""
    lease = facts.lease6 or Lease6()
    rows = [
        ("Current IP", f"{lease.address}/{lease.prefix}" if lease.address else "none"),
        ("Other Addresses", ", ".join(_others(lease, link)) or "none"),
        ("Current Gateway", ", ".join(lease.routers) or "none"),
        ("Router Advertisement", _advertised(link)),
        ("DNS Servers", ", ".join(lease.resolvers) or "none"),
    ]
    if lease.server:
        rows += [
            ("DHCPv6 Server", lease.server.hex(":")),
            ("Domain", lease.domain or "none"),
            ("Valid", _seconds(lease.valid)),
            ("Renewal Time", _seconds(lease.renewal_time)),
        ]
        rows += [
            option_row(_label(code), data, interpret(code, data)) for code, data in _options(lease)
        ]
        rows += time_rows(known_time(settings, facts.lease, lease))
        rows += source_rows(dhcp_source(settings, facts), 6)
        rows.append(acs_row(acs_source(settings, facts.lease, lease)))
    return tuple(rows)


def ipv6_data(settings: Settings, facts: Facts, link: Link6 | None) -> Mapping[str, object]:
    """Return the same for programs."""
    lease = facts.lease6
    if lease is None:
        return {"lease": None}
    return {
        "lease": {
            "address": lease.address,
            "prefix": lease.prefix,
            "server": lease.server.hex(),
            "others": list(_others(lease, link)),
            "routers": list(lease.routers),
            "resolvers": list(lease.resolvers),
            "domain": lease.domain,
            "ntp": list(lease.ntp),
            "valid": None if math.isinf(lease.valid) else lease.valid,
            "options": [
                {"option": code, "text": masked(interpret(code, data)) or raw(data)}
                for code, data in _options(lease)
            ],
            "time": time_data(known_time(settings, facts.lease, lease)),
            "acs": acs_data(acs_source(settings, facts.lease, lease)),
            "profile_source": source_data(dhcp_source(settings, facts)),
        }
    }


def _options(lease: Lease6) -> Iterator[tuple[int, bytes]]:
    for code, each in sorted(lease.options.items()):
        if code not in _PROTOCOL:
            for data in each:
                yield code, data


def _others(lease: Lease6, link: Link6 | None) -> Iterator[str]:
    for address, held in sorted(link.addresses.items()) if link else ():
        if address != lease.address:
            note = " (somebody else has it)" if address in (link.duplicates if link else ()) else ""
            yield f"{address}/{held.prefix}{note}"


def _advertised(link: Link6 | None) -> str:
    if link is None or not link.heard:
        return "none"
    asks = [word for flag, word in ((link.managed, "addresses"), (link.other, "options")) if flag]
    return f"DHCPv6 for {' and '.join(asks)}" if asks else "no DHCPv6"


def _label(code: int) -> str:
    if called := name(code):
        return _("DHCPv6 Option {n} ({name})", n=code, name=called)
    return _("DHCPv6 Option {n}", n=code)


def _seconds(time: float) -> str:
    return "without end" if math.isinf(time) else f"{time:.0f} s"
