"""How what DHCP and DHCPv6 servers offer is shown: raw, read, and without secrets."""

from collections.abc import Mapping

from ringfence.config.settings import ROWS
from ringfence.messages import _
from ringfence.policy.acs import AcsSource
from ringfence.policy.network import KnownTime
from ringfence.policy.sources import Considered, ProfileSource
from ringfence.protocols.dhcp.meaning import said_of_acs
from ringfence.protocols.pattern import pattern

_SECRET = pattern(r"""(--(?:key|pwd)\s+)(?:"[^"]*"?|[^\s"\]]+)""")
_SHOWN = 600
"""Characters of one option in a row."""

Row = tuple[str, str]


def masked(text: str) -> str:
    """Return text without the secrets that a profile rule may carry."""
    return _SECRET.sub(r"\1***", text)


def raw(data: bytes) -> str:
    """Return bytes as text where they are printable, else as hexadecimal digits."""
    bare = data.rstrip(b"\0")
    if bare and bare.isascii() and (text := bare.decode("ascii")).isprintable():
        return masked(text)
    return data.hex(":")


def option_row(label: str, data: bytes, read: str) -> Row:
    """Return the row of one option: its bytes, and what the phone reads in them."""
    written, read = raw(data), masked(read)
    shown = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
    return label, shown if read in ("", written) else f"{shown} = {read}"


def time_rows(time: KnownTime) -> list[Row]:
    """Return who names which time servers, and the offset where there is one."""
    servers = ", ".join(time.servers)
    rows = [("NTP Servers", f"{servers} ({time.named_by})" if servers else "none")]
    if time.offset is not None:
        tag = ROWS["regional"]["ignore_dhcp_time_offset"].tag
        ignored = f", ignored: {tag} is Yes" if time.ignored else ""
        rows.append(("Time Offset", f"{time.offset:+d} s (DHCP option 2{ignored})"))
    return rows


def time_data(time: KnownTime) -> Mapping[str, object]:
    """Return the same for programs."""
    return {
        "servers": list(time.servers),
        "named_by": time.named_by,
        "offset": time.offset,
        "offset_ignored": time.ignored,
    }


def source_rows(source: ProfileSource, family: int) -> list[Row]:
    """Return where profiles are, and what became of each option of a family."""
    won = f"{source.named_by}: {masked(source.text)}" if source.option is not None else "none"
    return [
        ("Profile Source", won),
        *(
            (_considered_label(one), masked(one.reason))
            for one in source.considered
            if one.family == family
        ),
    ]


def _considered_label(one: Considered) -> str:
    if one.family == 4:
        return _("Option {n} Won", n=one.option) if one.won else _("Option {n} Lost", n=one.option)
    if one.won:
        return _("DHCPv6 Option {n} Won", n=one.option)
    return _("DHCPv6 Option {n} Lost", n=one.option)


def source_data(source: ProfileSource) -> Mapping[str, object]:
    """Return the same for programs, of both families."""
    return {
        "option": source.option,
        "kind": source.kind,
        "text": masked(source.text),
        "named_by": source.named_by,
        "considered": [_considered(one) for one in source.considered],
    }


def _considered(one: Considered) -> Mapping[str, object]:
    return {
        "family": one.family,
        "option": one.option,
        "raw": raw(one.raw),
        "text": masked(one.text),
        "won": one.won,
        "reason": masked(one.reason),
    }


def acs_row(source: AcsSource) -> Row:
    """Return which ACS the phone belongs to, and who says so."""
    named = f"{source.named_by}: {said_of_acs(source.acs)}" if source.named_by else "none"
    return "ACS", named


def acs_data(source: AcsSource) -> Mapping[str, object]:
    """Return the same for programs."""
    return {
        "url": source.acs.url,
        "named_by": source.named_by,
        "provisioning_code": source.acs.provisioning_code,
        "retry_wait": source.acs.retry_wait,
        "retry_multiplier": source.acs.retry_multiplier,
    }
