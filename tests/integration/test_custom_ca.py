"""`Custom_CA_Rule` on the whole phone: nginx has the bundle, and a server under its CA."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from ringfence.runtime.device import bundles
from tests.support.certificates import authority, crl, leaf
from tests.support.phone import RINGFENCE, RunningPhone
from tests.support.power_cut import STRACE, Disk, replay, seed
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    FIRST,
    MAC,
    NAME,
    OWN,
    SECOND,
    Net,
    profile,
    refused,
    resync,
    submit,
)

__all__ = ["dnsmasq", "net", "nginx"]

OTHER = "pv2.telco.test"
A_RECORDS = (f"host-record={NAME},{FIRST}", f"host-record={OTHER},{SECOND}")
RULE = f"https://{NAME}/ca.pem"
PROFILE = f"https://{OTHER}/$MA.xml"
CUSTOM = authority("Custom CA")


def rows(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["custom_ca"]["rows"])


def wait(phone: RunningPhone, word: str) -> dict[str, str]:
    """Return the section of the status once its first row has a word."""

    def told(status: dict[str, dict[str, dict[str, list[list[str]]]]]) -> bool:
        return (
            word in dict(status["features"]["custom_ca"]["rows"])["Custom CA Provisioning Status"]
        )

    phone.until(told)
    return rows(phone)


def trusted(net: Net) -> tuple[str, ...]:
    held = net.state / "custom-ca.crt"
    return bundles("", held.read_text()).custom if held.exists() else ()


@pytest.mark.proves("RSY-10", "PRV-24")
def test_a_custom_ca_is_fetched_trusted_shown_and_kept_over_a_reboot(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    nginx().put("ca.pem", CUSTOM.pem)
    server = nginx("under", leaf(CUSTOM, dns=[OTHER]), listen=SECOND)
    server.put(f"{MAC}.xml", profile(GPP_A="here"))
    phone = net.boot(Resync_On_Reset="No")
    assert rows(phone)["Custom CA Info"] == "Not Installed"
    assert "not issued under a root that the phone trusts" in refused(phone, PROFILE)
    submit(phone, Custom_CA_Rule=RULE)
    shown = wait(phone, "succeeded")
    assert shown["Custom CA Info"] == "Installed – Custom CA"
    assert trusted(net) == (CUSTOM.pem,)
    assert resync(phone, PROFILE)["result"] == "success"
    phone.stop()
    phone = net.boot(Resync_On_Reset="No", Provision_Enable="No")
    assert rows(phone) == shown
    submit(phone, Provision_Enable="Yes", Custom_CA_Rule="")
    phone.wait_for("custom_ca.removed")
    assert rows(phone)["Custom CA Info"] == "Not Installed"
    assert "not issued under a root that the phone trusts" in refused(phone, PROFILE)


@pytest.mark.proves("RSY-10")
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("<html>sorry</html>", "the file has no certificate"),
        (CUSTOM.pem[:-30], "the file is cut off"),
        (CUSTOM.pem + leaf(CUSTOM, dns=[NAME]).pem, "certificate 2"),
        (CUSTOM.pem + crl(CUSTOM, days=(-9, -2)), "revocation list 1 (CN=Custom CA) expired"),
        ("x" * ((1 << 20) + 1), "the body exceeds"),
        (None, "HTTP status 404"),
    ],
    ids=["html", "cut off", "leaf", "old list", "too large", "missing"],
)
def test_a_bad_bundle_keeps_the_old_one_and_says_why(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, bad: str | None, said: str
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx()
    server.put("ca.pem", CUSTOM.pem)
    if bad is not None:
        server.put("bad.pem", bad)
    phone = net.boot(Resync_On_Reset="No", Custom_CA_Rule=RULE)
    wait(phone, "succeeded")
    submit(phone, Custom_CA_Rule=f"https://{NAME}/bad.pem")
    shown = wait(phone, "failed")
    assert said in shown["Reason"]
    assert shown["Custom CA Info"] == "Installed – Custom CA"
    assert trusted(net) == (CUSTOM.pem,)


@pytest.mark.proves("RAD-06")
def test_a_forbidden_server_is_asked_for_nothing_not_even_of_dns(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    names = dnsmasq(*A_RECORDS)
    second = leaf(net.trust.servers, dns=[OTHER])
    nginx("nginx", second, listen=SECOND).put("ca.pem", CUSTOM.pem)
    domains = {"Restricted_Access_Domains": OTHER}
    phone = net.boot(Resync_On_Reset="No", Custom_CA_Rule=RULE, **domains)
    assert wait(phone, "failed")["Reason"] == f"domain not allowed: {NAME}"
    assert trusted(net) == ()
    submit(phone, Custom_CA_Rule=f"https://{OTHER}/ca.pem")
    assert wait(phone, "succeeded")["Custom CA Info"] == "Installed – Custom CA"
    log = names.wait_for(f"query[A] {OTHER}")
    assert f"] {NAME} from" not in log


@pytest.mark.proves("RAD-06")
def test_a_redirect_to_a_forbidden_server_is_not_followed(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    names = dnsmasq(*A_RECORDS)
    nginx("nginx", None, f"location /ca.pem {{ return 302 https://{OTHER}/ca.pem; }}")
    phone = net.boot(Resync_On_Reset="No", Custom_CA_Rule=RULE, Restricted_Access_Domains=NAME)
    assert wait(phone, "failed")["Reason"] == f"domain not allowed: {OTHER}"
    assert OTHER not in names.wait_for(f"query[A] {NAME}")


@pytest.mark.proves("RSY-10")
def test_a_power_cut_at_any_system_call_leaves_the_old_ca_or_the_new_one(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, tmp_path: Path
) -> None:
    dnsmasq(*A_RECORDS)
    server, new = nginx(), authority("New CA")
    server.put("ca.pem", CUSTOM.pem)
    server.put("new.pem", new.pem)
    phone = net.boot(Resync_On_Reset="No", Custom_CA_Rule=RULE)
    wait(phone, "succeeded")
    assert phone.stop() == 0
    disk = Disk(str(net.state))
    seed_files(disk, net.state)
    trace = tmp_path / "trace"
    config = tmp_path / "second.xml"
    config.write_text(
        profile(**OWN, Resync_On_Reset="No", Custom_CA_Rule=f"https://{NAME}/new.pem")
    )
    argv = (*STRACE, str(trace), *RINGFENCE, "phone", "run", "--state", str(net.state))
    process = net.phone_space.popen(
        *(*argv, "--config", str(config)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout
    for line in process.stdout:
        if b"custom_ca.installed: New CA" in line:
            break
    else:
        pytest.fail("the new CA was not installed")
    keeper = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(keeper), signal.SIGTERM)
    process.communicate(timeout=20)
    seen = [survivor(cut) for cut in replay(disk, trace.read_text(errors="replace"))]
    assert set(seen) == {(CUSTOM.pem,), (new.pem,)}
    assert seen == sorted(seen, key=lambda held: held == (new.pem,)), (
        "an installed CA came back old"
    )
    assert seen[-1] == (new.pem,), "installed, but a cut would lose it"


def seed_files(disk: Disk, state: Path) -> None:
    for path in state.iterdir():
        if not path.is_file():
            path.unlink()  # the control socket of a phone that stopped
    seed(disk, state)


def survivor(disk: Disk) -> tuple[str, ...]:
    held = disk.survives().get("custom-ca.crt", b"")
    return bundles("", held.decode()).custom
