"""Each client of a running phone: the list it offers, and the name that it insists on.

Its own trigger sends each to `openssl s_server`, which is right in all but its name.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import leaf, rsa_key
from tests.support.firmware import Publisher, image
from tests.support.hello import SCSV, offered
from tests.support.hello_server import HelloServer
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, NAME, Net, refused, submit
from tests.support.tls_servers import version
from tests.support.upgrade_phone import upgrade

__all__ = ["dnsmasq", "net"]

LIST, SUITES = "AES256-SHA:AES128-SHA", [0x0035, 0x002F, SCSV]
WRONG = "the certificate has DNS:other.telco.test"
PORT = 4433
AT = f"https://{NAME}:{PORT}"


@pytest.fixture
def firmware(net: Net, tmp_path: Path) -> None:
    """Let the phone know whose images to believe, else it asks nobody."""
    publisher = Publisher(tmp_path / "publisher")
    publisher.publish(tmp_path / "firmware", image("9.9"))
    publisher.trust(tmp_path / "firmware", net.state)


@pytest.fixture
def server(net: Net, tmp_path: Path, component: list[str]) -> Iterator[HelloServer]:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    certificate = leaf(net.trust.servers, dns=["other.telco.test"], key=rsa_key())
    started = HelloServer(net.servers, tmp_path, certificate, PORT)
    yield started
    started.stop()


def failed(phone: RunningPhone, feature: str) -> str:
    """Return the section of a feature in the status, once it says why something failed."""

    def told(status: dict[str, Any]) -> bool:
        return "failed" in str(status["features"][feature]["rows"])

    return str(phone.until(told)["features"][feature]["rows"])


def provisioning(phone: RunningPhone) -> str:
    return refused(phone, f"{AT}/a.xml")


def upgrading(phone: RunningPhone) -> str:
    return str(upgrade(phone, f"{AT}/a.pyz")["reason"])


def report(phone: RunningPhone) -> str:
    submit(phone, Report_Rule=f"{AT}/a.xml")
    return ringfence("phone", "report", "--state", str(phone.state)).stdout


def problem_report(phone: RunningPhone) -> str:
    submit(phone, PRT_Upload_Rule=f"{AT}/prt")
    return ringfence("phone", "problem-report", "--state", str(phone.state)).stdout


def custom_ca(phone: RunningPhone) -> str:
    submit(phone, Custom_CA_Rule=f"{AT}/ca.pem")
    return failed(phone, "custom_ca")


def scep(phone: RunningPhone) -> str:
    secret = {"CDC_Challenge_Password_1_": "x", "CDC_Root_CA_Fingerprint_1_": "AA:" * 31 + "AA"}
    submit(phone, CDC_Server_1_=f"{AT}/scep", **secret)
    return failed(phone, "certificates")


@pytest.mark.usefixtures("firmware")
@pytest.mark.proves("TLS-01", "TLS-08")
@pytest.mark.parametrize(
    "trigger", [provisioning, custom_ca, upgrading, report, problem_report, scep]
)
def test_a_client_offers_the_list_that_is_set_and_refuses_another_name(
    net: Net,
    dnsmasq: StartDnsmasq,
    server: HelloServer,
    trigger: Callable[[RunningPhone], str],
) -> None:
    dnsmasq(f"host-record={NAME},{FIRST}")
    phone = net.boot(Resync_On_Reset="No", TLS_Cipher_List=LIST, HTTPS_Name_Validate="No")
    assert WRONG in trigger(phone)
    assert offered(server.next()) == SUITES
