"""Every break, in one line each; what does it is in the module of its kind."""

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from ringfence.lab.breaks import (
    attacks,
    certificates,
    computer,
    directories,
    encryption,
    firmware,
    names,
    ports,
    profiles,
    proxies,
    vpn,
)
from ringfence.lab.breaks.stage import Stage


class Break(Struct, frozen=True):
    """One thing that can be broken."""

    title: str
    run: Callable[[Stage], Coroutine[Any, Any, None]]
    """Does it, has the phone meet it, and tells what was seen."""
    port: str = ""
    """Method by which the switch must let the phone in; empty for any."""
    tunnel: bool = False
    """It needs a phone that is in a VPN."""
    directory: bool = False
    """It needs a phone that has a directory."""
    direct: bool = False
    """It needs a phone that goes to the provisioning server itself, not by a proxy."""


BREAKS = {
    "server-name": Break(
        "the provisioning server shows a certificate for another name", certificates.server_name
    ),
    "wrong-ca": Break(
        "the provisioning server shows a certificate by a CA unknown to the phone",
        certificates.wrong_ca,
    ),
    "expired-certificate": Break(
        "the provisioning server's certificate ended yesterday", certificates.expired
    ),
    "dead-address": Break(
        "DNS names a dead provisioning server first, and then only dead ones",
        names.dead_address,
        direct=True,
    ),
    "dns-lies": Break(
        "DNS leads the phone to a thief who holds the server's certificate and key",
        names.dns_lies,
        direct=True,
    ),
    "foreign-domain": Break(
        "the cfg.xml sends the phone to a server outside its domains",
        profiles.foreign_domain,
        direct=True,
    ),
    "redirect-away": Break(
        "a server of the provider redirects the phone outside its domains",
        profiles.redirect_away,
        direct=True,
    ),
    "encrypted-wrong-key": Break(
        "the provider delivers a profile that another key encrypted", encryption.encrypted_wrong_key
    ),
    "unsigned-image": Break(
        "the provider's server offers an image that the provider did not sign",
        firmware.unsigned_image,
    ),
    "rollback": Break("the provider publishes an image that dies at each start", firmware.rollback),
    "weak-cipher": Break(
        "the cfg.xml asks for weak cipher suites and no others", profiles.weak_cipher
    ),
    "flood": Break("a stranger floods a line with INVITEs", attacks.flood),
    "flushed-firewall": Break(
        "somebody throws the phone's firewall away", attacks.flushed_firewall
    ),
    "killed-phone": Break("the phone's process is killed", attacks.killed_phone),
    "vpn-password": Break(
        "the VPN's server refuses the phone's password", vpn.wrong_password, tunnel=True
    ),
    "vpn-restart": Break(
        "the VPN's server restarts and forgets the phone", vpn.restarted_server, tunnel=True
    ),
    "ldap-starttls-stripped": Break(
        "somebody between phone and directory says that the directory cannot do TLS",
        directories.starttls_stripped,
        directory=True,
    ),
    "ldap-wrong-name": Break(
        "the directory shows a certificate for another name",
        directories.wrong_name,
        directory=True,
    ),
    "ldap-password": Break(
        "the directory refuses the phone's password", directories.wrong_password, directory=True
    ),
    "radius-ca": Break(
        "the RADIUS server shows a certificate by a CA that the phone does not know",
        ports.radius_ca,
        port="eap-tls",
    ),
    "fast-password": Break(
        "the RADIUS server knows another EAP-FAST password",
        ports.fast_password,
        port="eap-fast",
    ),
    "dhcp-rogue-pc": Break(
        "the computer behind the phone lends addresses and calls itself a router",
        computer.rogue_dhcp,
    ),
    "wpad-hijack": Break(
        "somebody else answers WPAD, and their proxy opens every tunnel", proxies.wpad_hijack
    ),
    "proxy-407": Break("the HTTP proxy asks for a password all at once", proxies.proxy_407),
    "pac-endless": Break("the PAC file never comes to an end", proxies.pac_endless),
}
