"""A state folder without room: nothing is half-written, everything says why, and recovers.

The folder lies on a small file system of its own, which a file of the test fills up.
"""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ringfence.errors import ComponentError
from ringfence.runtime.control import ask
from tests.support.certificates import authority, leaf, rsa_key
from tests.support.firmware import Publisher
from tests.support.hostile import mount_small
from tests.support.phone import RunningPhone
from tests.support.portal import Desk
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    FIRST,
    NAME,
    Net,
    profile,
    refused,
    resync,
    stored,
    submit,
)
from tests.support.upgrade_phone import upgrade

__all__ = ["dnsmasq", "net", "nginx"]

SAID = os.strerror(errno.ENOSPC)


@pytest.fixture
def room(net: Net, component: list[str]) -> Path:
    """Put the phone's folder on a disk of 1 MiB; return the name of what may fill it."""
    component.append("kernel")
    kept = {path.name: path.read_bytes() for path in net.state.iterdir()}
    net.at_end(mount_small(net.state, "1m"))
    for name, data in kept.items():
        (net.state / name).write_bytes(data)
    return net.state / "filler"


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def whole(phone: RunningPhone, process: int) -> None:
    """See that the phone is what it was, and that no bug showed."""
    assert phone.children() == [process]
    assert ".bug" not in phone.log
    assert not [path for path in phone.state.iterdir() if path.name.endswith(".tmp")]


def test_a_full_disk_leaves_the_last_good_state_and_room_brings_the_new_one(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, room: Path
) -> None:
    dnsmasq(f"host-record={NAME},{FIRST}")
    server, at = nginx(), f"https://{NAME}"
    server.put("a.xml", profile(GPP_A="new"))
    quiet = {"Resync_On_Reset": "No", "Resync_Error_Retry_Delay": "1", "GPP_A": "old"}
    phone = net.boot(**quiet, Custom_CA_Rule=f"{at}/ca.pem")
    (process,) = phone.children()
    phone.wait_for("custom_ca.failed")
    fill(room)
    assert SAID in refused(phone, f"{at}/a.xml")
    assert stored(phone, "GPP_A") == "old"
    with pytest.raises(ComponentError, match=SAID):
        submit(phone, GPP_A="local")
    assert stored(phone, "GPP_A") == "old"
    report = ask(phone.state, {"verb": "command", "name": "problem-report", "arguments": {}})
    assert report is not None
    assert (report["result"], SAID in report["reason"]) == ("failure", True)
    server.put("ca.pem", authority("New CA").pem)
    phone.wait_for(f"file custom-ca.crt: {SAID}")
    assert not (net.state / "custom-ca.crt").exists()
    room.unlink()
    phone.wait_for("custom_ca.installed: New CA")
    assert resync(phone, f"{at}/a.xml")["result"] == "success"
    assert stored(phone, "GPP_A") == "new"
    whole(phone, process)


@pytest.mark.proves("PRV-21")
def test_a_certificate_for_which_there_is_no_room_comes_when_there_is(
    net: Net, dnsmasq: StartDnsmasq, room: Path, component: list[str]
) -> None:
    component.append("own-peer")
    dnsmasq(f"host-record={NAME},{FIRST}")
    folder = net.folder / "authority"
    folder.mkdir()
    desk = Desk(net.servers, folder)
    files = leaf(net.trust.servers, dns=[NAME]).save(folder, "portal")
    argv = ["openssl", "x509", "-in", str(desk.ca / "client-root.crt"), "-noout", "-fingerprint"]
    said = subprocess.run([*argv, "-sha256"], capture_output=True, text=True, check=True)
    phone = net.boot(
        Resync_On_Reset="No",
        Resync_Error_Retry_Delay="1",
        CDC_Server_1_=f"http://{NAME}/scep",
        CDC_Root_CA_Fingerprint_1_=said.stdout.partition("=")[2].strip(),
        CDC_Challenge_Password_1_=desk.challenge(),
    )
    (process,) = phone.children()
    phone.wait_for("certificates.scep_failed")
    key = rsa_key()
    words = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (net.state / "custom-device.key").write_bytes(key.private_bytes(*words))
    fill(room)
    tls = ("--certificate", files[0], "--key", files[1], "--bind", FIRST)
    desk.serve(*tls, "--port", "443", "--scep-port", "80")
    net.at_end(desk.stop)
    phone.wait_for(f"file custom-device.pem: {SAID}")
    assert not (net.state / "custom-device.pem").exists()
    room.unlink()
    phone.wait_for("certificates.scep_done")
    assert b"CERTIFICATE" in (net.state / "custom-device.pem").read_bytes()
    whole(phone, process)


@pytest.mark.proves("RSY-09")
def test_an_upgrade_for_which_there_is_no_room_says_so(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    dnsmasq(f"host-record={NAME},{FIRST}")
    server, scratch = nginx(), net.folder / "scratch"
    scratch.mkdir()
    net.at_end(mount_small(scratch, "1m"))
    monkeypatch.setenv("TMPDIR", str(scratch))
    folder, author = net.folder / "firmware", Publisher(net.folder / "ca")
    author.publish(folder, b"no image")
    author.trust(folder, net.state)
    (server.root / "firmware").mkdir()
    for file in folder.iterdir():
        (server.root / "firmware" / file.name).write_bytes(file.read_bytes())
    phone = net.boot(Resync_On_Reset="No", Upgrade_Error_Retry_Delay="0")
    (process,) = phone.children()
    rule = f"https://{NAME}/firmware/new.pyz"
    refused_as = upgrade(phone, rule)["reason"]  # and what was signed is remembered
    fill(scratch / "filler")
    assert SAID in upgrade(phone, rule)["reason"]
    (scratch / "filler").unlink()
    assert upgrade(phone, rule)["reason"] == refused_as
    assert not list(scratch.iterdir())
    whole(phone, process)
