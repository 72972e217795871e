"""The portal in Chromium, delivery by an SMTP server, and what strangers get; judged by openssl."""

import email
import email.policy
import mailbox
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from ringfence.lab.namespaces import Namespace
from tests.support.browser import in_browser
from tests.support.certificates import Pair, authority, leaf
from tests.support.portal import PASSWORD, Desk
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, Net, profile, refused, resync, stored
from tests.support.tls_servers import end, version, wait_for_listener

__all__ = ["dnsmasq", "net", "nginx"]

HOST = "pv.telco.net"


@pytest.fixture
def desk(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Desk]:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    made = Desk(namespaces("ca"), tmp_path)
    root = authority("Portal Root")
    (tmp_path / "portal-root.crt").write_text(root.pem)
    leaf(root, dns=["portal.test"], ips=["127.0.0.1"]).save(tmp_path, "portal")
    yield made
    made.stop()


TLS = ("--certificate", "portal.crt", "--key", "portal.key")


def serve(desk: Desk, *words: str) -> None:
    own = [str(desk.folder / word) if "." in word else word for word in TLS]
    desk.serve(*own, *words)


def request(desk: Desk, name: str = "pv", key: str = "rsa:2048", host: str = HOST) -> Path:
    """Make NAME.csr and NAME.key with openssl."""
    out = desk.folder / f"{name}.csr"
    words = ("-newkey", key, "-nodes", "-keyout", str(out.with_suffix(".key")))
    subject = ("-subj", f"/CN={host}")
    argv = ["openssl", "req", "-new", *words, *subject, "-out", str(out)]
    subprocess.run(argv, check=True, capture_output=True)
    return out


def judged(desk: Desk, certificate: Path, *more: str) -> str:
    """Return what openssl says of a certificate whose chain is in the same file."""
    chain = ("-CAfile", str(desk.ca / "server-root.crt"), "-untrusted", str(certificate))
    words = ("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", HOST)
    done = subprocess.run(
        ["openssl", *words, *chain, *more, str(certificate)],
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


def enter(page: Any, port: int, password: str = PASSWORD) -> list[str]:
    """Log in; return what the page complains about from then on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"https://127.0.0.1:{port}/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    return said


def order(page: Any, port: int, csr: str, out: str) -> tuple[list[str], str, str]:
    """Order a certificate for two years and another product, and download it."""
    said = enter(page, port)
    page.get_by_label("Select Product").select_option("CP-68xx-3PCC")
    page.get_by_label("CSR File").set_input_files(csr)
    page.get_by_label("Sign in Duration").select_option(label="2 years")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Sign Certificate Request").click()
    caught.value.save_as(out)
    return said, caught.value.suggested_filename, page.title()


@pytest.mark.proves("PRV-06", "PRV-08", "PRV-09", "PS-01")
def test_a_browser_uploads_a_request_and_downloads_the_certificate(
    desk: Desk, component: list[str]
) -> None:
    serve(desk)
    out = desk.folder / "provserver.crt"
    browser, (said, name, title) = desk.space.call(
        in_browser, order, desk.port, str(request(desk)), str(out)
    )
    component.append(browser)
    assert (said, name) == ([], "provserver.crt")
    assert title == "Sign CSR – Ringfence authority"
    assert judged(desk, out).endswith("provserver.crt: OK")
    days = 730 * 24 * 3600
    for margin, code in ((-600, 0), (600, 1)):
        asked = ["openssl", "x509", "-in", str(out), "-noout", "-checkend", str(days + margin)]
        assert subprocess.run(asked, capture_output=True, check=False).returncode == code
    assert desk.listed()[-1][4] == "CP-68xx-3PCC"
    assert "asked by portal user alice" in desk.run("audit")


@dataclass(frozen=True)
class Delivered(Pair):
    """A certificate as the portal delivered it, with its chain."""

    file: Path

    @property
    def pem(self) -> str:
        return self.file.read_text()


def test_get_a_signed_server_certificate(
    desk: Desk, net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    csr, out = request(desk, "provserver", host=NAME), desk.folder / "provserver.crt"
    serve(desk)
    browser, _ = desk.space.call(in_browser, order, desk.port, str(csr), str(out))
    component.append(browser)
    key = serialization.load_pem_private_key(csr.with_suffix(".key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    mine = x509.load_pem_x509_certificate(out.read_bytes())
    dnsmasq(f"host-record={NAME},{FIRST}")
    server = nginx("nginx", Delivered(mine, key, out), verify="off")
    server.put("a.xml", profile(GPP_A="from the provider"))
    settings = {"Profile_Rule": f"https://{NAME}/a.xml", "Resync_On_Reset": "No"}
    phone = net.boot(**settings)
    assert "let the server send its CA certificates, or install that CA" in refused(phone)
    phone.stop()
    root = (desk.ca / "server-root.crt").read_text()
    (net.state / "provider-root.crt").write_text(root)
    phone = net.boot(**settings)
    assert resync(phone)["result"] == "success"
    assert stored(phone, "GPP_A") == "from the provider"


class Curl:
    """curl with a jar of cookies, as whoever."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.base = f"https://127.0.0.1:{desk.port}"

    def run(self, path: str, *words: str) -> tuple[int, str, str]:
        """Return status, head and body."""
        jar = str(self.desk.folder / "jar")
        root = str(self.desk.folder / "portal-root.crt")
        fixed = ("curl", "-si", "--cacert", root, "-b", jar, "-c", jar)
        done = self.desk.space.run(*fixed, *words, f"{self.base}{path}", check=False)
        head, _, body = done.stdout.partition("\n\n")
        if " 100 " in head.splitlines()[0]:
            head, _, body = body.partition("\n\n")
        return int(head.split()[1]), head, body

    def enter(self, password: str = PASSWORD) -> tuple[int, str, str]:
        return self.run("/login", "-d", "name=alice", "--data-urlencode", f"password={password}")

    def token(self) -> str:
        return self.run("/sign")[2].partition('name="token" value="')[2].partition('"')[0]

    def sign(self, csr: Path, *fields: str, token: str | None = None) -> tuple[int, str, str]:
        given = {
            "token": self.token() if token is None else token,
            "product": "CP-88xx-3PCC",
            "hash": "sha256",
            "duration": "365",
            "delivery": "download",
            **dict(field.split("=", 1) for field in fields),
        }
        words = [word for name, text in given.items() for word in ("-F", f"{name}={text}")]
        return self.run("/sign", *words, "-F", f"csr=@{csr}")


@pytest.fixture
def curl(desk: Desk, component: list[str]) -> Curl:
    component.append(" ".join(version("curl", "--version").split()[:2]))
    serve(desk)
    return Curl(desk)


@pytest.mark.proves("PRV-07")
def test_weak_keys_and_hashes_need_the_labelled_switch(desk: Desk, curl: Curl) -> None:
    curl.enter()
    page = curl.run("/sign")[2]
    assert "SHA256 (recommended)" in page
    assert "MD5 – weak, needs the legacy switch" in page
    assert "Legacy: allow SHA1, MD5 and RSA 1024, which phones refuse" in page
    csr, short = request(desk), request(desk, "short", "rsa:1024")
    for file, field in ((csr, "hash=md5"), (csr, "hash=sha1"), (short, "hash=sha256")):
        code, _, body = curl.sign(file, field)
        assert code == 400
        assert "legacy switch" in body
    assert desk.listed() == [row for row in desk.listed() if row[1] == "scep-ra"]
    code, head, body = curl.sign(csr, "hash=sha1", "legacy=yes")
    assert (code, "attachment" in head) == (200, True)
    (desk.folder / "weak.crt").write_text(body)
    assert "CA signature digest algorithm too weak" in judged(
        desk, desk.folder / "weak.crt", "-auth_level", "2"
    )


def test_nobody_gets_anywhere_without_logging_in(desk: Desk, curl: Curl) -> None:
    csr = request(desk)
    for path in ("/", "/sign"):
        code, head, _ = curl.run(path)
        assert (code, "Location: /login" in head) == (303, True)
    code, head, _ = curl.sign(csr, token="")
    assert (code, "Location: /login" in head) == (303, True)
    assert curl.enter("wrong password")[0] == 403
    assert [row[1] for row in desk.listed()] == ["scep-ra"]


def test_every_answer_forbids_scripts_frames_and_caches(curl: Curl) -> None:
    code, head, _ = curl.enter()
    assert code == 303
    (cookie,) = [line for line in head.splitlines() if line.startswith("Set-Cookie")]
    for word in ("HttpOnly", "Secure", "SameSite=Strict"):
        assert word in cookie
    policy = (
        "Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    )
    for path in ("/", "/login", "/sign", "/style.css", "/none", "/spacroot.crt"):
        _, head, body = curl.run(path)
        assert policy in head
        assert "X-Content-Type-Options: nosniff" in head
        assert "Cache-Control: no-store" in head
        assert "<script" not in body
        assert "style=" not in body


def test_a_form_of_another_site_is_turned_away(desk: Desk, curl: Curl) -> None:
    curl.enter()
    for token in ("", "x" * 43):
        assert curl.sign(request(desk), token=token)[0] == 403
    assert curl.run("/logout", "-d", "token=x")[0] == 403
    assert [row[1] for row in desk.listed()] == ["scep-ra"]
    assert curl.run("/logout", "-d", f"token={curl.token()}")[0] == 303
    assert curl.run("/sign")[0] == 303


def test_who_guesses_passwords_is_not_heard_for_a_while(curl: Curl) -> None:
    assert [curl.enter(f"guess number {n}")[0] for n in range(6)] == [403] * 5 + [429]
    assert curl.enter()[0] == 429


@pytest.mark.proves("PS-02")
def test_the_roots_are_published_to_whoever_asks(desk: Desk, curl: Curl) -> None:
    for name, whose in (("provider-root.crt", "server-root"), ("spacroot.crt", "client-root")):
        assert curl.run(f"/{name}")[2] == (desk.ca / f"{whose}.crt").read_text()
    assert curl.run("/spacroot.crl")[0] == 404
    desk.run("crl", "--passphrase-file", str(desk.secret))
    assert curl.run("/spacroot.crl")[2] == (desk.ca / "client-root.crl").read_text()


def test_what_is_too_large_or_no_request_is_refused(desk: Desk, curl: Curl) -> None:
    curl.enter()
    large, junk = desk.folder / "large", desk.folder / "junk"
    large.write_bytes(b"x" * (300 << 10))
    junk.write_bytes(b"junk")
    assert curl.sign(large)[0] == 413
    code, _, body = curl.sign(junk)
    assert code == 400
    assert "CSR: is not PEM" in body
    for field in ("duration=36500", "product=CP-9999", "hash=none", "delivery=email"):
        assert curl.sign(request(desk), field)[0] == 400


@pytest.fixture
def smtp(desk: Desk, component: list[str]) -> Iterator[Path]:
    """Start aiosmtpd with STARTTLS; return its mailbox."""
    component.append("aiosmtpd " + version("aiosmtpd", "--version").split()[-1])
    box = desk.folder / "box"
    words = ("-n", "-l", "127.0.0.1:2525", "-c", "aiosmtpd.handlers.Mailbox")
    files = [str(desk.folder / f"portal.{end}") for end in ("crt", "key")]
    process = desk.space.popen(
        *("aiosmtpd", *words, "--tlscert", files[0], "--tlskey", files[1], str(box)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for_listener(desk.space, 2525)
    yield box
    end(process)


@pytest.mark.proves("PRV-08")
def test_a_certificate_is_sent_by_e_mail(desk: Desk, smtp: Path, component: list[str]) -> None:
    component.append(" ".join(version("curl", "--version").split()[:2]))
    root = str(desk.folder / "portal-root.crt")
    serve(desk, "--smtp", "127.0.0.1:2525", "--smtp-ca", root, "--smtp-from", "ca@telco.net")
    curl = Curl(desk)
    curl.enter()
    bad = ("delivery=email", "email=admin@telco.net\r\nBcc: x@evil.test")
    assert curl.sign(request(desk), *bad)[0] == 400
    code, _, body = curl.sign(request(desk), "delivery=email", "email=admin@telco.net")
    assert (code, "sent to <strong>admin@telco.net" in body) == (200, True)
    (held,) = mailbox.Maildir(smtp)
    message = email.message_from_bytes(bytes(held), policy=email.policy.default)
    assert (message["From"], message["To"]) == ("ca@telco.net", "admin@telco.net")
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "provserver.crt"
    (desk.folder / "mailed.crt").write_bytes(attached.get_content())
    assert judged(desk, desk.folder / "mailed.crt").endswith("mailed.crt: OK")
    assert "sent by e-mail: serial" in desk.run("audit")


def test_a_mail_server_that_cannot_prove_itself_gets_nothing(desk: Desk, smtp: Path) -> None:
    serve(desk, "--smtp", "127.0.0.1:2525")
    curl = Curl(desk)
    curl.enter()
    code, _, body = curl.sign(request(desk), "delivery=email", "email=admin@telco.net")
    assert (code, "certificate verify failed" in body) == (503, True)
    assert list(mailbox.Maildir(smtp)) == []


def test_passwords_are_not_asked_for_in_clear_text_over_a_network(desk: Desk) -> None:
    words = ("serve", "--bind", "0.0.0.0", "--passphrase-file", str(desk.secret))
    said = desk.run(*words, code=1)
    assert "give --certificate and --key, or --bind 127.0.0.1" in said
