"""What an ACS has the phone fetch, start and become again: images, configurations, the factory."""

from pathlib import Path

import pytest

from ringfence import __version__
from tests.support.acs import ACS_PASSWORD, CIPHERS, ENABLED, Acs, StartAcs, acs
from tests.support.firmware import Publisher, image
from tests.support.provider_fixtures import StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import NAME as SERVER
from tests.support.provider_net import REFUSED, SECOND, Net, Nginx, stored
from tests.support.upgrade_phone import ENDS, started

__all__ = ["acs", "dnsmasq", "net", "nginx"]

AT = f"https://{SERVER}"
DEVICE = "000E08-88012BA01234"
DONE = f"acs.heard: {DEVICE}: TransferComplete"
RUNS = "Device.DeviceInfo.SoftwareVersion"
HOSTS = (f"host-record={SERVER},{SECOND}", f"host-record=gone.telco.test,{REFUSED}")


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("authority") / "ca")


class Stand:
    """A phone, its ACS, and a server that has images for it."""

    def __init__(self, net: Net, server: Nginx, publisher: Publisher) -> None:
        self.net, self.server, self.publisher = net, server, publisher

    def offer(self, folder: str, data: bytes, publisher: Publisher | None = None) -> str:
        """Publish an image; return its URL."""
        signed = self.net.folder / folder
        (publisher or self.publisher).publish(signed, data)
        (self.server.root / folder).mkdir()
        for file in signed.iterdir():
            self.server.put(f"{folder}/{file.name}", "")
            (self.server.root / folder / file.name).write_bytes(file.read_bytes())
        if publisher is None:
            self.publisher.trust(signed, self.net.state)
        return f"{AT}/{folder}/new.pyz"


@pytest.fixture
def stand(net: Net, nginx: StartNginx, publisher: Publisher) -> Stand:
    return Stand(net, nginx(listen=SECOND), publisher)


def ends(server: Acs) -> list[dict[str, str]]:
    """Return what the ACS was told of downloads."""
    return [one["told"] for one in server.informs() if one["events"] == ["TransferComplete"]]


def download(server: Acs, url: str, *words: str) -> None:
    assert server.ask("download", url, *words)["answer"]["Status"] == 1


@pytest.mark.proves("TR-05", "RSY-09")
def test_a_new_image_is_reported_once_it_runs(stand: Stand, acs: StartAcs) -> None:
    server = acs(*HOSTS)
    url = stand.offer("firmware", image("9.9"))
    phone = stand.net.boot(**ENABLED, Upgrade_Error_Retry_Delay="0")
    server.said("0 BOOTSTRAP")
    assert server.value(RUNS) == __version__
    download(server, url, "--key", "to 9.9")
    log = server.said(DONE)
    assert started(phone) == "firmware-a.pyz"
    assert "upgrade.done: 9.9" in phone.wait_for("upgrade.done")
    assert ends(server) == [{"CommandKey": "to 9.9", "FaultCode": "0", "FaultString": ""}]
    told = log.partition("0 BOOTSTRAP, 1 BOOT")[2]
    assert told.index("1 BOOT") < told.index("7 TRANSFER COMPLETE, M Download")
    assert "4 VALUE CHANGE" in told, "the version is another one"
    assert server.value(RUNS) == "9.9"
    download(server, url, "--key", "again")
    server.said(DONE, 2)
    assert ends(server)[1]["FaultCode"] == "0", "it runs already"
    assert server.judge() >= {"Download", "DownloadResponse", "TransferComplete"}


@pytest.mark.proves("TR-05", "RSY-09")
def test_an_image_that_was_taken_back_is_reported_as_failed(stand: Stand, acs: StartAcs) -> None:
    server = acs(*HOSTS)
    url = stand.offer("firmware", image("9.9", ENDS))
    phone = stand.net.boot(**ENABLED, Upgrade_Error_Retry_Delay="0")
    server.said("0 BOOTSTRAP")
    download(server, url, "--key", "k1")
    server.said(DONE)
    phone.wait_for("upgrade.taken_back: 9.9: it ended with exit status 3")
    download(server, url, "--key", "k2")
    server.said(DONE, 2)
    first, second = ends(server)
    assert (first["CommandKey"], first["FaultCode"]) == ("k1", "9010")
    assert first["FaultString"] == "9.9 was taken back: it ended with exit status 3"
    assert (second["CommandKey"], second["FaultCode"]) == ("k2", "9010")
    assert "did not come up here" in second["FaultString"]
    assert server.value(RUNS) == __version__
    assert started(phone) == ""


@pytest.mark.proves("TR-05")
def test_each_download_that_comes_to_nothing_has_its_fault(
    stand: Stand, acs: StartAcs, tmp_path: Path
) -> None:
    server = acs(*HOSTS)
    changed = stand.offer("changed", image("9.9"))
    forged = stand.offer("forged", image("9.9"), Publisher(tmp_path / "other"))
    (whole,) = (stand.server.root / "changed").glob("*.new.pyz")
    whole.write_bytes(whole.read_bytes()[:-1] + b"x")
    stand.server.put("broken.xml", "<flat-profile><GPP_A>x</GPP_B></flat-profile>")
    phone = stand.net.boot(**ENABLED, Upgrade_Error_Retry_Delay="0")
    server.said("0 BOOTSTRAP")
    wanted = [
        (forged, "9019", "not signed by the provider"),
        (changed, "9018", "not what the provider signed"),
        (f"{AT}/nowhere/new.pyz", "9016", "HTTP status 404"),
        ("https://gone.telco.test/new.pyz", "9015", "gone.telco.test"),
        (f"{AT}/broken.xml", "9018", "line 1"),
    ]
    for count, (url, fault, reason) in enumerate(wanted, 1):
        kind = "configuration" if url.endswith(".xml") else "firmware"
        download(server, url, "--kind", kind, "--key", f"k{count}")
        server.said(DONE, count)
        told = ends(server)[-1]
        assert (told["CommandKey"], told["FaultCode"]) == (f"k{count}", fault), told
        assert reason in told["FaultString"]
    assert started(phone) == ""


@pytest.mark.proves("TR-05", "PRV-23")
def test_a_factory_reset_leaves_nothing_of_the_acs_and_begins_anew(net: Net, acs: StartAcs) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP")
    assert server.ask("set", "--key", "k1", f"{CIPHERS}=HIGH")["answer"] == {"Status": 0}
    assert server.ask("notify", CIPHERS)["answer"] == {}
    assert server.ask("factory-reset")["answer"] == {}
    phone.wait_for("phone.factory_reset")
    phone.wait_for("phone.ready", 2)
    assert stored(phone, "TLS_Cipher_List") == ""
    assert stored(phone, "Connection_Request_Password") == ""
    assert not (net.state / "tr069.json").exists()
    phone.stop()
    again = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP, 1 BOOT", 2)
    assert ACS_PASSWORD not in again.log
    assert server.value("Device.ManagementServer.ParameterKey") == ""
    (attribute,) = server.ask("attributes", CIPHERS)["answer"]["ParameterList"]
    assert attribute["Notification"] == 0
