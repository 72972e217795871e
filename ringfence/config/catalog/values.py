"""Lists of allowed values that rows of several tabs, or decisions above them, share."""

import enum


class TlsVersion(enum.Enum):
    """Protocol versions, oldest first. Source: phone-facts 1.2, Security Settings."""

    TLS_1_0 = "TLS 1.0"
    TLS_1_1 = "TLS 1.1"
    TLS_1_2 = "TLS 1.2"
    TLS_1_3 = "TLS 1.3"


class SipTransport(enum.Enum):
    """Choices of SIP Transport. Source: chapter, Encrypt Signaling with SIP Over TLS."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"
    AUTO = "Auto"


class ConnectionType(enum.Enum):
    """Where the address comes from. Source: phone-facts 1.2."""

    DHCP = "DHCP"
    STATIC = "Static IP"


class IpPreference(enum.Enum):
    """Which address family goes first. Source: phone-facts 1.3."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class UploadMethod(enum.Enum):
    """HTTP method of an upload. Source: phone-facts 1.4."""

    POST = "POST"
    PUT = "PUT"
