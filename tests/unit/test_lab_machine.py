"""What a machine lacks for the lab, and the command that installs it."""

import pytest

from ringfence.cli.doctor import document, report
from ringfence.lab.machine import (
    COMPONENTS,
    Check,
    Family,
    Verdict,
    family,
    install_line,
)

DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nID=debian\n'
MINT = 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n'


def _missing(name: str) -> Check:
    (component,) = [component for component in COMPONENTS if component.name == name]
    return Check(name, Verdict.MISSING, component.purpose, component.packages)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEBIAN_12, Family.DEBIAN),
        (MINT, Family.DEBIAN),
        ("ID=fedora\n", Family.FEDORA),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', Family.FEDORA),
        ("ID=arch\n", Family.ARCH),
        ("ID=alpine\n", Family.ALPINE),
        ("ID=plan9\n", None),
        ("", None),
    ],
)
def test_the_distribution_is_read_from_os_release(text: str, expected: Family | None) -> None:
    assert family(text) is expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            Family.DEBIAN,
            "sudo apt-get install --no-install-recommends"
            " dnsmasq-base kamailio kamailio-tls-modules",
        ),
        (Family.FEDORA, "sudo dnf install dnsmasq kamailio kamailio-tls"),
        (Family.ARCH, "sudo pacman -S --needed dnsmasq (kamailio is in the AUR)"),
        (Family.ALPINE, "sudo apk add dnsmasq kamailio kamailio-tls"),
        (None, "install the packages that hold: dnsmasq, kamailio"),
    ],
)
def test_one_line_installs_what_is_missing(where: Family | None, expected: str) -> None:
    checks = [Check("ip", Verdict.GOOD, "6.1.0"), _missing("dnsmasq"), _missing("kamailio")]
    assert install_line(checks, where, root=False) == expected


def test_root_needs_no_sudo() -> None:
    line = install_line([_missing("rsyslogd")], Family.DEBIAN, root=True)
    assert line == "apt-get install --no-install-recommends rsyslog"


def test_nothing_is_installed_for_a_notice() -> None:
    optional = [component for component in COMPONENTS if component.optional]
    notices = [Check(one.name, Verdict.NOTICE, "", one.packages) for one in optional]
    assert notices
    assert install_line(notices, Family.DEBIAN, root=True) == ""


def test_the_report_names_the_line_and_the_verdict() -> None:
    lines = report([_missing("dnsmasq")], "apt-get install dnsmasq-base", good=False)
    assert lines == [
        "missing dnsmasq  DHCP and DNS of the lab",
        "",
        "Install what is missing:",
        "  apt-get install dnsmasq-base",
        "",
        "The lab cannot run here yet.",
    ]


def test_the_document_lists_every_check() -> None:
    made = document([Check("ip", Verdict.GOOD, "6.1.0")], "", good=True)
    rows = [{"name": "ip", "verdict": "good", "detail": "6.1.0"}]
    assert made == {"ok": True, "checks": rows, "install": ""}
