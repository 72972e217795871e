"""What the phone says to DHCP servers."""

from msgspec import Struct

from ringfence.protocols.dhcp.acs import vendor_class
from ringfence.protocols.dhcp.lease import Lease
from ringfence.protocols.dhcp.meaning import REQUESTED
from ringfence.protocols.dhcp.message import MESSAGE_LIMIT, REQUEST, Message, MessageType, build
from ringfence.protocols.dhcp.options import Option, packed

NOWHERE = "0.0.0.0"  # noqa: S104 - the unspecified address, nothing is bound


class Client(Struct, frozen=True):
    """What the phone tells every server about itself."""

    hardware: bytes
    """MAC address, six bytes."""
    vendor_class: str
    """Option 60."""
    host_name: str = ""
    """Option 12; not sent when empty."""
    requested: tuple[int, ...] = tuple(map(int, REQUESTED))
    """Option 55."""


class Outgoing(Struct, frozen=True):
    """A message to send."""

    payload: bytes
    source: str
    destination: str
    """A server's address; empty for everyone on the wire."""


def question(client: Client, xid: int, secs: int) -> Message:
    """Return a broadcast REQUEST with all that every server is told; `secs` since the first."""
    options: dict[int, bytes] = {
        Option.CLIENT_IDENTIFIER: b"\x01" + client.hardware,
        Option.MAXIMUM_SIZE: MESSAGE_LIMIT.to_bytes(2, "big"),
        Option.VENDOR_CLASS: client.vendor_class.encode(),
        Option.VENDOR_IDENTIFYING_CLASS: vendor_class(),
        Option.PARAMETER_LIST: bytes(client.requested),
    }
    if client.host_name:
        options[Option.HOST_NAME] = client.host_name.encode()
    return Message(
        op=REQUEST,
        type=MessageType.REQUEST,
        xid=xid,
        chaddr=client.hardware,
        secs=secs,
        broadcast=True,
        options=options,
    )


def last_word(client: Client, xid: int, kind: MessageType, lease: Lease) -> Outgoing:
    """Return the DECLINE or RELEASE of a lease, which no server answers.

    It has the options of RFC 2131 table 5 and no others. A RELEASE goes to the server alone.
    """
    gone = kind is MessageType.RELEASE
    options: dict[int, bytes] = {}
    if not gone:
        options[Option.REQUESTED_ADDRESS] = packed(lease.address)
    options[Option.SERVER_IDENTIFIER] = packed(lease.server)
    options[Option.CLIENT_IDENTIFIER] = b"\x01" + client.hardware
    message = Message(
        op=REQUEST,
        type=kind,
        xid=xid,
        chaddr=client.hardware,
        ciaddr=lease.address if gone else NOWHERE,
        options=options,
    )
    return Outgoing(build(message), message.ciaddr, lease.server if gone else "")
