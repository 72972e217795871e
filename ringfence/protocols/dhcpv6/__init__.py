"""DHCPv6: messages, options, and a client without a socket or a clock.

Source: RFC 8415. Reconfigure messages are not accepted: nothing tells who sent them.
"""

from ringfence.protocols.dhcpv6.lease import Lease6

__all__ = ["Lease6"]
