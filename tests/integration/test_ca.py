"""What the authority issues, judged by openssl and by nginx."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.tls_servers import Nginx, version

HOST, SERVER = "pv.telco.net", "10.99.0.9"


def ringfence(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ringfence", *words], capture_output=True, text=True, check=False
    )


@pytest.fixture
def made(tmp_path: Path, component: list[str]) -> Path:
    """Return a folder with an authority, its exports, a phone and a signed server."""
    component.append(" ".join(version("openssl", "version").split()[:2]))
    ca, csr = str(tmp_path / "ca"), str(tmp_path / "provserver.csr")
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "privkey.pem"))
    subject = f"/CN={HOST}\\/mailto:admin@telco.net"
    subprocess.run(
        ["openssl", "req", "-new", *key, "-out", csr, "-subj", subject],
        capture_output=True,
        check=True,
    )
    phone = ("--mac", "00:0E:08:AB:CD:EF", "--serial", "88012BA01234", "--product", "CP-6841-3PCC")
    for words in (
        ("init", "--unencrypted", "--dir", ca),
        ("issue-device", "--dir", ca, *phone, "--out", str(tmp_path)),
        ("sign", "--dir", ca, csr, "--duration", "1y"),
        ("export", "--dir", ca, "--out", str(tmp_path)),
    ):
        done = ringfence("ca", *words)
        assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.fixture
def nginx(
    pair: tuple[Namespace, Namespace], made: Path, component: list[str]
) -> Iterator[Namespace]:
    """Return a phone's namespace that reaches an nginx which verifies devices."""
    component.append(version("nginx", "-v").removeprefix("nginx version: "))
    server = Nginx(
        pair[1],
        made,
        f"""ssl_certificate {made}/provserver.crt; ssl_certificate_key {made}/privkey.pem;
        ssl_client_certificate {made}/spacroot.crt; ssl_verify_client optional;
        location / {{ default_type text/plain;
        return 200 "$ssl_client_verify|$ssl_client_s_dn|$ssl_client_s_dn_legacy"; }}""",
    )
    yield pair[0]
    server.kill()


def fetch(phone: Namespace, made: Path, *words: str) -> str:
    return phone.run(
        *("curl", "-sS", "--cacert", str(made / "provider-root.crt")),
        *("--resolve", f"{HOST}:443:{SERVER}", f"https://{HOST}/", *words),
    ).stdout


@pytest.mark.proves("PRV-10", "PRV-11", "PS-02")
def test_nginx_verifies_a_phone_with_the_client_root_and_reads_its_subject(
    nginx: Namespace, made: Path
) -> None:
    files = ("--cert", str(made / "000e08abcdef.crt"), "--key", str(made / "000e08abcdef.key"))
    verdict, subject, legacy = fetch(nginx, made, *files).split("|")
    assert verdict == "SUCCESS"
    assert "SN=000e08abcdef,L=88012BA01234,OU=CP-6841-3PCC" in subject
    assert legacy.startswith("/OU=CP-6841-3PCC/L=88012BA01234/SN=000e08abcdef")


@pytest.mark.proves("PRV-10")
def test_nginx_tells_a_phone_from_nobody_and_from_a_stranger(nginx: Namespace, made: Path) -> None:
    assert fetch(nginx, made).startswith("NONE|")
    other = str(made / "other")
    assert ringfence("ca", "init", "--unencrypted", "--dir", other).returncode == 0
    phone = ("--mac", "000e08abcdef", "--serial", "1", "--out", other)
    assert ringfence("ca", "issue-device", "--dir", other, *phone).returncode == 0
    files = ("--cert", f"{other}/000e08abcdef.crt", "--key", f"{other}/000e08abcdef.key")
    assert "400 The SSL certificate error" in fetch(nginx, made, *files)


@pytest.mark.proves("PS-02")
def test_openssl_verifies_server_and_phone_each_under_its_own_root_alone(made: Path) -> None:
    server, phone = made / "provserver.crt", made / "000e08abcdef.crt"

    def verify(root: str, purpose: str, leaf: Path) -> bool:
        words = ["-x509_strict", "-purpose", purpose, "-CAfile", str(made / root)]
        chain = ["-untrusted", str(server)]
        done = subprocess.run(
            ["openssl", "verify", *words, *chain, str(leaf)], capture_output=True, check=False
        )
        return done.returncode == 0

    assert verify("provider-root.crt", "sslserver", server)
    assert verify("spacroot.crt", "sslclient", phone)
    assert not verify("spacroot.crt", "sslserver", server)
    assert not verify("provider-root.crt", "sslclient", phone)
    assert not verify("provider-root.crt", "sslclient", server)
    assert not verify("spacroot.crt", "sslserver", phone)


@pytest.mark.proves("PRV-11")
def test_openssl_reads_the_subject_of_the_chapter(made: Path) -> None:
    words = ["openssl", "x509", "-noout", "-subject", "-in", str(made / "000e08abcdef.crt")]
    subject = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert subject.startswith(
        "subject=OU = CP-6841-3PCC, L = 88012BA01234, SN = 000e08abcdef, CN = "
    )


def test_a_weak_request_of_openssl_is_refused_and_writes_nothing(made: Path) -> None:
    csr = made / "weak.csr"
    subprocess.run(
        [*("openssl", "req", "-new", "-newkey", "rsa:1024", "-nodes"), "-keyout", os.devnull,
         "-out", str(csr), "-subj", "/CN=weak.test"],
        capture_output=True, check=True,
    )  # fmt: skip
    done = ringfence("ca", "sign", "--dir", str(made / "ca"), str(csr))
    assert done.returncode == 1
    assert "RSA 1024" in done.stderr
    assert not csr.with_suffix(".crt").exists()
