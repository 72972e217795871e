"""SCEP of the authority, judged by a client of strongSwan; one that knows only SHA-1 is refused."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.portal import MAC, PRODUCT, SERIAL, Desk

SUBJECT = f"OU={PRODUCT}, L={SERIAL}, CN=phone"


class Client:
    """strongSwan's `pki --scep`, and openssl beside it."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.folder = desk, desk.folder
        self.url = f"http://127.0.0.1:{desk.scep}/scep"

    def run(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.desk.space.command(*argv), capture_output=True, check=False, cwd=self.folder
        )

    def authorities(self) -> str:
        done = self.run(
            "pki",
            "--scepca",
            "--url",
            self.url,
            "--caout",
            "root.der",
            "--raout",
            "ra.der",
            "--force",
        )
        assert done.returncode == 0, done.stderr
        return done.stderr.decode()

    def key(self, name: str, bits: int = 2048) -> None:
        assert self.run("openssl", "genrsa", "-out", f"{name}.key", str(bits)).returncode == 0

    def enrol(self, name: str, *words: str, subject: str = SUBJECT) -> str:
        """Ask for NAME.der with NAME.key; return what strongSwan says."""
        trust = ("--cacert-enc", "ra.der", "--cacert-sig", "ra.der", "--cacert", "root.der")
        asked = ("--in", f"{name}.key", "--dn", subject, "--maxpolltime", "1", "--interval", "1")
        done = self.run("pki", "--scep", "--url", self.url, *asked, *trust, *words)
        if done.returncode == 0:
            (self.folder / f"{name}.der").write_bytes(done.stdout)
        return done.stderr.decode()

    def subject(self, name: str) -> str:
        form = ("-noout", "-subject", "-nameopt", "RFC2253")
        done = self.run("openssl", "x509", "-inform", "DER", "-in", f"{name}.der", *form)
        return done.stdout.decode().strip()


@pytest.fixture
def client(
    namespaces: Callable[[str], Namespace],
    tmp_path: Path,
    component: list[str],
    request: pytest.FixtureRequest,
) -> Iterator[Client]:
    said = subprocess.run(["dpkg-query", "-W", "strongswan-pki"], capture_output=True, text=True)
    component.append(" ".join(said.stdout.split()))
    desk = Desk(namespaces("ca"), tmp_path)
    try:
        desk.serve(*getattr(request, "param", ()))
        made = Client(desk)
        made.authorities()
        yield made
    finally:
        desk.stop()


@pytest.mark.proves("PRV-21", "PS-01")
def test_a_phone_gets_a_certificate_by_its_password_and_renews_it(client: Client) -> None:
    assert "RA cert is trusted" in client.authorities()
    client.key("one")
    said = client.enrol("one", "--password", client.desk.challenge())
    assert "Issued certificate is trusted" in said
    mine = f"subject=CN={PRODUCT}-SEP{MAC.upper()},SN={MAC},L={SERIAL},OU={PRODUCT}"
    assert client.subject("one") == mine
    purpose = ("-purpose", "sslclient", "-CAfile", str(client.desk.ca / "client-root.crt"))
    pem = ("openssl", "x509", "-inform", "DER", "-in", "one.der", "-out", "one.crt")
    assert client.run(*pem).returncode == 0
    assert client.run("openssl", "verify", *purpose, "one.crt").stdout == b"one.crt: OK\n"
    client.key("two")
    renewed = client.enrol("two", "--cert", "one.der", "--key", "one.key", subject="CN=other")
    assert "Issued certificate is trusted" in renewed
    assert client.subject("two") == mine
    assert [row[1] for row in client.desk.listed()] == ["scep-ra", "custom", "custom"]
    log = client.desk.run("audit")
    assert "asked by SCEP PKCS_REQ" in log
    assert "asked by SCEP RENEWAL_REQ" in log


@pytest.mark.proves("PRV-21")
def test_a_password_is_for_one_phone_and_one_key(client: Client) -> None:
    password = client.desk.challenge()
    client.key("one")
    assert "badRequest" in client.enrol("one", "--password", "sesame")
    assert "badRequest" in client.enrol("one")
    other = f"OU={PRODUCT}, L=OTHER, CN=phone"
    assert "badRequest" in client.enrol("one", "--password", password, subject=other)
    assert "Issued certificate is trusted" in client.enrol("one", "--password", password)
    number = len(client.desk.listed())
    assert "Issued certificate is trusted" in client.enrol("one", "--password", password)
    assert len(client.desk.listed()) == number, "a lost answer is repeated, not issued again"
    client.key("two")
    assert "badRequest" in client.enrol("two", "--password", password)
    assert client.desk.server
    assert "was spent for another key" in client.desk.server.wait_for("spent")
    assert password not in (client.desk.ca / "challenges.jsonl").read_text()


@pytest.mark.proves("PRV-21", "PRV-07")
def test_weak_keys_and_revoked_certificates_get_nothing(client: Client) -> None:
    client.key("short", 1024)
    assert "badAlg" in client.enrol("short", "--password", client.desk.challenge())
    client.key("one")
    client.enrol("one", "--password", client.desk.challenge())
    serial = client.desk.listed()[-1][0]
    client.desk.run("revoke", serial, "--passphrase-file", str(client.desk.secret))
    client.key("two")
    renewed = client.enrol("two", "--cert", "one.der", "--key", "one.key")
    assert "badCertId" in renewed
    assert not (client.folder / "two.der").exists()


@pytest.mark.proves("PRV-21")
def test_a_client_that_signs_with_sha_1_is_refused(client: Client, component: list[str]) -> None:
    said = subprocess.run(["dpkg-query", "-W", "scep"], capture_output=True, text=True)
    component.append(" ".join(said.stdout.split()))
    words = ("-private-key", "weak.key", "-certificate", "weak.crt", "-cn", "phone")
    done = client.run(
        *("scepclient", "-server-url", client.url, *words),
        *("-challenge", client.desk.challenge()),
    )
    assert done.returncode != 0
    assert client.desk.server
    assert "the digest 1.3.14.3.2.26 is too weak" in client.desk.server.wait_for("too weak")
    assert [row[1] for row in client.desk.listed()] == ["scep-ra"]


def test_the_path_of_old_clients_and_a_request_in_the_url_are_heard(client: Client) -> None:
    base = f"http://127.0.0.1:{client.desk.scep}"
    caps = client.run("curl", "-s", f"{base}/cgi-bin/pkiclient.exe?operation=GetCACaps").stdout
    assert b"\nSHA-256\n" in caps
    assert b"SHA-1\n" not in caps
    assert b"DES" not in caps
    for query in ("", "?operation=Other", "?operation=PKIOperation&message=%21", "?operation="):
        words = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{base}/scep{query}")
        assert client.run(*words).stdout == b"400"


@pytest.mark.proves("PRV-21")
@pytest.mark.parametrize("client", [("--scep-hold",)], indirect=True)
def test_a_request_without_a_password_waits_for_a_decision_and_polls(client: Client) -> None:
    client.key("one")
    words = ("--cacert-enc", "ra.der", "--cacert-sig", "ra.der", "--cacert", "root.der")
    asked = ("--in", "one.key", "--dn", SUBJECT, "--maxpolltime", "60", "--interval", "1")
    phone = client.desk.space.popen(
        *("pki", "--scep", "--url", client.url, *asked, *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=client.folder,
    )
    try:
        assert client.desk.server
        client.desk.server.wait_for("scep.waiting", 2)  # the request, and the first poll
        (line,) = client.desk.run("requests").splitlines()
        name, said = line.split()[0], line.partition("says it is ")[2]
        assert said == f"CN=phone,L={SERIAL},OU={PRODUCT}"
        secret = ("--passphrase-file", str(client.desk.secret))
        unit = ("--mac", MAC, "--serial", SERIAL)
        assert "none waits under this name" in client.desk.run("approve", "xyz", *unit, code=1)
        client.desk.run("approve", name, *unit, *secret)
        made, _ = phone.communicate(timeout=30)
    finally:
        phone.kill()
        phone.communicate()
    (client.folder / "one.der").write_bytes(made)
    assert f"SN={MAC}" in client.subject("one")
    assert client.desk.run("requests") == ""
    assert "asked by SCEP, approved by hand" in client.desk.run("audit")
    client.key("two")
    assert "badRequest" in client.enrol("two", "--password", "sesame")
    client.enrol("two")
    (line,) = client.desk.run("requests").splitlines()
    assert "forgotten" in client.desk.run("approve", line.split()[0], "--refuse")
    assert client.desk.run("requests") == ""
