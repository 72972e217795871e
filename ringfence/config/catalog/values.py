"""Every list of allowed values, spelled as in cfg.xml.

Source: chapter and phone-facts 1.2–1.7, at the row that uses the list.
"""

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
    AUTO = "Auto"


class UploadMethod(enum.Enum):
    """HTTP method of an upload. Source: phone-facts 1.4."""

    POST = "POST"
    PUT = "PUT"


class WebProtocol(enum.Enum):
    """Protocol of the phone's page."""

    HTTP = "Http"
    HTTPS = "Https"


class IpMode(enum.Enum):
    """Address families in use."""

    DUAL = "Dual Mode"
    IPV4 = "IPv4 Only"
    IPV6 = "IPv6 Only"


class Certificate(enum.Enum):
    """Certificate for the wired port."""

    MANUFACTURING = "Manufacturing installed"
    CUSTOM = "Custom installed"


class DnsServerOrder(enum.Enum):
    """Which DNS servers are asked, in order."""

    MANUAL_DHCP = "Manual,DHCP"
    MANUAL = "Manual"
    DHCP_MANUAL = "DHCP,Manual"


class DnsQueryMode(enum.Enum):
    """Whether DNS servers are asked at once or one after another."""

    PARALLEL = "Parallel"
    SEQUENTIAL = "Sequential"


class PortSpeed(enum.Enum):
    """Speed and duplex of an Ethernet port."""

    AUTO = "AUTO"
    HALF_10 = "10 HALF"
    FULL_10 = "10 FULL"
    HALF_100 = "100 HALF"
    FULL_100 = "100 FULL"


class SyslogIdentifier(enum.Enum):
    """What names the phone in each syslog message."""

    NONE = "None"
    MA = "$MA"
    MAU = "$MAU"
    MAC = "$MAC"
    SN = "$SN"


class DebugLevel(enum.Enum):
    """Least important message that is logged, in the words of syslog."""

    EMERGENCY = "EMERGENCY"
    ALERT = "ALERT"
    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"
    NOTICE = "NOTICE"
    INFO = "INFO"
    DEBUG = "DEBUG"


class ProxyMode(enum.Enum):
    """How the HTTP proxy is found."""

    AUTO = "Auto"
    MANUAL = "Manual"
    OFF = "Off"


class PacProvisioning(enum.Enum):
    """How an EAP-FAST credential is fetched."""

    AUTHENTICATED = "Authenticated"
    ANONYMOUS = "Anonymous"
    OFF = "Off"


class CallerIdHeader(enum.Enum):
    """Headers that name the caller, in order."""

    PAID_RPID_FROM = "PAID-RPID-FROM"
    PAID_FROM = "PAID-FROM"
    RPID_PAID_FROM = "RPID-PAID-FROM"
    RPID_FROM = "RPID-FROM"
    FROM = "FROM"


class AcceptEncoding(enum.Enum):
    """Content encodings of SIP bodies."""

    NONE = "none"
    GZIP = "gzip"


class ProfileAuthentication(enum.Enum):
    """How the phone proves itself to the provisioning server."""

    DISABLED = "Disabled"
    BASIC = "Basic HTTP Authentication"
    XSI = "XSI Authentication"


class ReportWhen(enum.Enum):
    """When the phone reports its configuration."""

    ON_REQUEST = "On Request"
    ON_LOCAL_CHANGE = "On Local Change"
    PERIODICALLY = "Periodically"


class TransitionType(enum.Enum):
    """Kinds of transition licence."""

    CLASSIC = "Classic"
    WXC = "WxC"


class EmptyMeans(enum.Enum):
    """What an empty element of a cfg.xml does. Source: phone-facts 2.1, empty value."""

    EMPTY = "empty"
    DEFAULT = "default"
    KEEP = "keep"


class LdapAuthMethod(enum.Enum):
    """How the phone binds to the directory."""

    NONE = "None"
    SIMPLE = "Simple"
    DIGEST_MD5 = "DIGEST-MD5"


class ExecuteAuth(enum.Enum):
    """Who may send commands in XML."""

    TRUSTED = "Trusted"
    LOCAL = "Local Credential"
    REMOTE = "Remote Credential"


class XsiAuthentication(enum.Enum):
    """Which credentials XSI takes."""

    LOGIN = "Login Credentials"
    SIP = "SIP Credentials"


class MenuAuthentication(enum.Enum):
    """Which menus ask for a password."""

    DEFAULT = "Default"
    CUSTOMIZED = "Customized"
    NO = "No"


class SecureCallOption(enum.Enum):
    """When calls must be secure."""

    OPTIONAL = "Optional"
    REQUIRED = "Required"
    STRICT = "Strict"


class PrivacyHeader(enum.Enum):
    """Privacy that the line asks for."""

    DISABLED = "Disabled"
    NONE = "none"
    HEADER = "header"
    SESSION = "session"
    USER = "user"
    ID = "id"


class ProxyRedundancy(enum.Enum):
    """How servers of equal priority are grouped."""

    NORMAL = "Normal"
    BASED_ON_SRV_PORT = "Based on SRV Port"


class AudioCodec(enum.Enum):
    """Audio codecs, or no preference."""

    UNSPECIFIED = "Unspecified"
    G711U = "G711u"
    G711A = "G711a"
    G729A = "G729a"
    G722 = "G722"
    G722_2 = "G722.2"
    ILBC = "iLBC"
    ISAC = "iSAC"
    OPUS = "OPUS"


class DtmfMethod(enum.Enum):
    """How key presses are sent."""

    IN_BAND = "InBand"
    AVT = "AVT"
    INFO = "INFO"
    AUTO = "Auto"
    IN_BAND_INFO = "InBand+INFO"
    AVT_INFO = "AVT+INFO"


class CodecNegotiation(enum.Enum):
    """What an answer lists."""

    DEFAULT = "Default"
    LIST_ALL = "List All"


class EncryptionMethod(enum.Enum):
    """Cipher of SRTP."""

    AES_128 = "AES 128"
    AES_256_GCM = "AES 256 GCM"


class PhoneBackground(enum.Enum):
    """What the screen shows behind its rows. Source: ADR 51."""

    DEFAULT = "Default"
    PICTURE = "Download Picture"
    LOGO = "Logo"
