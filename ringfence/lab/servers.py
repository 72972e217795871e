"""What the lab's real servers are configured with, and the certificates they hold."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ringfence.lab.topology import (
    ACS_ADDRESS,
    ACS_NAME,
    DEAD,
    DOMAIN,
    INFRASTRUCTURE,
    LDAP_ADDRESS,
    LDAP_NAME,
    LEASES,
    PHONE_MAC,
    PREFIX_V6,
    PROVIDER,
    PROVISIONING_NAME,
    PROXY_ADDRESS,
    PROXY_NAME,
    REGISTRAR_NAME,
    SILENT,
    SYSLOG_NAME,
    VPN_ADDRESS,
    VPN_NAME,
    WPAD_NAME,
)

PROFILE_URL = f"https://{PROVISIONING_NAME}/$MA.xml"
"""What DHCP option 160 says."""
PRODUCT = "CP-8841-3PCC"
SERIAL = f"8801{PHONE_MAC[-8:].upper()}"
FACTORY = {"Resync_Random_Delay": "0"}
"""What the lab's phone is set to before its first boot: by default it would spread its first
resync over 40 s, so that a provider with many phones survives a power cut."""
SECURE_USER, PLAIN_USER = "1001", "1002"
"""Of the first line, over TLS, and the second, over UDP."""
OFF, DOT1X = "dot1x-off", "Enable_802.1X_Authentication"
ACCEPTED = {
    "web-clear-text": "the page is reached through a relay inside this machine",
    OFF: "the lab's switch has no authenticator",
    "sip-clear-text SIP_Transport_2_": "the second line shows how one over UDP is protected",
}
"""`{finding of ringfence check: why the lab's profile has it}`."""

TEMPLATE = "default.xml"
"""The one template of the provisioning server, for every phone."""

RECORDS: Mapping[str, tuple[str, ...]] = {
    PROVISIONING_NAME: (DEAD, PROVIDER),
    REGISTRAR_NAME: (INFRASTRUCTURE,),
    SYSLOG_NAME: (INFRASTRUCTURE,),
    VPN_NAME: (VPN_ADDRESS,),
    LDAP_NAME: (LDAP_ADDRESS,),
    ACS_NAME: (ACS_ADDRESS,),
    PROXY_NAME: (PROXY_ADDRESS,),
    WPAD_NAME: (PROXY_ADDRESS,),
}
"""A records of the lab: the provisioning server has two and the first is dead, so that the
phone's walk shows."""

DEAD_COUNTERS = f"""\
table inet lab {{
  counter dead {{ }}
  counter silent {{ }}
  chain input {{
    type filter hook input priority filter; policy accept;
    ip daddr {DEAD} tcp dport 443 counter name "dead"
    ip daddr {SILENT} tcp dport 443 counter name "silent" reject with icmp host-unreachable
  }}
}}
"""
"""Shows whether the phone tried the dead addresses."""


def hosts(records: Mapping[str, tuple[str, ...]]) -> str:
    """Return the file that dnsmasq takes its A records from, in their order."""
    return "".join(f"{each} {name}\n" for name, addresses in records.items() for each in addresses)


OPTIONS = f"""\
dhcp-option=159,"{PROVISIONING_NAME}"
dhcp-option=160,"{PROFILE_URL}"
"""
"""What DHCP says of the profile."""


def dnsmasq(leases: str, records: str, options: str = OPTIONS) -> str:
    """Return the configuration of dnsmasq: DHCP, router advertisements and DNS.

    `leases` and `records` are files. `no-ping`, because a first offer after three seconds comes
    too late; option 66 is absent and 159 is a bare server, so that 160 wins in the default order.
    """
    return f"""\
interface=eth0
bind-interfaces
no-resolv
no-hosts
no-poll
no-round-robin
pid-file=
user=root
log-facility=-
local=/{DOMAIN}/
domain={DOMAIN}
local=/1.99.10.in-addr.arpa/
addn-hosts={records}
log-queries
log-dhcp
no-ping
dhcp-authoritative
dhcp-leasefile={leases}
dhcp-range={LEASES[0]},{LEASES[1]},255.255.255.0,1h
dhcp-option=option:router,{INFRASTRUCTURE}
dhcp-option=option:dns-server,{INFRASTRUCTURE}
{options}enable-ra
dhcp-range={PREFIX_V6},ra-only,64,1h
"""


def rsyslog(log: str, work: str) -> str:
    """Return the configuration of rsyslog: what phones send over UDP, as it came."""
    return f"""\
global(workDirectory="{work}")
module(load="imudp")
template(name="raw" type="string" string="%timegenerated:::date-rfc3339% %fromhost-ip% %rawmsg%\\n")
input(type="imudp" address="{INFRASTRUCTURE}" port="514" ruleset="phones")
ruleset(name="phones") {{ action(type="omfile" file="{log}" template="raw") }}
"""


def users() -> dict[str, str]:
    """Return `{user: new password}` for the lab's two lines."""
    return {user: secrets.token_hex(12) for user in (SECURE_USER, PLAIN_USER)}


def profile(
    users: Mapping[str, str],
    password: str,
    *,
    asks: bool = False,
    more: Mapping[str, str] | None = None,
) -> str:
    """Return the template of a cfg.xml: one line over TLS, one over UDP, both asking who calls.

    The provisioning server fills in what the phone's certificate says.
    `password` is the administrator's, of the page. The line over TLS may ask for media plane
    security.
    """
    settings = {
        "Profile_Rule": PROFILE_URL,
        "Resync_Periodic": "3600",
        "Restricted_Access_Domains": f"{PROVISIONING_NAME}, {REGISTRAR_NAME}",
        "Admin_Password": password,
        "User_Password": secrets.token_urlsafe(9) + "-4Aa",
        "Resync_Random_Delay": FACTORY["Resync_Random_Delay"],
        "Syslog_Server": SYSLOG_NAME,
        "Display_Name_1_": "{{ product }} {{ mac }}",
        **_line(1, SECURE_USER, users, "TLS", 5060),
        **_line(2, PLAIN_USER, users, "UDP", 5062),
    }
    settings |= more or {}
    if asks:
        settings |= {"MediaSec_Request_1_": "Yes", "MediaSec_Over_TLS_Only_1_": "Yes"}
    accepted = {rule: why for rule, why in ACCEPTED.items() if rule != OFF or DOT1X not in settings}
    lines = [f"  <!-- ringfence-check: ignore {rule}: {why} -->" for rule, why in accepted.items()]
    lines += [f'  <{tag} ua="na">{escape(text)}</{tag}>' for tag, text in settings.items()]
    return "\n".join(["<flat-profile>", *lines, "</flat-profile>", ""])


def _line(n: int, user: str, users: Mapping[str, str], transport: str, port: int) -> dict[str, str]:
    return {
        f"Line_Enable_{n}_": "Yes",
        f"Proxy_{n}_": REGISTRAR_NAME,
        f"SIP_Transport_{n}_": transport,
        f"SIP_Port_{n}_": str(port),
        f"User_ID_{n}_": user,
        f"Password_{n}_": users[user],
        f"Auth_INVITE_{n}_": "Yes",
    }


def certify(provider: Path, phone: Path, *, zero_touch: bool = False) -> dict[str, Any]:
    """Make the provider's authority, its servers' certificates, and the phone's identity.

    `provider` gets the authority in `ca`, and key and chain of each server; `phone` becomes the
    state folder of a phone that leaves the factory; with `zero_touch` it knows whom to ask.
    """
    from ringfence.provider import ca
    from ringfence.provider.authority import create
    from ringfence.provider.files import write
    from ringfence.provider.identity import DeviceIdentity

    now = datetime.now(UTC)
    authority = provider / "ca"
    create(authority, "Lab Telco", now)
    for name in (PROVISIONING_NAME, REGISTRAR_NAME, VPN_NAME, LDAP_NAME):
        key, request = csr(name)
        issued = ca.sign(authority, request, ca.Terms(timedelta(days=30), PRODUCT), now)
        write(provider / f"{name}.key", key, 0o600)
        write(provider / f"{name}.crt", issued.certificate, 0o644)
    ca.export(authority, provider)
    device = ca.issue_device(authority, DeviceIdentity(PRODUCT, SERIAL, PHONE_MAC), now)
    phone.mkdir(mode=0o700)
    write(phone / "device.crt", device.certificate, 0o644)
    write(phone / "device.key", device.key or b"", 0o600)
    write(phone / "provider-root.crt", (provider / "provider-root.crt").read_bytes(), 0o644)
    identity = {"mac": PHONE_MAC, "product": PRODUCT, "serial": SERIAL, "interface": "br0"}
    if zero_touch:
        identity["activation_url"] = f"https://{PROVISIONING_NAME}"
    write(phone / "device.json", json.dumps(identity).encode(), 0o644)
    return {
        "servers": [PROVISIONING_NAME, REGISTRAR_NAME],
        "product": PRODUCT,
        "mac": PHONE_MAC,
    }


def activation(provider: Path) -> tuple[str, ...]:
    """Return the words by which the provisioning server tells the lab's phone of its profile."""
    from ringfence.provider.inventory import devices
    from ringfence.provider.inventory.database import SETTINGS, Inventory, create

    data = provider / "data"
    if not (data / SETTINGS).exists():
        create(data)
        inventory = Inventory(data)
        with inventory.changing("the lab", "device set", PHONE_MAC) as connection:
            devices.put(connection, devices.Device(PHONE_MAC, "the lab's phone"))
        inventory.close()
    return ("--data", str(data), "--activation", PROFILE_URL)


def csr(name: str) -> tuple[bytes, bytes]:
    """Return a new key and a signing request for a server."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    pem = serialization.Encoding.PEM
    text = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return text, request.sign(key, hashes.SHA256()).public_bytes(pem)
