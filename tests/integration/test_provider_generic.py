"""Phones that share the generic certificate, at our provisioning server: by curl and by the phone.

Source: chapter, Multiplatform Phone CA Client Root Certificate; PRV-14, PS-04.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import leaf
from tests.support.lease import Server
from tests.support.phone import RINGFENCE, ringfence
from tests.support.provider_authority import initial_authority
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    FIRST,
    MAC,
    NAME,
    PHONE,
    Net,
    profile,
    refused,
    resync,
    stored,
    versions,
)

__all__ = ["dnsmasq", "initial_authority", "net", "nginx"]

OTHER = "000e08abcdee"
REFUSED = ("403", "403: this certificate does not open this path\n")
AGENT = f"Cisco-CP-7832-3PCC/11.0.1 ({MAC})"
INDIVIDUAL = profile(GPP_A="individual", GPP_B="secret of one phone")
BOOTSTRAP = profile(GPP_A="bootstrap")


class Telco:
    """An authority made by `ringfence ca`, and its server."""

    def __init__(self, net: Net, initial: Path, *options: str) -> None:
        self.net = net
        self.ca, self.templates = net.folder / "ca", net.folder / "templates"
        self.templates.mkdir()
        shutil.copytree(initial, self.ca)
        self.run("issue-device", "--generic", "--out", str(net.folder))
        csr = net.folder / "csr"
        _, key = leaf(net.trust.servers).save(net.folder, "server")
        words = ("req", "-new", "-key", key, "-subj", f"/CN={NAME}", "-out", str(csr))
        net.servers.run("openssl", *words)
        self.run("sign", str(csr), "--out", str(net.folder / "pv.crt"))
        for which in ("default.xml", f"{MAC}.xml", f"{OTHER}.xml"):
            (self.templates / which).write_text(INDIVIDUAL)
        self.server = Server(
            net.servers,
            net.folder,
            *(*RINGFENCE, "provider", "serve", "--dir", str(self.templates)),
            *("--ca-dir", str(self.ca), "--certificate", str(net.folder / "pv.crt")),
            *("--key", key, "--bind", FIRST, *options),
        )
        self.server.wait_for("provider.ready")

    def run(self, *words: str) -> None:
        done = ringfence("ca", *words, "--dir", str(self.ca))
        assert done.returncode == 0, done.stderr

    def put(self, name: str, text: str) -> None:
        (self.templates / "generic").mkdir(exist_ok=True)
        (self.templates / "generic" / name).write_text(text)

    def ask(self, path: str, agent: str = AGENT, certificate: str = "generic") -> tuple[str, str]:
        folder = self.net.folder
        done = self.net.phone_space.run(
            *(
                "curl",
                "-s",
                "--path-as-is",
                "--cacert",
                str(self.ca / "server-root.crt"),
                "-A",
                agent,
            ),
            *("--cert", str(folder / f"{certificate}.crt")),
            *("--key", str(folder / f"{certificate}.key")),
            *("--resolve", f"{NAME}:443:{FIRST}", "-w", "\n%{http_code}"),
            f"https://{NAME}{path}",
            check=False,
        )
        body, _, status = done.stdout.rpartition("\n")
        return status, body

    def become_generic(self) -> None:
        """Give the phone the generic certificate instead of its own."""
        state = self.net.state
        for end in ("crt", "key"):
            (state / f"device.{end}").write_bytes((self.net.folder / f"generic.{end}").read_bytes())
        (state / "provider-root.crt").write_bytes((self.ca / "server-root.crt").read_bytes())


@pytest.fixture
def telco(
    net: Net, initial_authority: Path, component: list[str]
) -> Iterator[Callable[..., Telco]]:
    component.append(" ".join(versions("curl", "--version").split()[:2]))
    net.phone_space.address("eth0", f"{PHONE}/24")
    made: list[Telco] = []

    def start(*options: str) -> Telco:
        made.append(Telco(net, initial_authority, *options))
        return made[-1]

    yield start
    for each in made:
        each.server.stop()


Start = Callable[..., Telco]


@pytest.mark.proves("PRV-14")
def test_openssl_reads_the_subject_of_the_generic_certificate(
    telco: Start, component: list[str]
) -> None:
    component[:] = [" ".join(versions("openssl", "version").split()[:2])]
    made = telco()
    words = ("openssl", "x509", "-noout", "-subject", "-in", str(made.net.folder / "generic.crt"))
    subject = made.net.servers.run(*words).stdout.strip()
    assert subject == "subject=OU = cisco.com, L = ciscogeneric, SN = ciscogeneric"


@pytest.mark.proves("PS-04")
def test_by_default_generic_phones_get_the_bootstrap_template_and_nothing_else(
    telco: Start,
) -> None:
    made = telco()
    assert made.ask(f"/{MAC}.xml") == REFUSED
    made.put("default.xml", profile(GPP_A="for {{ mac or 'anyone' }}{{ product }}"))
    assert made.ask(f"/{MAC}.xml") == ("200", profile(GPP_A="for anyone").rstrip("\n"))
    assert made.ask(f"/{OTHER}.xml", "curl") == made.ask(f"/{MAC}.xml")
    assert made.ask("/default.xml") == made.ask(f"/{MAC}.xml")
    for path in ("/other.xml", f"/../{MAC}.xml", "/%2e%2e/default.xml", f"/x/{MAC}.xml"):
        status, body = made.ask(path)
        assert (status in ("400", "404"), "secret" in body) == (True, False), path
    log = made.server.wait_for("generic, bootstrap", 4)
    assert f'{PHONE} "generic, refused" "GET /{MAC}.xml" 403 "{AGENT}"' in log
    assert f'{PHONE} "generic, bootstrap" "GET /{MAC}.xml" 200 "{AGENT}"' in log


@pytest.mark.proves("PS-04")
def test_refuse_serves_generic_phones_nothing(telco: Start) -> None:
    made = telco("--generic", "refuse")
    made.put("default.xml", BOOTSTRAP)
    for path in (f"/{MAC}.xml", "/default.xml", "/generic/default.xml"):
        assert made.ask(path) == REFUSED
    made.server.wait_for(f'{PHONE} "generic, refused" "GET /{MAC}.xml" 403')


@pytest.mark.proves("PS-04", "PRV-14")
def test_agent_serves_the_mac_of_the_user_agent_from_the_generic_folder_alone(
    telco: Start,
) -> None:
    made = telco("--generic", "agent")
    made.put("default.xml", profile(GPP_A="{{ mac }}", GPP_B="{{ product }}"))
    said = profile(GPP_A=MAC, GPP_B="CP-7832-3PCC").rstrip("\n")
    assert made.ask(f"/{MAC}.xml") == ("200", said)
    assert made.ask(f"/{OTHER}.xml") == REFUSED
    assert made.ask(f"/{MAC}.xml", "curl/8") == REFUSED
    assert made.ask("/default.xml") == REFUSED
    log = made.server.wait_for("generic, says", 4)
    assert f'"generic, says it is {MAC}" "GET /{MAC}.xml" 200' in log
    assert '"generic, says it is nobody"' in log


@pytest.mark.proves("PS-04")
@pytest.mark.parametrize("policy", ["refuse", "bootstrap", "agent"])
def test_individual_certificates_open_their_own_profile_alone_whatever_generic_phones_get(
    telco: Start, policy: str
) -> None:
    made = telco("--generic", policy)
    made.put("default.xml", BOOTSTRAP)
    made.run("issue-device", "--mac", MAC, "--serial", "1", "--out", str(made.net.folder))
    assert made.ask(f"/{MAC}.xml", AGENT, MAC) == ("200", INDIVIDUAL.rstrip("\n"))
    for path in (f"/{OTHER}.xml", "/default.xml", "/generic/default.xml", f"/generic/{OTHER}.xml"):
        assert made.ask(path, f"Cisco-CP-7832-3PCC/11.0.1 ({OTHER})", MAC) == REFUSED


@pytest.mark.proves("PRV-13", "PRV-14")
def test_a_generic_phone_says_not_installed_and_names_itself_in_the_user_agent_alone(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    generic = net.trust.subject("ciscogeneric")
    values = ("cisco.com", "ciscogeneric", "ciscogeneric")
    subject = [type(a)(a.oid, text) for a, text in zip(generic, values, strict=True)]
    net.become(leaf(net.trust.devices, subject=subject, usage=None))
    dnsmasq(f"host-record={NAME},{FIRST}")
    server = nginx("nginx", None)
    phone = net.boot(Profile_Rule=f"https://{NAME}/$CCERT.xml", Resync_On_Reset="No")
    assert "HTTP status 404" in refused(phone)
    (line,) = server.access.wait_for("\n")
    _, _, request, subject_seen, agent = line.split("|")
    assert request == "GET /Not%20Installed.xml HTTP/1.1"
    assert subject_seen == "SN=ciscogeneric,L=ciscogeneric,OU=cisco.com"
    assert agent == f"Ringfence/0.1.0 ({MAC})"
    rows = phone.status()["features"]["phone"]["rows"]
    assert ["Device Certificate", "Not Installed"] in [list(row) for row in rows]


@pytest.mark.proves("PS-04", "PRV-14")
def test_a_generic_phone_bootstraps_at_our_server_and_is_told_from_an_individual_one(
    telco: Start, dnsmasq: StartDnsmasq, component: list[str]
) -> None:
    component.append("own-peer")
    made = telco()
    made.put("default.xml", BOOTSTRAP)
    dnsmasq(f"host-record={NAME},{FIRST}")
    made.become_generic()
    phone = made.net.boot(Resync_On_Reset="No")
    rule = f'( "$CCERT" eq "Not Installed" )? https://{NAME}/$MA.xml | https://{NAME}/own/$MA.xml'
    assert resync(phone, rule)["result"] == "success"
    assert stored(phone, "GPP_A") == "bootstrap"
    assert stored(phone, "GPP_B") == ""
    agent = f"Ringfence/0.1.0 ({MAC})"
    made.server.wait_for(f'{PHONE} "generic, bootstrap" "GET /{MAC}.xml" 200 "{agent}"')


def test_a_revoked_certificate_opens_nothing_from_the_next_request_on(telco: Start) -> None:
    made = telco()
    made.put("default.xml", BOOTSTRAP)
    folder = str(made.net.folder)
    for mac in (MAC, OTHER):
        made.run("issue-device", "--mac", mac, "--serial", "1", "--out", folder)
        assert made.ask(f"/{mac}.xml", AGENT, mac)[0] == "200"
    made.run("revoke", f"{folder}/{MAC}.crt", "--reason", "keyCompromise")
    assert made.ask(f"/{MAC}.xml", AGENT, MAC) == REFUSED
    assert made.ask(f"/{OTHER}.xml", AGENT, OTHER)[0] == "200"
    log = made.server.wait_for(", revoked")
    assert f'{PHONE} "{MAC} CP-8841-3PCC 1, revoked" "GET /{MAC}.xml" 403' in log
    (made.ca / "client-root.crl").write_text("rubbish")
    assert made.ask(f"/{MAC}.xml", AGENT, MAC) == REFUSED
    made.server.wait_for("the last good list stays in force")
    (made.ca / "client-root.crl").unlink()
    assert made.ask(f"/{MAC}.xml", AGENT, MAC) == REFUSED


@pytest.mark.proves("TLS-10")
def test_a_phone_with_the_exported_bundle_refuses_a_revoked_server(
    telco: Start, dnsmasq: StartDnsmasq, component: list[str]
) -> None:
    component.append("own-peer")
    made, rule = telco(), f"https://{NAME}/$MA.xml"
    made.put("default.xml", BOOTSTRAP)
    dnsmasq(f"host-record={NAME},{FIRST}")
    made.become_generic()
    made.run("crl", "--out", str(made.net.folder))
    bundle = made.net.folder / "provider-bundle.pem"
    (made.net.state / "custom-ca.crt").write_bytes(bundle.read_bytes())
    phone = made.net.boot(Resync_On_Reset="No")
    assert resync(phone, rule)["result"] == "success"
    phone.stop()
    made.run("revoke", str(made.net.folder / "pv.crt"), "--reason", "keyCompromise")
    made.run("export", "--out", str(made.net.folder))
    (made.net.state / "custom-ca.crt").write_bytes(bundle.read_bytes())
    phone = made.net.boot(Resync_On_Reset="No")
    assert "revoked" in refused(phone, rule)
