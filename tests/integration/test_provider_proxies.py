"""What `ringfence provider nginx-config` and `apache-config` write, asked at both by curl."""

import grp
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import CLIENT, Pair, leaf
from tests.support.lease import PATIENCE, Server
from tests.support.phone import RINGFENCE, ringfence
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
    versions,
)

__all__ = ["net"]

OTHER = "000e08abcdee"
MODULES = (
    *("mpm_event", "authz_core", "headers", "mime", "proxy", "proxy_http", "reqtimeout"),
    *("socache_shmcb", "ssl"),
)
TEMPLATE = profile(GPP_A="{{ product }}", GPP_B="{{ serial }}", GPP_C="{{ mac }}")
RENDERED = profile(GPP_A=PRODUCT, GPP_B=SERIAL, GPP_C=MAC)


class Site:
    """A proxy with the configuration that was written for it, and curl as a phone."""

    def __init__(self, net: Net, which: str, how: str) -> None:
        self.net, self._which = net, which
        # Apache does not serve as root, and nobody else may enter the folder of a test.
        self._room = tempfile.TemporaryDirectory(prefix="ringfence-proxy-")
        self.folder = Path(self._room.name)
        self.folder.chmod(0o755)
        self.root, self.ca = self.folder / "profiles", self.folder / "ca"
        self.root.mkdir()
        self.ca.mkdir()
        (self.ca / "client-root.crt").write_text(net.trust.devices.pem)
        leaf(net.trust.servers, dns=[NAME]).save(self.ca, "server")
        (self.folder / "root.crt").write_text(net.trust.servers.pem)
        self.written = self.folder / "site.conf"
        self.socket = self.folder / "provider.sock"
        self._stops: list[Callable[[], Any]] = [self._room.cleanup]
        where = ("--root", str(self.root)) if how == "folder" else ("--behind", str(self.socket))
        self.say(f"{which}-config", NAME, *where, "--ca-dir", str(self.ca), "-o", str(self.written))
        self.proxied = how == "proxy"
        if self.proxied:
            self._provide()
        self._start()

    def say(self, *words: str) -> None:
        done = ringfence("provider", *words)
        assert done.returncode == 0, done.stderr

    def _provide(self) -> None:
        data = self.folder / "data"
        self.say("init", "--data", str(data))
        words: tuple[str, ...] = (
            "--dir",
            str(self.root),
            "--ca-dir",
            str(self.ca),
            "--data",
            str(data),
        )
        words = (*words, "--activation", f"https://{NAME}/$MA.xml")
        self.provider = Server(
            self.net.servers,
            self.folder,
            *(*RINGFENCE, "provider", "serve", *words, "--behind", str(self.socket)),
        )
        self._stops.append(self.provider.stop)
        self.provider.wait_for("provider.ready: proxied at ")
        os.chown(self.socket, -1, grp.getgrnam("nogroup").gr_gid)

    def _start(self) -> None:
        configuration = self.folder / "main.conf"
        if self._which == "nginx":
            temporary = "".join(
                f"{word}_temp_path {self.folder}/tmp;"
                for word in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            configuration.write_text(
                f"user root; pid {self.folder}/pid; error_log {self.folder}/error.log info;"
                f"events {{ }} http {{ access_log off; {temporary} include {self.written}; }}"
            )
            words: tuple[str, ...] = (
                "nginx",
                "-e",
                str(self.folder / "error.log"),
                "-c",
                str(configuration),
            )
            test, run = (*words, "-t"), (*words, "-g", "daemon off;")
        else:
            modules = (
                f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                for name in MODULES
            )
            configuration.write_text(
                "".join(modules)
                + f"ServerRoot {self.folder}\nServerName {NAME}\nPidFile {self.folder}/pid\n"
                f"Listen 443\nErrorLog {self.folder}/error.log\nDefaultRuntimeDir {self.folder}\n"
                f"User nobody\nGroup nogroup\nTypesConfig /dev/null\nInclude {self.written}\n"
            )
            words = ("/usr/sbin/apache2", "-f", str(configuration))
            test, run = (*words, "-t"), (*words, "-D", "FOREGROUND")
        done = self.net.servers.run(*test, check=False)
        assert done.returncode == 0, done.stderr
        process = self.net.servers.popen(*run)
        self._stops += [lambda: process.wait(PATIENCE), process.terminate]
        while ":443 " not in self.net.servers.run("ss", "-Htln").stdout:
            assert process.poll() is None, (self.folder / "error.log").read_text()

    def put(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def ask(self, device: Pair | None, path: str, *words: str) -> tuple[str, str]:
        """Return status and body; status 000 where TLS came to nothing."""
        certificate: tuple[str, ...] = ()
        if device:
            crt, key = device.save(self.folder, "curl")
            certificate = ("--cert", crt, "--key", key)
        done = self.net.phone_space.run(
            *("curl", "-s", "--path-as-is", "--cacert", str(self.folder / "root.crt")),
            *(*certificate, "--resolve", f"{NAME}:443:{FIRST}", "-w", "\n%{http_code}", *words),
            f"https://{NAME}{path}",
            check=False,
        )
        body, _, status = done.stdout.rpartition("\n")
        return status, body

    def stop(self) -> None:
        for stop in reversed(self._stops):
            stop()


@pytest.fixture
def site(net: Net, component: list[str], request: pytest.FixtureRequest) -> Iterator[Site]:
    which, how = request.param.split()
    component.append(" ".join(versions("curl", "--version").split()[:2]))
    if which == "nginx":
        component.append(versions("nginx", "-v").rpartition(": ")[2])
    else:
        component.append(versions("/usr/sbin/apache2", "-v").split()[2].replace("/", " "))
    net.phone_space.address("eth0", f"{PHONE}/24")
    made = Site(net, which, how)
    yield made
    made.stop()


EVERY = ["nginx folder", "nginx proxy", "apache folder", "apache proxy"]
PROXIES = ["nginx proxy", "apache proxy"]


@pytest.mark.proves("PS-03", "PS-05")
@pytest.mark.parametrize("site", EVERY, indirect=True)
def test_a_phone_gets_its_own_profile_and_no_other(site: Site) -> None:
    trust = site.net.trust
    device = trust.device()
    if site.proxied:
        site.put("default.xml", TEMPLATE)
    else:
        site.put(f"{MAC}.xml", RENDERED)
        site.put(f"{OTHER}.xml", "another's")
    status, body = site.ask(device, f"/{MAC}.xml")
    assert (status, body.strip()) == ("200", RENDERED.strip())
    for path in (f"/{OTHER}.xml", "/", "/default.xml", f"/x/{OTHER}.xml", f"/{MAC}/{OTHER}.xml"):
        assert site.ask(device, path)[0] == "403", path
    for path in (f"/{MAC}/../{OTHER}.xml", f"/%2e%2e/{OTHER}.xml", f"/{OTHER}.xml?{MAC}.xml"):
        status, body = site.ask(device, path)
        assert (status in ("400", "403", "404"), "another" in body) == (True, False), path
    assert site.ask(None, f"/{MAC}.xml")[0] == "403"
    foreign = leaf(trust.foreign, subject=trust.subject(), usage=CLIENT)
    expired = leaf(trust.devices, subject=trust.subject(), usage=CLIENT, days=(-9, -1))
    server = leaf(trust.devices, subject=trust.subject())
    for wrong in (foreign, expired, server):
        status, body = site.ask(wrong, f"/{MAC}.xml")
        assert (status in ("000", "400", "403"), "flat-profile" in body) == (True, False)
    assert site.ask(trust.device(OTHER), f"/{MAC}.xml")[0] == "403"
    assert site.ask(trust.device("ciscogeneric"), f"/{MAC}.xml")[0] == "403"
    assert site.ask(device, f"/{MAC}.xml")[0] == "200"


@pytest.mark.proves("PS-05")
@pytest.mark.parametrize("site", PROXIES, indirect=True)
def test_nobody_names_himself_through_a_proxy_and_uploads_pass_it(site: Site) -> None:
    trust = site.net.trust
    site.put("default.xml", TEMPLATE)
    other = trust.device(OTHER)
    forged = trust.device().pem.replace("\n", " ")
    words = ("-H", f"X-Client-Certificate: {forged}", "-H", "X-Client-Address: 192.0.2.9")
    assert site.ask(other, f"/{MAC}.xml", *words)[0] == "403"
    assert site.ask(None, f"/{MAC}.xml", *words)[0] == "403"
    log = site.provider.wait_for(f'{PHONE} "{OTHER} {PRODUCT} {SERIAL}" "GET /{MAC}.xml" 403')
    assert "192.0.2.9" not in log
    body = site.folder / "body"
    body.write_bytes(b"x" * 300_000)
    assert site.ask(trust.device(), f"/report/{MAC}.xml", "-T", str(body))[0] == "201"
    assert site.ask(other, f"/report/{MAC}.xml", "-T", str(body))[0] == "403"
    body.write_bytes(b"x" * (10 << 20))
    assert site.ask(trust.device(), f"/prt/{MAC}", "-T", str(body))[0] == "413"


@pytest.mark.proves("RSY-12")
@pytest.mark.parametrize("site", PROXIES, indirect=True)
def test_a_phone_behind_a_proxy_is_told_where_its_profile_is(site: Site, net: Net) -> None:
    words = ("/activation", "--data-binary", "{}")
    assert '"error": "code-needed"' in site.ask(net.trust.device(), *words)[1]
    assert site.ask(None, *words)[0] == "403"
    site.say("device", "set", MAC, "--data", str(site.folder / "data"))
    told = f'{{"profile_rule": "https://{NAME}/$MA.xml"}}'
    assert site.ask(net.trust.device(), *words) == ("200", told)
