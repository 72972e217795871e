"""The provisioning server, asked by curl with certificates of every kind, and by the phone."""

import random
import subprocess
from pathlib import Path

import pytest

from tests.support.certificates import CLIENT, leaf
from tests.support.phone import RINGFENCE
from tests.support.provider_fixtures import net
from tests.support.provider_net import (
    FIRST,
    MAC,
    NAME,
    PHONE,
    PRODUCT,
    SERIAL,
    Net,
    profile,
    resync,
    stored,
)
from tests.support.provider_server import Provider, provider

__all__ = ["net", "provider"]

OTHER = "000e08abcdee"
TEMPLATE = profile(GPP_A="{{ product }}", GPP_B="{{ serial }}", GPP_C="{{ mac }}")
FORBIDDEN = ("403", "403: this certificate does not open this path\n")


@pytest.mark.proves("PRV-12")
def test_the_profile_shows_what_the_certificate_says(provider: Provider) -> None:
    provider.put("default.xml", TEMPLATE)
    device = provider.net.trust.device()
    status, body = provider.ask(device, f"/{MAC}.xml")
    assert status == "200"
    assert body.strip() == profile(GPP_A=PRODUCT, GPP_B=SERIAL, GPP_C=MAC).strip()


@pytest.mark.proves("PRV-12")
def test_the_access_log_says_who_asked_and_with_which_certificate(provider: Provider) -> None:
    provider.put("default.xml", TEMPLATE)
    agent = 'Ringfence/0.1.0 (000e08abcdef)" 200 "forged'
    provider.ask(provider.net.trust.device(), f"/{MAC}.xml?password=hush", "-A", agent)
    provider.ask(None, f"/{MAC}.xml")
    log = provider.server.wait_for('" 403 "')
    first, second = [line.partition(" INFO ")[2] for line in log.splitlines() if " INFO " in line]
    shown = "Ringfence/0.1.0 (000e08abcdef)? 200 ?forged"
    assert first == (f'{PHONE} "{MAC} {PRODUCT} {SERIAL}" "GET /{MAC}.xml" 200 "{shown}"')
    assert second.startswith(f'{PHONE} "no device certificate" "GET /{MAC}.xml" 403 "curl/')
    assert "hush" not in log


def test_the_log_names_who_refused_the_servers_certificate_and_who_left_without_asking(
    provider: Provider,
) -> None:
    provider.root.write_text(provider.net.trust.foreign.pem)
    assert provider.ask(None, f"/{MAC}.xml")[0] == "000"
    provider.server.wait_for(f'{PHONE} "no device certificate" handshake failed: ')
    crt, key = provider.net.trust.device().save(provider.net.folder, "silent")
    words = ("openssl", "s_client", "-connect", f"{FIRST}:443", "-cert", crt, "-key", key)
    provider.net.phone_space.run(*words)
    provider.server.wait_for(f'{PHONE} "{MAC} {PRODUCT} {SERIAL}" closed after 0 bytes')


@pytest.mark.proves("PRV-12")
def test_another_mac_and_no_mac_are_forbidden_whether_a_file_is_there_or_not(
    provider: Provider,
) -> None:
    provider.put("default.xml", TEMPLATE)
    provider.put(f"{OTHER}.xml", TEMPLATE)
    device = provider.net.trust.device()
    for path in (f"/{OTHER}.xml", "/000000000000.xml", "/8841.xml", "/default.xml", "/"):
        assert provider.ask(device, path) == FORBIDDEN


def test_enumeration_of_macs_yields_nothing(provider: Provider) -> None:
    provider.put("default.xml", TEMPLATE)
    chosen = random.Random(1)
    macs = {f"000e08{chosen.randrange(1 << 24):06x}" for _ in range(500)} - {MAC}
    crt, key = provider.net.trust.device().save(provider.net.folder, "device")
    names = provider.net.folder / "urls"
    names.write_text("".join(f'url = "https://{NAME}/{mac}.xml"\noutput = "-"\n' for mac in macs))
    done = provider.net.phone_space.run(
        *("curl", "-s", "--cacert", str(provider.root), "--cert", crt, "--key", key),
        *("--resolve", f"{NAME}:443:{FIRST}", "-K", str(names)),
    )
    assert done.stdout == FORBIDDEN[1] * len(macs)


def test_no_path_leads_out_of_the_folder(provider: Provider) -> None:
    (provider.net.folder / "secret.xml").write_text("secret")
    provider.put("default.xml", TEMPLATE)
    device = provider.net.trust.device()
    for path in (
        f"/{MAC}/../../secret.xml",
        f"/{MAC}/%2e%2e/%2e%2e/secret.xml",
        f"/..%2f{MAC}%2f..%2fsecret.xml",
        f"/{MAC}/..%5c..%5csecret.xml",
        f"/{MAC}%00.xml",
        f"//{MAC}.xml",
    ):
        status, body = provider.ask(device, path)
        assert status in ("400", "404"), path
        assert "secret" not in body


def test_without_a_certificate_there_is_nothing(provider: Provider) -> None:
    provider.put("default.xml", TEMPLATE)
    assert provider.ask(None, f"/{MAC}.xml") == FORBIDDEN


@pytest.mark.parametrize("case", ["foreign root", "server certificate", "expired"])
def test_a_certificate_that_the_client_root_did_not_issue_gets_no_answer(
    provider: Provider, case: str
) -> None:
    provider.put("default.xml", TEMPLATE)
    trust, subject = provider.net.trust, provider.net.trust.subject()
    device = {
        "foreign root": lambda: leaf(trust.foreign, subject=subject, usage=CLIENT),
        "server certificate": lambda: leaf(trust.servers, subject=subject),
        "expired": lambda: leaf(trust.devices, subject=subject, usage=CLIENT, days=(-9, -1)),
    }[case]()
    assert provider.ask(device, f"/{MAC}.xml") == ("000", "")
    assert provider.ask(trust.device(), f"/{MAC}.xml")[0] == "200"


def test_a_generic_certificate_opens_nothing(provider: Provider) -> None:
    provider.put("default.xml", TEMPLATE)
    assert provider.ask(provider.net.trust.device("ciscogeneric"), f"/{MAC}.xml") == FORBIDDEN


def test_a_broken_template_tells_the_log_and_not_the_client(provider: Provider) -> None:
    provider.put("default.xml", "{{ nobody }}")
    status, body = provider.ask(provider.net.trust.device(), f"/{MAC}.xml")
    assert (status, body) == ("500", "500: the profile cannot be made\n")
    assert "'nobody' is undefined" in provider.server.wait_for("template_failed")


def test_the_phone_gets_its_profile_from_our_server(
    net: Net, provider: Provider, component: list[str]
) -> None:
    component.append("own-peer")
    net.dnsmasq(f"host-record={NAME},{FIRST}")
    provider.put(f"{PRODUCT}.xml", TEMPLATE)
    phone = net.boot(Resync_On_Reset="No")
    answer = resync(phone, f"https://{NAME}/$MA.xml")
    assert (answer["url"], answer["result"]) == (f"https://{NAME}:443/{MAC}.xml", "success")
    assert [stored(phone, f"GPP_{letter}") for letter in "ABC"] == [PRODUCT, SERIAL, MAC]


@pytest.mark.parametrize("missing", ["server.crt", "server.key", "client-root.crt"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    ca = tmp_path / "ca"
    ca.mkdir()
    for name in {"server.crt", "server.key", "client-root.crt"} - {missing}:
        (ca / name).touch()
    words = (*RINGFENCE, "provider", "serve", "--dir", str(tmp_path), "--ca-dir", str(ca))
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert f"{missing}: is missing" in done.stderr.replace("file ", "")
