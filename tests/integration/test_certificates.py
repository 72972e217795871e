"""The phone's own certificates: by SCEP, by file, renewed, and warned of before they end."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from tests.support.certificates import CLIENT, Pair, authority, leaf, rsa_key
from tests.support.phone import RINGFENCE, RunningPhone, ringfence
from tests.support.portal import MAC, PRODUCT, SERIAL, Desk
from tests.support.power_cut import STRACE, Disk, replay, seed
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, OWN, Net, profile, submit
from tests.support.tls_servers import end, wait_for_listener

__all__ = ["dnsmasq", "net"]

HOST = "ca.telco.test"
URL = f"http://{HOST}/scep"
A_RECORD = f"host-record={HOST},{FIRST}"


@pytest.fixture
def desk(net: Net, component: list[str]) -> Iterator[Desk]:
    """Serve SCEP at HOST, both ends ours."""
    component.append("own-peer")
    folder = net.folder / "authority"
    folder.mkdir()
    made = Desk(net.servers, folder)
    files = leaf(net.trust.servers, dns=[HOST]).save(folder, "portal")
    tls = ("--certificate", files[0], "--key", files[1], "--bind", FIRST)
    made.serve(*tls, "--port", "443", "--scep-port", "80")
    yield made
    made.stop()


def fingerprint(file: Path, digest: str = "sha256") -> str:
    """Return what openssl says it is, as an operator would copy it."""
    argv = ["openssl", "x509", "-in", str(file), "-noout", "-fingerprint", f"-{digest}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout.partition("=")[2].strip()


def wanted(desk: Desk, url: str = URL, digest: str = "sha256") -> dict[str, str]:
    return {
        "CDC_Server_1_": url,
        "CDC_Root_CA_Fingerprint_1_": fingerprint(desk.ca / "client-root.crt", digest),
        "CDC_Challenge_Password_1_": desk.challenge(),
    }


def rows(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["certificates"]["rows"])


def wait(phone: RunningPhone, label: str, word: str) -> dict[str, str]:
    """Return the section of the status once a row of it has a word."""

    def told(status: dict[str, Any]) -> bool:
        held = dict(status["features"]["certificates"]["rows"])
        return word in held.get(label, "")

    phone.until(told)
    return rows(phone)


def installed(text: str) -> x509.Certificate:
    """Return the certificate, whose key is beside it."""
    held = x509.load_pem_x509_certificate(text.encode())
    key = load_pem_private_key(text.encode(), None)
    assert key.public_key() == held.public_key()
    return held


@pytest.mark.proves("PRV-21")
@pytest.mark.parametrize(("scheme", "digest"), [("http", "sha256"), ("https", "sha1")])
def test_a_phone_gets_a_custom_certificate_and_keeps_it(
    net: Net, dnsmasq: StartDnsmasq, desk: Desk, scheme: str, digest: str
) -> None:
    dnsmasq(A_RECORD)
    given = wanted(desk, f"{scheme}://{HOST}/scep", digest)
    given["Certificate_Select"] = "Custom installed"
    phone = net.boot(Resync_On_Reset="No", **given)
    shown = wait(phone, "SCEP", "succeeded")
    assert shown["802.1X"] == "shows the custom certificate"
    file = net.state / "custom-device.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    held = installed(file.read_text())
    subject = held.subject.rfc4514_string({NameOID.SURNAME: "S"})
    assert subject == f"CN={PRODUCT}-SEP{MAC.upper()},S={MAC},L={SERIAL},OU={PRODUCT}"
    assert not (net.state / "custom-device.key").exists()
    assert wait(phone, "Custom Device Certificate", f"{PRODUCT}-SEP{MAC.upper()}, until 20")
    phone.stop()
    assert given["CDC_Challenge_Password_1_"] not in phone.log
    before, number = file.read_bytes(), len(desk.listed())
    phone = net.boot(Resync_On_Reset="No", Certificate_Select="Manufacturing installed")
    assert rows(phone)["802.1X"] == "shows the manufacturing certificate"
    assert (file.read_bytes(), len(desk.listed())) == (before, number)


@pytest.mark.proves("PRV-21")
def test_a_root_of_another_fingerprint_is_asked_for_nothing(
    net: Net, dnsmasq: StartDnsmasq, desk: Desk
) -> None:
    dnsmasq(A_RECORD)
    given = wanted(desk)
    given["CDC_Root_CA_Fingerprint_1_"] = fingerprint(desk.ca / "server-root.crt")
    phone = net.boot(Resync_On_Reset="No", Certificate_Select="Custom installed", **given)
    shown = wait(phone, "SCEP", "failed")
    assert "no certificate of the SCEP server has the configured fingerprint" in shown["Reason"]
    assert shown["802.1X"] == "shows the manufacturing certificate"
    assert shown["Custom Device Certificate"] == "Not Installed"
    assert [row[1] for row in desk.listed()] == ["scep-ra"]
    submit(phone, CDC_Root_CA_Fingerprint_1_="12:34")
    status = phone.status()["features"]["certificates"]
    assert any("neither a SHA-1 nor a SHA-256 fingerprint" in row[1] for row in status["rows"])


@pytest.mark.proves("PRV-21")
def test_a_wrong_password_leaves_the_phone_without_and_says_so(
    net: Net, dnsmasq: StartDnsmasq, desk: Desk
) -> None:
    dnsmasq(A_RECORD)
    given = wanted(desk)
    right = given["CDC_Challenge_Password_1_"]
    phone = net.boot(Resync_On_Reset="No", **(given | {"CDC_Challenge_Password_1_": "sesame"}))
    assert "the SCEP server refuses: badRequest" in wait(phone, "SCEP", "failed")["Reason"]
    submit(phone, CDC_Challenge_Password_1_=right)
    wait(phone, "SCEP", "succeeded")


def test_a_forbidden_scep_server_is_asked_for_nothing_not_even_of_dns(
    net: Net, dnsmasq: StartDnsmasq, desk: Desk
) -> None:
    names = dnsmasq(A_RECORD)
    domains = {"Restricted_Access_Domains": "elsewhere.test"}
    phone = net.boot(Resync_On_Reset="No", **wanted(desk), **domains)
    assert wait(phone, "SCEP", "failed")["Reason"] == f"domain not allowed: {HOST}"
    submit(phone, Restricted_Access_Domains="")
    wait(phone, "SCEP", "succeeded")
    assert names.wait_for(f"] {HOST} from").count(f"query[A] {HOST}") == 3  # one an operation


@pytest.mark.proves("PRV-21")
def test_a_server_whose_answers_are_weak_is_refused(
    net: Net, dnsmasq: StartDnsmasq, component: list[str]
) -> None:
    said = subprocess.run(["dpkg-query", "-W", "scep"], capture_output=True, text=True)
    component.append(" ".join(said.stdout.split()))
    dnsmasq(A_RECORD)
    depot = str(net.folder / "depot")
    net.servers.run("scepserver", "ca", "-init", "-depot", depot, "-keySize", "2048")
    words = ("-depot", depot, "-port", "80", "-challenge", "sesame")
    server = net.servers.popen(
        "scepserver", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_listener(net.servers, 80)
        phone = net.boot(
            Resync_On_Reset="No",
            CDC_Server_1_=f"http://{HOST}",
            CDC_Root_CA_Fingerprint_1_=fingerprint(Path(depot, "ca.pem")),
            CDC_Challenge_Password_1_="sesame",
        )
        shown = wait(phone, "SCEP", "failed")
    finally:
        end(server)
    assert "the SCEP server's answer is refused" in shown["Reason"]  # SHA-1, and loose DER
    assert not (net.state / "custom-device.pem").exists()


@pytest.mark.proves("PRV-21")
def test_a_power_cut_at_any_system_call_leaves_a_whole_certificate_or_the_way_to_it(
    net: Net, dnsmasq: StartDnsmasq, desk: Desk, tmp_path: Path
) -> None:
    dnsmasq(A_RECORD)
    for path in net.state.iterdir():
        if not path.is_file():
            path.unlink()
    disk = Disk(str(net.state))
    seed(disk, net.state)
    trace, config = tmp_path / "trace", tmp_path / "config.xml"
    config.write_text(profile(**OWN, Resync_On_Reset="No", **wanted(desk)))
    argv = (*STRACE, str(trace), *RINGFENCE, "phone", "run", "--state", str(net.state))
    process = net.phone_space.popen(
        *(*argv, "--config", str(config)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout
    for line in process.stdout:
        if b"certificates.scep_done" in line:
            break
    else:
        pytest.fail("no certificate came")
    keeper = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(keeper), signal.SIGTERM)
    process.communicate(timeout=20)
    seen = []
    for cut in replay(disk, trace.read_text(errors="replace")):
        files = cut.survives()
        text = files.get("custom-device.pem", b"").decode()
        if text:
            installed(text)
        key = files.get("custom-device.key", b"").startswith(b"-----BEGIN PRIVATE KEY-----")
        seen.append("certificate" if text else "key" if key else "nothing")
    assert list(dict.fromkeys(seen)) == ["nothing", "key", "certificate"]
    assert [word for word, _ in groups(seen)] == ["nothing", "key", "certificate"]


def groups(seen: list[str]) -> list[tuple[str, int]]:
    """Return each run of equal words, and its length."""
    found: list[tuple[str, int]] = []
    for word in seen:
        if found and found[-1][0] == word:
            found[-1] = (word, found[-1][1] + 1)
        else:
            found.append((word, 1))
    return found


def tell(phone: RunningPhone, *words: str, code: int = 0) -> str:
    done = ringfence("phone", "certificate", *words, "--state", str(phone.state))
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def pack(pair: Pair, file: Path, password: str) -> str:
    """Write a PKCS#12 file; return its name."""
    secured = BestAvailableEncryption(password.encode())
    data = pkcs12.serialize_key_and_certificates(b"x", pair.key, pair.certificate, None, secured)
    file.write_bytes(data)
    return str(file)


def test_a_certificate_comes_by_file_and_goes(net: Net) -> None:
    mine = leaf(authority("Site CA"), cn="phone of the site", usage=CLIENT, key=rsa_key())
    file, secret = pack(mine, net.folder / "phone.p12", "sesame"), net.folder / "secret"
    secret.write_text("sesame\n")
    phone = net.boot(Resync_On_Reset="No", Certificate_Select="Custom installed")
    assert "extract password is wrong" in tell(phone, "add", file, code=1)
    told = tell(phone, "add", file, "--password-file", str(secret))
    assert told == "Certificate added.\n"
    assert wait(phone, "802.1X", "shows the custom certificate")
    wait(phone, "Custom Device Certificate", "Installed – phone of the site")
    assert installed((net.state / "custom-device.pem").read_text()) == mine.certificate
    assert tell(phone, "delete") == "Certificate deleted.\n"
    assert wait(phone, "Custom Device Certificate", "Not Installed")


def test_certificates_that_end_soon_are_told_of_in_status_and_log(net: Net) -> None:
    soon = leaf(net.trust.devices, subject=net.trust.subject(), usage=CLIENT, days=(-1, 5))
    soon.save(net.state, "device")
    phone = net.boot(Resync_On_Reset="No")
    said = phone.wait_for("certificates.expiring: Manufacturing Certificate")
    assert re.search(
        rf"Manufacturing Certificate \(S={MAC},L=.*\) expires on 20\S+ \S+ UTC, in 4 days", said
    )
    status = phone.status()["features"]["certificates"]["rows"]
    assert any(label == "Warning" and "in 4 days" in text for label, text in status)
