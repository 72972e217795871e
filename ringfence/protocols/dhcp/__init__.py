"""DHCPv4: messages, frames, and a client without a socket or a clock.

Source: RFC 2131, 2132 and 3396. Routes of option 121 are neither asked for nor obeyed: they
would let any server on the wire draw traffic out of a tunnel.
"""

from ringfence.protocols.dhcp.lease import Lease

__all__ = ["Lease"]
