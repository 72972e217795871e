"""What the whole phone fetches from where DHCP and DHCPv6 point: tftpd-hpa, dnsmasq."""

import pytest

from tests.support.firmware import Publisher, image
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, MAC, NAME, Net, profile, stored
from tests.support.provider_sources import StartTftpd, requests, tftpd
from tests.support.upgrade_phone import started

__all__ = ["dnsmasq", "net", "nginx", "tftpd"]

LENDS = ("dhcp-range=10.99.0.100,10.99.0.110,255.255.255.0,1h", "dhcp-authoritative")
LENDS6 = (
    "interface=eth0",
    "enable-ra",
    "dhcp-range=fd99::100,fd99::1ff,64,1h",
    "dhcp-option=option6:dns-server,[fd99::9]",
    f"host-record={NAME},fd99::9",
)
ADDRESS_OF_SERVER = "fd:99:00:00:00:00:00:00:00:00:00:00:00:00:00:09"


def leased(net: Net, **texts: str) -> RunningPhone:
    """Start a phone that asks the network for everything else."""
    config = net.folder / "virgin.xml"
    config.write_text(profile(Resync_Random_Delay="0", Enable_Web_Server="No", **texts))
    phone = RunningPhone(net.state, net.phone_space, "--config", str(config))
    net.at_end(phone.stop)
    return phone


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("authority") / "ca")


@pytest.mark.proves("DHC-11")
@pytest.mark.parametrize("option", [f'66,"{FIRST}"', f'160,"tftp://{NAME}/$MA.xml"'])
def test_an_upgrade_rule_without_a_server_goes_to_the_one_that_dhcp_names(
    net: Net,
    dnsmasq: StartDnsmasq,
    tftpd: StartTftpd,
    publisher: Publisher,
    option: str,
) -> None:
    leases = f"dhcp-leasefile={net.folder}/leases"
    dnsmasq(f"host-record={NAME},{FIRST}", *LENDS, leases, f"dhcp-option-force={option}")
    server, folder = tftpd(), net.folder / "firmware"
    publisher.publish(folder, image("9.9"))
    publisher.trust(folder, net.state)
    for file in folder.iterdir():
        server.put(file.name, file.read_bytes())
    phone = leased(net, Resync_On_Reset="No", Upgrade_Rule="/new.pyz")
    phone.wait_for("upgrade.installed: 9.9")  # a busy machine has time for each half
    phone.wait_for("upgrade.done: 9.9")
    assert started(phone) == "firmware-a.pyz"


@pytest.mark.proves("DHC-11")
def test_an_upgrade_rule_without_a_server_goes_nowhere_where_dhcp_names_an_acs_alone(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    leases = f"dhcp-leasefile={net.folder}/leases"
    acs = f'dhcp-option-force=encap:43,1,"http://{FIRST}/acs"'
    dnsmasq(f"host-record={NAME},{FIRST}", *LENDS, leases, acs)
    server = nginx(scheme="http")
    phone = leased(net, Resync_On_Reset="No", Upgrade_Rule="/new.pyz")
    phone.wait_for("upgrade.failed")
    assert "the rule names no server, and DHCP names none" in phone.log
    net.phone_space.run("curl", "-s", "-o", "/dev/null", f"http://{FIRST}/marker")
    assert [line.split("|")[2] for line in server.access.wait_for("\n")] == ["GET /marker HTTP/1.1"]


@pytest.mark.proves("DHC-02")
@pytest.mark.parametrize(
    ("option", "path"),
    [
        (f'160,"tftp://{NAME}/p-$MA.xml"', f"p-{MAC}.xml"),
        (f'159,"{NAME}"', "8841.xml"),
        (f"17,00:00:00:09:00:01:00:10:{ADDRESS_OF_SERVER}", "8841.xml"),
    ],
)
def test_a_phone_of_ipv6_alone_fetches_from_where_dhcpv6_points(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd, option: str, path: str
) -> None:
    net.servers.address("eth0", "fd99::9/64")
    leases = f"dhcp-leasefile={net.folder}/leases"
    dnsmasq(*LENDS6, leases, f"dhcp-option=option6:{option}")
    tftpd("[fd99::9]").put(path, profile(GPP_A="over IPv6"))
    phone = leased(net, IP_Mode="IPv6 Only")
    phone.wait_for("provisioning.done")
    assert stored(phone, "GPP_A") == "over IPv6"
    lease = phone.status()["lease6"]
    assert lease["address"].startswith("fd99::1")
    number = option.partition(",")[0]
    assert lease["profile_source"]["named_by"] == f"DHCPv6 option {number}"
    assert requests(net, "inside") == 1


def test_where_nobody_answers_dhcp_a_phone_of_both_families_fetches_over_ipv6(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd
) -> None:
    net.servers.address("eth0", "fd99::9/64")
    leases = f"dhcp-leasefile={net.folder}/leases"
    dnsmasq(*LENDS6, leases, f'dhcp-option=option6:159,"{NAME}"')
    tftpd("[fd99::9]").put("8841.xml", profile(GPP_A="over IPv6"))
    phone = leased(net)
    log = phone.wait_for("provisioning.done")
    assert "dhcp.unanswered: Selecting, 2 times" in log
    assert stored(phone, "GPP_A") == "over IPv6"
