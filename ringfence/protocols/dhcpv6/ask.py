"""What a DHCPv6 client says. Source: RFC 8415 18.2."""

import ipaddress

from msgspec import Struct

from ringfence.protocols.dhcpv6.lease import Lease6
from ringfence.protocols.dhcpv6.message import Message6, MessageType, build
from ringfence.protocols.dhcpv6.options import Option6, option, vendor_classes

REQUESTED = (
    Option6.VENDOR,
    Option6.DNS,
    Option6.DOMAINS,
    Option6.REFRESH_TIME,
    Option6.NTP,
    Option6.SOLICIT_MAX,
    Option6.INFORMATION_MAX,
    Option6.PROVISIONING_SERVER,
    Option6.PROVISIONING_URL,
)
"""What the phone asks for. Source: phone-facts 3.1; RFC 8415 21.7."""
_NAMES_SERVER = frozenset(
    {MessageType.REQUEST, MessageType.RENEW, MessageType.DECLINE, MessageType.RELEASE}
)
_ABOUT_ADDRESS = frozenset({MessageType.DECLINE, MessageType.RELEASE, MessageType.CONFIRM})


class Client6(Struct, frozen=True):
    """What the phone tells every server about itself."""

    hardware: bytes
    """MAC address, six bytes."""
    model: str

    @property
    def duid(self) -> bytes:
        """Return the identifier: of the hardware, so that it is the same after a reset."""
        return b"\x00\x03\x00\x01" + self.hardware

    @property
    def identity(self) -> bytes:
        """Return the IAID, four bytes, the same after every start."""
        return self.hardware[-4:]


def ask(
    client: Client6, kind: MessageType, xid: int, elapsed: float, asked: Lease6 | None
) -> bytes:
    """Return a message; `asked` is what it is about, `elapsed` the seconds since the first."""
    found: dict[int, tuple[bytes, ...]] = {
        Option6.CLIENT_ID: (client.duid,),
        Option6.ELAPSED_TIME: (min(int(elapsed * 100), 0xFFFF).to_bytes(2, "big"),),
    }
    if asked and kind in _NAMES_SERVER:
        found[Option6.SERVER_ID] = (asked.server,)
    if kind is not MessageType.INFORMATION_REQUEST:
        found[Option6.IA_NA] = (_association(client, asked),)
    if kind not in _ABOUT_ADDRESS:
        if kind is MessageType.SOLICIT:
            found[Option6.RAPID_COMMIT] = (b"",)
        found[Option6.VENDOR_CLASS] = vendor_classes(client.model)
        found[Option6.REQUESTED] = (b"".join(code.to_bytes(2, "big") for code in REQUESTED),)
    return build(Message6(kind, xid, found))


def _association(client: Client6, asked: Lease6 | None) -> bytes:
    """Return the IA_NA, with the address that it is about, if any."""
    held = b""
    if asked and asked.address:
        address = ipaddress.IPv6Address(asked.address).packed
        held = option(Option6.IA_ADDRESS, address + bytes(8))
    return client.identity + bytes(8) + held
