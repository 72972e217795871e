"""What the phone has learnt since boot, and what it shows of itself."""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Generic, TypeVar

from msgspec import Struct

from ringfence.errors import Finding
from ringfence.messages import _
from ringfence.messages.language import Language
from ringfence.policy.history import Plot
from ringfence.policy.tls import ClientCertificate, Trust
from ringfence.policy.vlan import VoiceVlan
from ringfence.policy.vpn import Tunnel
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcpv6 import Lease6

P = TypeVar("P")


class Identity(Struct, frozen=True):
    """Who this phone is; fixed from boot to boot."""

    mac: str = "000000000000"
    """Twelve lower-case hexadecimal digits."""
    product: str = "CP-8841-3PCC"
    """Product name, `$PN`; OU of the device certificate."""
    serial: str = ""
    """Serial number, `$SN`; L of the device certificate."""
    firmware: str = "11.3"
    """Firmware profile: 11.3 or 12.0."""
    interface: str = "br0"
    """Network interface to the wire: the bridge of both ports, or the one port there is."""
    activation_url: str = ""
    """Activation server that the factory gave it; RF_Activation_URL comes first."""

    @property
    def realm(self) -> str:
        """Return what programs prove an account to by HTTP Digest."""
        return f"{self.product} {self.mac}"


class Sound(Struct, frozen=True):
    """The devices of every call, by the words of `runtime.host_sound`, and what it may speak."""

    microphone: str = "null"
    speaker: str = "null"
    codecs: tuple[str, ...] = ()
    """Encodings that can be done beside G.711."""


class Facts(Struct, frozen=True):
    """What no parameter says; drivers publish a new snapshot when the world changes.

    Decisions need these; clocks and counters live in `Status`.
    """

    identity: Identity = Identity()
    voice_interface: str = ""
    """Interface of the voice VLAN; empty while the phone speaks untagged."""
    admissions: int = 0
    """How often 802.1X has opened the way into the network since boot, or was found unnecessary."""
    lease: Lease | None = None
    """The DHCPv4 lease; None while there is none."""
    silent: bool = False
    """Nobody answers DHCPv4."""
    lease6: Lease6 | None = None
    """What the network says of IPv6; None while nobody says anything."""
    vpn_asked: str = ""
    """What a person asked of the VPN before this boot: `on`, `off`, or nothing."""
    vpn_settled: bool = False
    """The VPN is connected to, or nobody has to wait for it any more."""
    tunnel: Tunnel | None = None
    """The way through the VPN; None while there is none."""
    voice_vlan: VoiceVlan | None = None
    """The VLAN that the phone was told to speak in; None while nobody names one."""
    sound: Sound = Sound()
    trust: Trust = Trust()
    client: ClientCertificate | None = None
    """The certificate that the phone shows; None where it has none."""
    custom: ClientCertificate | None = None
    """The custom device certificate, by SCEP or by file; None where none is installed."""
    expiring: tuple[str, ...] = ()
    """Certificates of the phone that end soon or have ended, in words."""
    connection_request_port: int | None = None
    """TCP port where an ACS asks the phone for a connection; None before it is drawn."""
    peers: Mapping[str, frozenset[str]] = {}
    """`{NAME: addresses}`: servers that the phone has chosen; no flood guard slows them down."""
    location: str = ""
    """URI under which whoever helps learns where the phone is; empty while nobody has said."""
    language: Language | None = None
    """What a dictionary server has for the language that is selected; None for nothing."""
    bound: Mapping[str, frozenset[tuple[str, int]]] = {}
    """`{feature: {("udp", port), ...}}`: listening sockets that are still open (rulings 19)."""

    @property
    def interface(self) -> str:
        """Return the interface that carries the phone's addresses."""
        return self.voice_interface or self.identity.interface

    @property
    def own_certificate(self) -> ClientCertificate | None:
        """Return the certificate that is this unit's alone; None where it has none (PRV-13)."""
        return self.client if self.client and self.client.individual else None


class Health(enum.Enum):
    """How a feature is doing, in the words the status page prints."""

    DISABLED = _("Disabled")
    STARTING = _("Starting")
    PENDING = _("Pending")
    RUNNING = _("Running")
    FAILED = _("Failed")


class Page(enum.Enum):
    """The pages under Info. Source: mission WEB-06."""

    STATUS = "Status"
    DOWNLOADS = "Download Status"
    DEBUG = "Debug"


class Status(Struct, frozen=True):
    """What the web page, the phone screen, `phone status` and TR-069 show of a feature."""

    health: Health
    rows: tuple[tuple[str, str], ...] = ()
    """Label and text, in the order of the page."""
    data: Mapping[str, object] = {}
    """The same for programs: JSON values under names of their own."""
    title: str = ""
    """Heading of the section; empty takes the feature's name."""
    page: Page = Page.STATUS
    """Where under Info it stands."""
    remedies: Mapping[str, tuple[str, ...]] = {}
    """`{label of a row: tags}`: where to look for what a row complains of."""
    plots: tuple[Plot, ...] = ()
    """What is better looked at than read."""


def stamp(at: float) -> str:
    """Return a time, in seconds since 1970, as status pages have it (phone-facts 1.7)."""
    return datetime.fromtimestamp(at, UTC).strftime("%m/%d/%Y %H:%M:%S")


class Planned(Struct, Generic[P], frozen=True):
    """What a feature decided."""

    plans: Mapping[str, P]
    """`{key: plan}`, one for each instance (`"1"` for Ext(1)); a single one has the key `""`."""
    findings: tuple[Finding, ...] = ()
    """What the operator should know; a refused word of a list is skipped and stands here."""
