"""What the lab needs of this machine, and the one command that installs what is missing."""

import enum
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from ctypes.util import find_library
from pathlib import Path

from msgspec import Struct

from ringfence.lab.dot1x import radiusd
from ringfence.lab.sandbox import has_sub_ids, search_path


class Family(enum.Enum):
    """Distributions that share package names, with the words that install packages."""

    DEBIAN = "apt-get install --no-install-recommends"
    FEDORA = "dnf install"
    ARCH = "pacman -S --needed"
    ALPINE = "apk add"


class Component(Struct, frozen=True):
    """A program or library that the lab uses."""

    name: str
    purpose: str
    packages: Mapping[Family, str]
    """Package names, separated by blanks; a remark in brackets where there is no package."""
    version: tuple[str, ...] = ()
    """Words that print the version; the first is the program itself."""
    library: str = ""
    """Shared library, where the component is not a program."""
    optional: bool = False


def _everywhere(debian: str, fedora: str, arch: str, alpine: str) -> Mapping[Family, str]:
    return dict(zip(Family, (debian, fedora, arch, alpine), strict=True))


COMPONENTS = (
    Component(
        "unshare",
        "the lab's namespaces",
        _everywhere("util-linux", "util-linux", "util-linux", "util-linux-misc"),
        ("unshare", "--version"),
    ),
    Component(
        "ip",
        "the lab's wires",
        _everywhere("iproute2", "iproute", "iproute2", "iproute2"),
        ("ip", "-V"),
    ),
    Component(
        "nft",
        "shows the phone's firewall",
        _everywhere("nftables", "nftables", "nftables", "nftables"),
        ("nft", "--version"),
    ),
    Component(
        "libnftables",
        "loads the phone's firewall",
        _everywhere("libnftables1", "nftables", "nftables", "nftables"),
        library="nftables",
    ),
    Component(
        "dnsmasq",
        "DHCP and DNS of the lab",
        _everywhere("dnsmasq-base", "dnsmasq", "dnsmasq", "dnsmasq"),
        ("dnsmasq", "--version"),
    ),
    Component(
        "kamailio",
        "registrar of the lab",
        _everywhere(
            "kamailio kamailio-tls-modules",
            "kamailio kamailio-tls",
            "(kamailio is in the AUR)",
            "kamailio kamailio-tls",
        ),
        ("kamailio", "-v"),
    ),
    Component(
        "rsyslogd",
        "syslog server of the lab",
        _everywhere("rsyslog", "rsyslog", "rsyslog", "rsyslog"),
        ("rsyslogd", "-v"),
    ),
    Component(
        "slapd",
        "directory of the lab, for lab up --ldap",
        _everywhere(
            "slapd libsasl2-modules",
            "openldap-servers",
            "openldap",
            "openldap openldap-back-mdb",
        ),
        ("slapd", "-VV"),
        optional=True,
    ),
    Component(
        "wpa_supplicant",
        "802.1X of a phone",
        _everywhere("wpasupplicant", "wpa_supplicant", "wpa_supplicant", "wpa_supplicant setpriv"),
        ("wpa_supplicant", "-v"),
        optional=True,
    ),
    Component(
        "hostapd",
        "a lab's switch with 802.1X",
        _everywhere("hostapd", "hostapd", "hostapd", "hostapd"),
        ("hostapd", "-v"),
        optional=True,
    ),
    Component(
        "freeradius",
        "RADIUS server of a lab with 802.1X",
        _everywhere("freeradius", "freeradius", "freeradius", "freeradius freeradius-eap"),
        (radiusd(), "-v"),
        optional=True,
    ),
    Component(
        "squid",
        "HTTP proxy of the lab, for lab up --proxy",
        _everywhere("squid", "squid", "squid", "squid"),
        ("squid", "-v"),
        optional=True,
    ),
    Component(
        "ocserv",
        "VPN server of the lab, for lab up --vpn",
        _everywhere("ocserv", "ocserv", "(ocserv is in the AUR)", "ocserv"),
        ("ocserv", "--version"),
        optional=True,
    ),
    Component(
        "openconnect",
        "connects the phone to a VPN",
        _everywhere("openconnect", "openconnect", "openconnect", "openconnect"),
        ("openconnect", "--version"),
        optional=True,
    ),
    Component(
        "newuidmap",
        "more than one user in a lab without root",
        _everywhere("uidmap", "shadow-utils", "shadow", "shadow-uidmap"),
        ("newuidmap",),
        optional=True,
    ),
)


class Verdict(enum.Enum):
    """How a check came out."""

    GOOD = "good"
    NOTICE = "notice"
    """It works, with less comfort."""
    MISSING = "missing"
    """The lab cannot run."""


class Check(Struct, frozen=True):
    """One fact about this machine."""

    name: str
    verdict: Verdict
    detail: str
    packages: Mapping[Family, str] = {}
    """What to install where the verdict is MISSING or NOTICE."""


def family(os_release: str) -> Family | None:
    """Return the family that the text of /etc/os-release names; None for another one."""
    pairs = dict(re.findall(r'^(ID|ID_LIKE)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    words = [*pairs.get("ID", "").split(), *pairs.get("ID_LIKE", "").split()]
    known = {
        "debian": Family.DEBIAN,
        "ubuntu": Family.DEBIAN,
        "fedora": Family.FEDORA,
        "rhel": Family.FEDORA,
        "arch": Family.ARCH,
        "alpine": Family.ALPINE,
    }
    return next((known[word] for word in words if word in known), None)


def install_line(checks: Iterable[Check], distribution: Family | None, *, root: bool) -> str:
    """Return the one command that installs what is missing; empty where nothing is."""
    lacking = [check for check in checks if check.verdict is Verdict.MISSING and check.packages]
    if not lacking:
        return ""
    chosen = distribution or Family.DEBIAN
    words: list[str] = []
    remarks: list[str] = []
    for check in lacking:
        text = check.packages[chosen]
        (remarks if text.startswith("(") else words).append(text)
    if distribution is None:
        return f"install the packages that hold: {', '.join(check.name for check in lacking)}"
    command = f"{'' if root else 'sudo '}{chosen.value} {' '.join(words)}" if words else ""
    return " ".join([*([command] if command else []), *remarks])


def checks() -> list[Check]:
    """Return every fact that decides whether the lab can run here."""
    return [_python(), *map(_component, COMPONENTS), _namespaces(), _capabilities()]


def distribution() -> Family | None:
    """Return the family of this machine."""
    try:
        return family(Path("/etc/os-release").read_text())
    except OSError:
        return None


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", Verdict.GOOD, version)


def _component(component: Component) -> Check:
    absent = Verdict.NOTICE if component.optional else Verdict.MISSING
    if component.library:
        found = find_library(component.library)
        if found:
            return Check(component.name, Verdict.GOOD, found)
        return Check(component.name, absent, component.purpose, component.packages)
    if shutil.which(component.version[0], path=search_path()) is None:
        return Check(component.name, absent, component.purpose, component.packages)
    return Check(component.name, Verdict.GOOD, version(component.version))


def version(words: Sequence[str]) -> str:
    """Return the version that a program prints of itself; empty where it prints none."""
    path = search_path()
    ran = subprocess.run(
        words,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=10,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
    )
    match = re.search(r"\d+\.\d+(\.\d+)*", ran.stdout + ran.stderr)
    return match.group() if match else ""


def _namespaces() -> Check:
    if os.geteuid() == 0:
        probe: tuple[str, ...] = ("unshare", "--net", "--mount", "true")
        remedy = "this root may not create namespaces (a container without SYS_ADMIN?)"
    else:
        probe = ("unshare", "--user", "--map-root-user", "--net", "--mount", "true")
        remedy = (
            "user namespaces are switched off: sysctl user.max_user_namespaces, on Ubuntu also"
            " kernel.apparmor_restrict_unprivileged_userns=0, or run as root"
        )
    try:
        ran = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=10)
        works, said = ran.returncode == 0, ran.stderr.strip()
    except OSError as error:
        works, said = False, error.strerror or str(error)
    if not works:
        return Check("namespaces", Verdict.MISSING, f"{said}; {remedy}")
    return Check("namespaces", Verdict.GOOD, _map())


def _map() -> str:
    uid = os.geteuid()
    if uid == 0:
        return "root needs no user namespace"
    if has_sub_ids(uid):
        return "user namespace with a range of subordinate ids"
    return (
        "user namespace with a single user (no newuidmap or no line in /etc/subuid and"
        " /etc/subgid): inside the lab everything runs as one user, the phone too"
    )


CAPABILITIES = {"NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13}
"""What a phone outside the lab needs; numbers from capabilities(7)."""


def _capabilities() -> Check:
    held = int(re.findall(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())[0], 16)
    lacking = [name for name, bit in CAPABILITIES.items() if not held >> bit & 1]
    if not lacking:
        return Check("capabilities", Verdict.GOOD, "enough for a phone outside the lab, too")
    detail = f"a phone outside the lab would need {', '.join(lacking)}; the lab brings its own"
    return Check("capabilities", Verdict.NOTICE, detail)
