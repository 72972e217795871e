"""What Info > Status and programs see of the lease and of the option that won."""

import math
import re
from collections.abc import Mapping

from ringfence.config.settings import ROWS, Settings
from ringfence.policy.acs import acs_source
from ringfence.policy.network import KnownTime, known_time, resolvers
from ringfence.policy.sources import Considered, profile_source
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.meaning import interpret, name, said_of_acs

_SECRET = re.compile(r"""(--(?:key|pwd)\s+)(?:"[^"]*"?|[^\s"\]]+)""")
_SHOWN = 600
"""Characters of one option in a row."""


def masked(text: str) -> str:
    """Return text without the secrets that a profile rule may carry."""
    return _SECRET.sub(r"\1***", text)


def raw(data: bytes) -> str:
    """Return bytes as text where they are printable, else as hexadecimal digits."""
    bare = data.rstrip(b"\0")
    if bare and bare.isascii() and (text := bare.decode("ascii")).isprintable():
        return masked(text)
    return data.hex(":")


def lease_rows(settings: Settings, lease: Lease) -> tuple[tuple[str, str], ...]:
    """Return the rows of a lease: what it says, every option, and who named the profile."""
    rows = [
        ("Current IP", lease.address),
        ("Current Netmask", _mask(lease.prefix)),
        ("Current Gateway", ", ".join(lease.routers) or "none"),
        ("DNS Servers", ", ".join(resolvers(settings, lease)) or "none"),
        *_time_rows(known_time(settings, lease)),
        ("Domain", settings.system.domain or lease.domain or "none"),
    ]
    if lease.server:
        rows += [
            ("DHCP Server", lease.server),
            ("Lease Time", _seconds(lease.lease_time)),
            ("Renewal Time", _seconds(lease.renewal_time)),
        ]
    rows += [_option(code, data) for code, data in sorted(lease.options.items())]
    source = profile_source(settings.provisioning.dhcp_option_to_use, lease)
    won = f"option {source.option}: {masked(source.text)}" if source.option else "none"
    rows.append(("Profile Source", won))
    rows += [_verdict(one) for one in source.considered]
    acs = acs_source(settings, lease)
    rows.append(("ACS", f"{acs.named_by}: {said_of_acs(acs.acs)}" if acs.named_by else "none"))
    return tuple(rows)


def lease_data(settings: Settings, lease: Lease) -> Mapping[str, object]:
    """Return the lease for programs."""
    source = profile_source(settings.provisioning.dhcp_option_to_use, lease)
    time, acs = known_time(settings, lease), acs_source(settings, lease)
    return {
        "address": lease.address,
        "prefix": lease.prefix,
        "server": lease.server,
        "routers": list(lease.routers),
        "resolvers": list(lease.resolvers),
        "domain": lease.domain,
        "ntp": list(lease.ntp),
        "time": {
            "servers": list(time.servers),
            "named_by": time.named_by,
            "offset": time.offset,
            "offset_ignored": time.ignored,
        },
        "acs": {
            "url": acs.acs.url,
            "named_by": acs.named_by,
            "provisioning_code": acs.acs.provisioning_code,
            "retry_wait": acs.acs.retry_wait,
            "retry_multiplier": acs.acs.retry_multiplier,
        },
        "lease_time": None if math.isinf(lease.lease_time) else lease.lease_time,
        "options": {
            str(code): masked(interpret(code, data)) or raw(data)
            for code, data in sorted(lease.options.items())
        },
        "profile_source": {
            "option": source.option,
            "kind": source.kind,
            "text": masked(source.text),
            "considered": [
                {
                    "option": one.option,
                    "raw": raw(one.raw),
                    "text": masked(one.text),
                    "won": one.won,
                    "reason": masked(one.reason),
                }
                for one in source.considered
            ],
        },
    }


def _time_rows(time: KnownTime) -> list[tuple[str, str]]:
    servers = ", ".join(time.servers)
    rows = [("NTP Servers", f"{servers} ({time.named_by})" if servers else "none")]
    if time.offset is not None:
        tag = ROWS["regional"]["ignore_dhcp_time_offset"].tag
        ignored = f", ignored: {tag} is Yes" if time.ignored else ""
        rows.append(("Time Offset", f"{time.offset:+d} s (DHCP option 2{ignored})"))
    return rows


def _option(code: int, data: bytes) -> tuple[str, str]:
    label = f"Option {code}" + (f" ({name(code)})" if name(code) else "")
    written, read = raw(data), masked(interpret(code, data))
    shown = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
    return label, shown if read in ("", written) else f"{shown} = {read}"


def _verdict(one: Considered) -> tuple[str, str]:
    return f"Option {one.option} " + ("Won" if one.won else "Lost"), masked(one.reason)


def _mask(length: int) -> str:
    bits = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return ".".join(str(byte) for byte in bits.to_bytes(4, "big"))


def _seconds(time: float) -> str:
    return "without end" if math.isinf(time) else f"{time:.0f} s"
