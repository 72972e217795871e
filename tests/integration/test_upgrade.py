"""Upgrades on the whole phone: images that the provider signed, fetched, started, believed."""

from pathlib import Path

import pytest

from ringfence import __version__
from ringfence.errors import ComponentError
from tests.support.certificates import leaf
from tests.support.firmware import PASSPHRASE, Publisher, image, real
from tests.support.phone import ringfence
from tests.support.provider_fixtures import (
    StartDnsmasq,
    StartNginx,
    dnsmasq,
    net,
    nginx,
    rsyslog,
)
from tests.support.provider_net import (
    DNS,
    FIRST,
    MAC,
    NAME,
    SECOND,
    Fifo,
    Net,
    Nginx,
    profile,
    submit,
)
from tests.support.provider_server import Provider
from tests.support.provider_sources import StartTftpd, tftpd
from tests.support.upgrade_phone import OWN, row, rows, started, upgrade

__all__ = ["dnsmasq", "net", "nginx", "rsyslog", "tftpd"]

OTHER = "elsewhere.test"
HERE = f"host-record={NAME},{FIRST}"
AT = f"https://{NAME}"
PHONE = "CP-8841-3PCC 00:0e:08:ab:cd:ef --"
NEW = f"https://{FIRST}:443/firmware/new.pyz"


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("authority") / "ca")


def said_yes(*words: str) -> None:
    """Run a command of the provider's."""
    done = ringfence(*words)
    assert done.returncode == 0, done.stderr


@pytest.mark.proves("RSY-09", "LOG-01")
def test_an_image_is_fetched_started_and_stays(
    net: Net, dnsmasq: StartDnsmasq, rsyslog: Fifo, component: list[str], tmp_path: Path
) -> None:
    component.append("own-peer")
    dnsmasq(HERE)
    folder, words, new = tmp_path / "firmware", tmp_path / "words", tmp_path / "new.pyz"
    words.write_bytes(PASSPHRASE)
    new.write_bytes(image("9.9"))
    opens = ("--passphrase-file", str(words))
    where = ("--dir", str(folder), "--ca-dir", str(tmp_path / "authority"))
    said_yes("ca", "init", "--dir", str(tmp_path / "authority"), *opens)
    said_yes("provider", "firmware", "publish", str(new), *where, *opens)
    (net.state / "firmware-root.json").write_bytes((folder / "root.json").read_bytes())
    provider = Provider(net, "--firmware", str(folder))
    net.at_end(provider.server.stop)
    provider.put("default.xml", profile(GPP_A="here"))
    rules = {"Profile_Rule": f"{AT}/$MA.xml", "Upgrade_Rule": f"{AT}/firmware/new.pyz"}
    phone = net.boot(**OWN, **rules, Syslog_Server=DNS)
    said = "\n".join(rsyslog.wait_for("Successful upgrade"))
    assert f"{PHONE} Requesting upgrade {NEW}\n" in said
    assert f"{PHONE} Successful upgrade {NEW} -- 9.9 came up" in said
    assert said.index("Requesting upgrade") < said.index("Successful upgrade")
    assert started(phone) == "firmware-a.pyz"
    assert row(phone, "Software Version") == "9.9, slot A"
    assert row(phone, "Firmware Upgrade Status 1").endswith("success 9.9 came up")
    assert row(phone, "Reboot Reason 1", "phone").endswith("] Upgrade")
    log = provider.server.wait_for(f"GET /{MAC}.xml")
    assert log.index("new.pyz") < log.index(f"GET /{MAC}.xml"), "no resync followed the upgrade"
    told = upgrade(phone)
    assert (told["result"], told["reason"]) == ("current", "9.9 runs already")
    phone.stop()
    phone = net.boot(**OWN, **rules)
    assert started(phone) == "firmware-a.pyz"


def put(server: Nginx, folder: Path) -> None:
    """Lay what was published where nginx serves it."""
    place = server.root / folder.name
    place.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (place / file.name).write_bytes(file.read_bytes())
        (place / file.name).chmod(0o644)


def damaged(folder: Path, data: bytes) -> None:
    """Put other bytes in the place of the image."""
    (path,) = folder.glob("*.new.pyz")
    path.write_bytes(data)


@pytest.mark.proves("RSY-09", "LOG-01")
def test_what_the_provider_did_not_sign_or_cannot_run_here_is_refused_and_said(
    net: Net,
    dnsmasq: StartDnsmasq,
    nginx: StartNginx,
    rsyslog: Fifo,
    publisher: Publisher,
    tmp_path: Path,
) -> None:
    dnsmasq(HERE)
    server = nginx()
    good = image("9.9")
    needs = {"requires": ["numpy>=99", "aiohttp>=3"], "python": ">=3.99"}
    Publisher(tmp_path / "thief").publish(tmp_path / "foreign", good)
    publisher.publish(tmp_path / "cut", good)
    damaged(tmp_path / "cut", good[:-1000])
    publisher.publish(tmp_path / "changed", good)
    damaged(tmp_path / "changed", good[:-1000] + bytes([good[-1000] ^ 1]) + good[-999:])
    publisher.publish(tmp_path / "expired", good, age=40)
    publisher.publish(tmp_path / "unlisted", good)
    publisher.publish(tmp_path / "old", good, "0.0.9")
    publisher.publish(tmp_path / "lacking", image("9.9", manifest=needs))
    publisher.publish(tmp_path / "liar", image("9.8"))
    publisher.publish(tmp_path / "headset", good, kind="headset")
    for folder in ("foreign", "cut", "changed", "expired", "unlisted", "old", "lacking", "liar"):
        put(server, tmp_path / folder)
    put(server, tmp_path / "headset")
    for name, garbage in (("noise", bytes(range(256)) * 9), ("huge", b" " * 20000)):
        (server.root / name).mkdir()
        (server.root / name / "timestamp.json").write_bytes(garbage)
        (server.root / name / "timestamp.json").chmod(0o644)
    publisher.trust(tmp_path / "old", net.state)
    after = {"Log_Failure_Msg": "resync behind $UPGST: $UPGERR"}
    phone = net.boot(**OWN, **after, Syslog_Server=DNS, Downgrade_Rev_Limit="0.1")
    (process,) = phone.children()
    cases = {
        f"{AT}/foreign/new.pyz": "not signed by the provider: timestamp was signed by 0/1 keys",
        f"{AT}/cut/new.pyz": "not what the provider signed: Observed length",
        f"{AT}/changed/new.pyz": "not what the provider signed: Observed hash",
        f"{AT}/expired/new.pyz": "have expired: timestamp.json is expired; ringfence provider",
        f"{AT}/unlisted/other.pyz": "the provider has not signed any other.pyz",
        f"{AT}/old/new.pyz": "0.0.9 is older than Downgrade_Rev_Limit, 0.1",
        f"{AT}/lacking/new.pyz": "9.9 needs Python >=3.99, and this is 3.",
        f"{AT}/liar/new.pyz": "it is signed as 9.9 and says that it is 9.8",
        f"{AT}/headset/new.pyz": "it is signed for a headset, and the rule is a phone's",
        f"{AT}/noise/new.pyz": "the provider's metadata are refused: Failed to deserialize JSON",
        f"{AT}/huge/new.pyz": "the body exceeds 16384 bytes",
        f"{AT}/nowhere/new.pyz": "HTTP status 404 for /nowhere/timestamp.json",
        f"{AT}/old/new.pyz?x": "'new.pyz?x' is not the name of a signed file",
        "/old/new.pyz": "the rule names no server, and DHCP names none",
    }
    for count, (rule, reason) in enumerate(cases.items(), 1):
        told = upgrade(phone, rule)
        assert told["result"] == "failure", (rule, told)
        assert reason in told["reason"], rule
        said = rsyslog.wait_for("Upgrade failed: ", count)
        failed = [line for line in said if f"{PHONE} Upgrade failed: " in line]
        assert reason in failed[-1]
        assert reason in row(phone, "Firmware Upgrade Status 1") or not told["url"]
    rsyslog.wait_for("resync behind 2: not signed by the provider")
    assert "numpy>=99, which is not installed" in rsyslog.text
    assert phone.children() == [process]
    assert sorted(path.name for path in net.state.glob("firmware*")) == [
        "firmware-metadata.json",
        "firmware-root.json",
    ]
    (net.state / "firmware-root.json").unlink()
    assert "firmware-root.json: is missing" in upgrade(phone, f"{AT}/unlisted/new.pyz")["reason"]


@pytest.mark.proves("RSY-09")
def test_older_metadata_are_told_from_newer_ones_after_a_reboot_too(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, publisher: Publisher, tmp_path: Path
) -> None:
    dnsmasq(HERE)
    server = nginx()
    folder = tmp_path / "firmware"
    publisher.publish(folder, real(), __version__)
    then = {path.name: path.read_bytes() for path in folder.iterdir()}
    put(server, folder)
    publisher.publish(folder, real(), __version__)
    publisher.trust(folder, net.state)
    put(server, folder)
    phone = net.boot(**OWN)
    assert upgrade(phone, f"{AT}/firmware/new.pyz")["result"] == "current"
    phone.stop()
    (server.root / "firmware" / "timestamp.json").write_bytes(then["timestamp.json"])
    phone = net.boot(**OWN)
    reason = upgrade(phone, f"{AT}/firmware/new.pyz")["reason"]
    assert reason.startswith("replayed, older than what was seen: New timestamp version")


@pytest.mark.proves("RAD-04")
@pytest.mark.parametrize("kind", ["phone", "headset"])
def test_a_forbidden_server_is_asked_for_nothing_not_even_of_dns(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, publisher: Publisher, kind: str
) -> None:
    names = dnsmasq(HERE, f"host-record={OTHER},{SECOND}", f"local=/{OTHER}/")
    foreign = nginx("foreign", leaf(net.trust.servers, dns=[OTHER]), listen=SECOND)
    server = nginx("own", None, f"location /away/ {{ return 302 https://{OTHER}$uri; }}")
    folder = net.folder / "firmware"
    publisher.publish(folder, image("9.9"))
    publisher.trust(folder, net.state)
    put(foreign, folder)
    phone = net.boot(**OWN, Restricted_Access_Domains="telco.test")
    for rule in (f"https://{OTHER}/firmware/new.pyz", f"{AT}/away/new.pyz"):
        told = upgrade(phone, rule, kind)
        assert told["result"] == "failure"
        assert f"domain not allowed: {OTHER}" in told["reason"]
    server.access.wait_for("/away/")
    assert names.logged(f"query[A] {OTHER}") == 0
    submit(phone, Restricted_Access_Domains="")
    upgrade(phone, f"https://{OTHER}/firmware/new.pyz", kind)
    foreign.access.wait_for("/firmware/timestamp.json")
    assert names.logged(f"query[A] {OTHER}") > 0


@pytest.mark.proves("PRV-20", "TLS-08")
@pytest.mark.parametrize("kind", ["phone", "headset"])
def test_a_server_by_another_name_gets_no_request(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, publisher: Publisher, kind: str
) -> None:
    dnsmasq(HERE, f"host-record=other.telco.test,{SECOND}")
    folder = net.folder / "firmware"
    publisher.publish(folder, image("9.9"))
    publisher.trust(folder, net.state)
    wrong = nginx("wrong", leaf(net.trust.servers, dns=["mirror.telco.test"]), listen=SECOND)
    put(wrong, folder)
    phone = net.boot(**OWN, HTTPS_Name_Validate="No")
    told = upgrade(phone, "https://other.telco.test/firmware/new.pyz", kind)
    assert told["result"] == "failure"
    assert "the certificate has DNS:mirror.telco.test" in told["reason"]
    assert wrong.access.text == ""


@pytest.mark.proves("RSY-09")
def test_the_firmware_of_a_headset_is_verified_and_stored_only(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo, publisher: Publisher
) -> None:
    dnsmasq(HERE)
    server = nginx()
    folder = net.folder / "firmware"
    publisher.publish(folder, b"firmware of a headset", "2-1-5", "headset")
    publisher.trust(folder, net.state)
    put(server, folder)
    rule = f"{AT}/firmware/new.pyz"
    phone = net.boot(**OWN, Cisco_Headset_Upgrade_Rule=rule, Syslog_Server=DNS)
    (process,) = phone.children()
    said = rsyslog.wait_for("Successful upgrade")
    assert said[-1].endswith("/firmware/new.pyz -- 2-1-5 is stored")
    assert ("Headset Firmware", "2-1-5, stored only: no headset takes it from here") in rows(phone)
    assert (net.state / "headset-image").read_bytes() == b"firmware of a headset"
    assert phone.children() == [process]
    assert upgrade(phone, kind="headset")["result"] == "current"
    assert "signed for a headset" in upgrade(phone, rule)["reason"]


@pytest.mark.proves("RSY-09")
def test_an_image_comes_over_tftp_too_and_only_while_upgrades_are_enabled(
    net: Net, tftpd: StartTftpd, publisher: Publisher
) -> None:
    server = tftpd()
    folder = net.folder / "firmware"
    publisher.publish(folder, image("9.9"))
    publisher.trust(folder, net.state)
    for file in folder.iterdir():
        server.put(file.name, file.read_bytes())
    phone = net.boot(**OWN, Upgrade_Rule=f"{FIRST}/new.pyz", Upgrade_Enable="No")
    with pytest.raises(ComponentError, match="Upgrade_Enable: is No"):
        upgrade(phone)
    submit(phone, Upgrade_Enable="Yes")
    phone.wait_for("upgrade.done: 9.9")
    assert started(phone) == "firmware-a.pyz"
