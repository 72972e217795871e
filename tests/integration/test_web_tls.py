"""The page over HTTPS, asked suite by suite by the openssl command."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ringfence.lab.namespaces import Namespace
from tests.support.administrator import Administrator
from tests.support.curl import Curl
from tests.support.web_fixtures import Browse, browse
from tests.support.web_phone import PASSWORD, WebPhone

__all__ = ["browse"]

SECURE = {
    "Admin_Password": PASSWORD,
    "Enable_Protocol": "Https",
    "Web_Server_Port": "443",
}
CHAPTER = {
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-SHA",
    "AES128-SHA",
    "DES-CBC3-SHA",
}
"""The chapter's five suites of the web server."""

Start = Callable[..., WebPhone]
VERSIONS = {"-tls1": "TLSv1.0", "-tls1_1": "TLSv1.1", "-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}
ACCEPTED = re.compile(
    r"^(?:Preferred|Accepted) +(\S+) +\d+ bits +(?:0x([0-9A-F]{4}) +)?(\S+)", re.M
)
"""A line of sslscan."""


class OpenSsl:
    """`openssl s_client` and what it hears."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self.version = " ".join(self._run("version").split()[:2])

    def _run(self, *words: str, check: bool = True) -> str:
        done = self._space.run("openssl", *words, stdin="Q\n", check=check)
        return str(done.stdout)

    def universe(self) -> list[str]:
        """Return every suite of TLS 1.2 and before that this library can offer."""
        text = self._run("ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").strip()
        return [name for name in text.split(":") if not name.startswith("TLS_")]

    def hear(self, *words: str) -> str:
        """Return what one handshake said."""
        return self._run("s_client", "-connect", "10.99.0.2:443", *words, check=False)

    def accepted(self) -> set[str]:
        """Return every suite of TLS 1.2 that the page accepts.

        All are offered; the one that was chosen is left out the next time; until none is taken.
        """
        left, found = self.universe(), set()
        while left:
            heard = self.hear("-tls1_2", "-cipher", ":".join((*left, "@SECLEVEL=0")))
            chosen = re.search(r"^New, .*Cipher is (\S+)$", heard, re.M)
            assert chosen, heard
            if chosen[1] == "(NONE)":
                break
            left.remove(chosen[1])
            found.add(chosen[1])
        return found


@pytest.fixture
def start(pair: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[Start]:
    phones: list[WebPhone] = []

    def factory(**texts: str) -> WebPhone:
        phones.append(WebPhone(tmp_path, pair[0], **{**SECURE, **texts}))
        return phones[-1]

    yield factory
    for phone in phones:
        phone.stop()


@pytest.fixture
def openssl(pair: tuple[Namespace, Namespace], component: list[str]) -> OpenSsl:
    made = OpenSsl(pair[1])
    component.append(made.version)
    return made


def switch_to_https(page: Page) -> str:
    """Follow the page to where it says it goes, log in anew, and confirm there."""
    administrator = Administrator(page)
    administrator.access_the_phone_web_interface("http://10.99.0.2/", PASSWORD)
    administrator.select("Voice > System")
    administrator.set("System Configuration", "Enable Protocol", "Https")
    administrator.set("System Configuration", "Web Server Port", "443")
    page.get_by_role("button", name="Submit All Changes").click()
    link = page.get_by_role("main").get_by_role("link")
    where = link.inner_text()
    link.click()
    page.wait_for_url("https://10.99.0.2/login**")
    administrator.access_the_phone_web_interface(where, PASSWORD)
    page.get_by_role("button", name="Confirm Changes").click()
    expect(page.get_by_text("The changes stand.")).to_be_visible()
    return where


@pytest.mark.proves("WEB-02")
def test_the_page_is_switched_to_https_on_the_page_itself(
    start: Start, browse: Browse, openssl: OpenSsl
) -> None:
    phone = start(Enable_Protocol="Http", Web_Server_Port="80")
    assert browse(switch_to_https) == "https://10.99.0.2:443/"
    assert openssl.accepted() == CHAPTER & set(openssl.universe())
    assert phone.status()["unconfirmed"] is None


@pytest.mark.proves("TLS-03", "TLS-12")
def test_a_blank_list_offers_exactly_the_five_suites_of_the_chapter(
    start: Start, openssl: OpenSsl
) -> None:
    start()
    universe = set(openssl.universe())
    assert len(universe) > 60
    assert openssl.accepted() == CHAPTER & universe
    assert openssl.hear("-tls1_2").count("Cipher is ECDHE-RSA-AES256-GCM-SHA384") == 1


@pytest.mark.proves("TLS-03")
def test_an_unusable_list_falls_back_to_the_same_suites(start: Start, openssl: OpenSsl) -> None:
    start(TLS_Cipher_List="BOGUS:NONSENSE")
    assert openssl.accepted() == CHAPTER & set(openssl.universe())


@pytest.mark.proves("TLS-01", "TLS-11")
def test_a_list_replaces_the_five_and_caps_the_version(start: Start, openssl: OpenSsl) -> None:
    start(TLS_Cipher_List="ECDHE-RSA-AES128-SHA256:AES256-SHA256")
    assert openssl.accepted() == {"ECDHE-RSA-AES128-SHA256", "AES256-SHA256"}
    assert "New, (NONE)" in openssl.hear("-tls1_3")


def sslscan_version() -> str:
    done = subprocess.run(["sslscan", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    assert found
    return f"sslscan {found[0]}"


def scan(space: Namespace) -> list[tuple[str, str]]:
    """Return version and suite of everything that sslscan gets accepted, as it prefers."""
    words = ("sslscan", "--no-colour", "--no-heartbleed", "--no-groups", "--show-cipher-ids")
    done = space.run(*words, "10.99.0.2:443")
    return [(found[1], found[3]) for found in ACCEPTED.finditer(done.stdout)]


@pytest.mark.proves("TLS-03", "TLS-11")
def test_sslscan_finds_the_same_and_tls_1_3_while_there_is_no_list(
    start: Start, pair: tuple[Namespace, Namespace], component: list[str]
) -> None:
    component.append(sslscan_version())
    start()
    found = scan(pair[1])
    assert {suite for version, suite in found if version == "TLSv1.2"} == CHAPTER - {"DES-CBC3-SHA"}
    assert {version for version, _ in found} == {"TLSv1.2", "TLSv1.3"}


@pytest.mark.proves("TLS-09", "TLS-11")
@pytest.mark.parametrize(
    ("minimum", "text", "spoken"),
    [
        ("TLS 1.1", "DEFAULT@SECLEVEL=0", ["TLSv1.1", "TLSv1.2"]),
        ("TLS 1.1", "", ["TLSv1.2", "TLSv1.3"]),
        ("TLS 1.2", "DEFAULT@SECLEVEL=0", ["TLSv1.2"]),
        ("TLS 1.2", "", ["TLSv1.2", "TLSv1.3"]),
        ("TLS 1.3", "DEFAULT@SECLEVEL=0", ["TLSv1.3"]),
    ],
)
def test_the_page_speaks_no_version_below_its_minimum(
    start: Start, openssl: OpenSsl, minimum: str, text: str, spoken: list[str]
) -> None:
    start(TLS_Server_Min_Version=minimum, TLS_Cipher_List=text)
    heard = {
        name: openssl.hear(word, "-cipher", "ALL:@SECLEVEL=0") for word, name in VERSIONS.items()
    }
    assert [name for name, text in heard.items() if "Cipher is (NONE)" not in text] == spoken


def test_older_versions_are_refused(start: Start, openssl: OpenSsl) -> None:
    start()
    for version in ("-tls1", "-tls1_1"):
        assert "(NONE)" in openssl.hear(version, "-cipher", "ALL:@SECLEVEL=0")


def certificate(openssl: OpenSsl) -> str:
    found = re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", openssl.hear("-tls1_2"), re.S)
    assert found
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-text"],
        input=found[0],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.proves("TLS-12")
def test_a_phone_without_certificate_makes_an_rsa_one_and_keeps_it(
    start: Start, openssl: OpenSsl, tmp_path: Path
) -> None:
    phone = start()
    first = certificate(openssl)
    assert "Public Key Algorithm: rsaEncryption" in first
    assert "Public-Key: (2048 bit)" in first
    assert "Not After : Dec 31 23:59:59 9999" in first
    assert (tmp_path / "web.key").stat().st_mode & 0o077 == 0
    phone.stop()
    start()
    assert certificate(openssl) == first


def device(folder: Path, *key: str) -> None:
    words = ["req", "-x509", "-nodes", "-days", "30", "-subj", "/OU=CP-8841-3PCC/L=1/CN=phone"]
    files = ["-keyout", str(folder / "device.key"), "-out", str(folder / "device.crt")]
    subprocess.run(["openssl", *words, *key, *files], check=True, capture_output=True)


def web_rows(phone: WebPhone) -> dict[str, str]:
    status = phone.until(lambda s: "Certificate" in dict(s["features"]["web"]["rows"]))
    return dict(status["features"]["web"]["rows"])


@pytest.mark.proves("TLS-12")
def test_with_an_ec_certificate_the_page_names_the_dead_suites(
    start: Start, openssl: OpenSsl, tmp_path: Path
) -> None:
    device(tmp_path, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    phone = start()
    rows = web_rows(phone)
    assert rows["Certificate"] == "device, EC"
    dead = set(rows["Suites that need an RSA Certificate"].split(", "))
    assert dead == CHAPTER & set(openssl.universe())
    assert openssl.accepted() == set()


@pytest.mark.proves("TLS-12")
def test_a_page_whose_list_no_certificate_of_its_fits_says_so(
    start: Start, openssl: OpenSsl
) -> None:
    phone = start(TLS_Cipher_List="ECDHE-ECDSA-AES256-GCM-SHA384:DHE-DSS-AES256-GCM-SHA384")
    rows = web_rows(phone)
    assert rows["Certificate"] == "self-signed, RSA"
    assert rows["Suites that need an EC Certificate"] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert rows["Suites that need a DSA Certificate"] == "DHE-DSS-AES256-GCM-SHA384"
    assert rows["Warning"] == "no suite works with this certificate: nobody can open it"
    assert openssl.accepted() == set()


@pytest.mark.proves("TLS-12")
def test_with_an_rsa_device_certificate_every_suite_lives(
    start: Start, openssl: OpenSsl, tmp_path: Path
) -> None:
    device(tmp_path, "-newkey", "rsa:2048")
    rows = web_rows(start())
    assert rows["Certificate"] == "device, RSA"
    assert "Suites that need an RSA Certificate" not in rows
    assert rows["Unavailable Suites"] == "DES-CBC3-SHA"
    assert "OU=CP-8841-3PCC" in certificate(openssl).replace("OU = ", "OU=")


def test_the_session_cookie_is_bound_to_host_and_https(
    start: Start, pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> None:
    start()
    component.append(Curl.version())
    visitor = Curl(pair[1], "https://10.99.0.2", tmp_path)
    cookie = visitor.login("admin", PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"HttpOnly", "Path=/", "SameSite=Strict", "Secure"} <= set(cookie.split("; "))
    assert visitor.get("/info/status").status == 200


def test_a_device_certificate_with_a_foreign_key_opens_no_page(
    start: Start, pair: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    device(tmp_path, "-newkey", "rsa:2048")
    shutil.copy(tmp_path / "device.crt", tmp_path / "first.crt")
    device(tmp_path, "-newkey", "rsa:2048")
    shutil.copy(tmp_path / "first.crt", tmp_path / "device.crt")
    status = start().until(lambda s: s["features"]["web"]["health"] == "Failed")
    assert "device.crt" in dict(status["features"]["web"]["rows"])["Error"]
    assert ":443" not in pair[0].run("ss", "-Hltn").stdout


def test_a_damaged_certificate_of_the_page_is_made_anew(
    start: Start, openssl: OpenSsl, tmp_path: Path
) -> None:
    (tmp_path / "web.crt").write_text("no certificate")
    (tmp_path / "web.key").write_text("no key")
    start()
    assert "Public-Key: (2048 bit)" in certificate(openssl)


def silent(count: int) -> int:
    """Hold `count` connections that never begin their handshake; ask once beside them."""
    held = [socket.create_connection(("10.99.0.2", 443), timeout=5) for _ in range(count)]
    done = subprocess.run(
        [
            "curl",
            "-sk",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            "2",
            "https://10.99.0.2/login",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    for made in held:
        made.close()
    return int(done.stdout)


def test_five_hundred_silent_visitors_do_not_keep_another_out(
    start: Start, pair: tuple[Namespace, Namespace], openssl: OpenSsl
) -> None:
    phone = start()
    assert "Cipher is" in openssl.hear()
    assert pair[1].call(silent, 500) == 200
    assert len(list(Path(f"/proc/{phone.process.pid}/fd").iterdir())) < 150
