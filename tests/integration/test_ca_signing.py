"""What `ringfence ca` signs and takes back, judged by openssl, nginx and the phone's own Egress."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.phone import RINGFENCE, ringfence
from tests.support.provider_authority import initial_authority
from tests.support.tls_servers import Nginx, end, version, wait_for_listener

__all__ = ["initial_authority"]

HOST, SERVER = "pv.telco.net", "10.99.0.9"
WEAK = "DEFAULT:@SECLEVEL=0"
"""What server and phone must say before they believe a weak certificate."""
ANSWERS = ("sesame", "sesame", "", "", "", "", "", HOST, "", "", "")
"""To the questions of `openssl req -new`: passphrase twice, subject, extra attributes."""


class Authority:
    """A folder with an authority."""

    def __init__(self, folder: Path, initial: Path) -> None:
        self.folder = folder
        shutil.copytree(initial, folder / "ca")

    def run(self, *words: str, code: int = 0) -> str:
        done = ringfence("ca", *words, "--dir", str(self.folder / "ca"), cwd=self.folder)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    def request(self, name: str, *key: str, host: str = HOST) -> str:
        """Make NAME.csr and NAME.key with openssl."""
        words = ("req", "-new", *key, "-nodes", "-subj", f"/CN={host}", "-out", f"{name}.csr")
        self.openssl(*words, "-keyout", f"{name}.key")
        return f"{name}.csr"

    def openssl(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["openssl", *words], capture_output=True, text=True, check=False, cwd=self.folder
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout + done.stderr

    def verify(self, name: str, *words: str) -> str:
        """Return what openssl says of NAME.crt, whose chain is in the same file."""
        chain = ("-CAfile", "ca/server-root.crt", "-untrusted", f"{name}.crt")
        purpose = ("-x509_strict", "-purpose", "sslserver")
        return self.openssl("verify", *purpose, *chain, *words, f"{name}.crt", check=False)


@pytest.fixture
def authority(tmp_path: Path, initial_authority: Path, component: list[str]) -> Authority:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    return Authority(tmp_path, initial_authority)


@pytest.mark.proves("PRV-06", "PS-01")
def test_the_request_of_the_guide_comes_back_signed(authority: Authority) -> None:
    folder = authority.folder
    subprocess.run(
        ["openssl", "req", "-new", "-out", "provserver.csr"],
        input="\n".join(ANSWERS) + "\n",
        cwd=folder,
        start_new_session=True,  # without a terminal it reads the passphrase from its input
        capture_output=True,
        text=True,
        check=True,
    )
    assert (folder / "privkey.pem").is_file()
    authority.run("sign", "provserver.csr", "-o", "provserver.crt")
    assert authority.verify("provserver", "-verify_hostname", HOST) == "provserver.crt: OK\n"
    public = ("pkey", "-in", "privkey.pem", "-passin", "pass:sesame", "-pubout")
    asked = authority.openssl("x509", "-in", "provserver.crt", "-noout", "-pubkey")
    assert asked == authority.openssl(*public)
    text = authority.openssl("x509", "-in", "provserver.crt", "-noout", "-text")
    assert "Public-Key: (2048 bit)" in text
    assert "Signature Algorithm: sha256WithRSAEncryption" in text


@pytest.mark.proves("PRV-06")
@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("-newkey", "rsa:3072"), "(3072 bit)"),
        (("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "ASN1 OID: prime256v1"),
    ],
    ids=["RSA 3072", "P-256"],
)
def test_other_strong_keys_are_signed(authority: Authority, words: Sequence[str], key: str) -> None:
    authority.run("sign", authority.request("other", *words))
    assert authority.verify("other") == "other.crt: OK\n"
    assert key in authority.openssl("x509", "-in", "other.crt", "-noout", "-text")


@pytest.mark.proves("PRV-08", "PS-01")
@pytest.mark.parametrize(
    ("words", "days"), [((), 365), (("--days", "90"), 90), (("--duration", "2y"), 730)]
)
def test_the_duration_is_chosen(authority: Authority, words: Sequence[str], days: int) -> None:
    authority.run("sign", authority.request("pv"), *words)
    seconds = days * 24 * 3600
    for margin, code in ((-60, 0), (60, 1)):
        asked = ["openssl", "x509", "-in", "pv.crt", "-noout", "-checkend", str(seconds + margin)]
        done = subprocess.run(asked, capture_output=True, check=False, cwd=authority.folder)
        assert done.returncode == code


@pytest.mark.proves("PRV-07")
@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_a_weak_hash_needs_the_legacy_switch_and_a_low_security_level(
    authority: Authority, digest: str
) -> None:
    csr = authority.request("weak")
    said = authority.run("sign", csr, "--hash", digest, code=1)
    assert said.count("\n") == 1
    assert "--legacy" in said
    assert not (authority.folder / "weak.crt").exists()
    authority.run("sign", csr, "--hash", digest, "--legacy")
    text = authority.openssl("x509", "-in", "weak.crt", "-noout", "-text")
    assert text.count(f"Signature Algorithm: {digest}WithRSAEncryption") == 2
    assert authority.verify("weak", "-auth_level", "0") == "weak.crt: OK\n"
    assert "CA signature digest algorithm too weak" in authority.verify("weak", "-auth_level", "2")


@pytest.mark.proves("PRV-06", "PRV-07")
def test_a_short_key_needs_the_legacy_switch_and_a_low_security_level(
    authority: Authority,
) -> None:
    csr = authority.request("short", "-newkey", "rsa:1024")
    assert "RSA 1024" in authority.run("sign", csr, code=1)
    authority.run("sign", csr, "--legacy")
    assert authority.verify("short", "-auth_level", "0") == "short.crt: OK\n"
    assert "EE certificate key too weak" in authority.verify("short", "-auth_level", "2")


@pytest.fixture
def serve(
    pair: tuple[Namespace, Namespace], authority: Authority
) -> Iterator[Callable[[str], None]]:
    """Start openssl s_server with NAME.crt, which believes that weak certificates will do."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> None:
        files = [str(authority.folder / f"{name}.{end}") for end in ("crt", "key")]
        started.append(
            pair[1].popen(
                *("openssl", "s_server", "-accept", "443", "-quiet", "-cipher", WEAK),
                *("-cert", files[0], "-cert_chain", files[0], "-key", files[1]),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        wait_for_listener(pair[1], 443)

    yield start
    for process in started:
        end(process)


@pytest.mark.proves("PRV-07")
@pytest.mark.parametrize(
    ("words", "key", "weakness"),
    [
        (("--hash", "md5"), "rsa:2048", "digest that is too weak"),
        (("--hash", "sha1"), "rsa:2048", "digest that is too weak"),
        ((), "rsa:1024", "key is too weak"),
    ],
    ids=["MD5", "SHA-1", "RSA 1024"],
)
def test_a_phone_at_its_default_level_refuses_a_legacy_certificate(
    pair: tuple[Namespace, Namespace],
    authority: Authority,
    serve: Callable[[str], None],
    words: Sequence[str],
    key: str,
    weakness: str,
) -> None:
    authority.run("sign", authority.request("weak", "-newkey", key), *words, "--legacy")
    serve("weak")

    def probe(*options: str) -> dict[str, Any]:
        done = pair[0].run(
            *(*RINGFENCE, "probe", "tls", f"{HOST}:443", "--app", "provisioning", "--json"),
            *("--connect", SERVER, "--ca", str(authority.folder / "ca/server-root.crt"), *options),
            check=False,
        )
        return dict(json.loads(done.stdout))

    verdict = probe()
    assert verdict["accepted"] is False
    assert weakness in verdict["reason"]
    assert probe("--cipher-list", WEAK)["accepted"] is True


@pytest.mark.proves("PRV-09")
def test_the_product_is_picked_from_a_list(authority: Authority) -> None:
    csr = authority.request("pv")
    names = [line.split()[0] for line in ringfence("ca", "products").stdout.splitlines()]
    assert names == [
        *("CP-68xx-3PCC", "CP-78xx-3PCC", "CP-88xx-3PCC", "SPA5xx", "SPA1xx", "SPA232D")
    ]
    said = authority.run("sign", csr, "--product", "CP-8814-3PC", code=1)
    assert "the nearest is CP-8841-3PCC" in said
    assert not (authority.folder / "pv.crt").exists()
    for name in (*names, "cp-6841-3pcc"):
        authority.run("sign", csr, "--product", name)
    rows = json.loads(authority.run("list", "--json"))
    assert [row["product"] for row in rows] == [*names, "CP-68xx-3PCC"]
    number = authority.openssl("x509", "-in", "pv.crt", "-noout", "-serial").strip()
    assert number.lower() == f"serial={int(rows[-1]['serial'], 16):040x}"


@pytest.mark.proves("PS-01")
def test_a_revoked_server_is_on_a_list_that_openssl_believes(authority: Authority) -> None:
    for name in ("good", "bad"):
        authority.run("sign", authority.request(name))
    authority.run("crl", "--days", "7", "-o", "public")
    authority.run("revoke", "bad.crt", "--reason", "keyCompromise")
    authority.run("export", "-o", "public")
    lists = ("-crl_check_all", "-CRLfile", "public/provider-bundle.pem")
    assert authority.verify("good", *lists) == "good.crt: OK\n"
    assert "certificate revoked" in authority.verify("bad", *lists)
    text = authority.openssl("crl", "-in", "ca/server-ca.crl", "-noout", "-text")
    assert "X509v3 CRL Number: \n                2\n" in text
    assert "Key Compromise" in text
    assert text.count("Serial Number:") == 1
    verified = ("crl", "-in", "ca/server-ca.crl", "-noout", "-CAfile", "ca/server-ca.crt")
    assert "verify OK" in authority.openssl(*verified)


def test_nginx_turns_a_revoked_phone_away_by_the_exported_list(
    pair: tuple[Namespace, Namespace], authority: Authority, component: list[str]
) -> None:
    component.append(version("nginx", "-v").removeprefix("nginx version: "))
    folder = authority.folder
    authority.run("sign", authority.request("pv"))
    for mac in ("000e08abcdef", "000e08abcdee"):
        authority.run("issue-device", "--mac", mac, "--serial", "1", "-o", str(folder))
    authority.run("revoke", "000e08abcdef.crt")
    authority.run("export", "-o", str(folder))
    server = Nginx(
        pair[1],
        folder,
        f"""ssl_certificate {folder}/pv.crt; ssl_certificate_key {folder}/pv.key;
        ssl_client_certificate {folder}/spacroot.crt; ssl_crl {folder}/spacroot.crl;
        ssl_verify_client on; location / {{ return 200 "$ssl_client_verify"; }}""",
    )

    def fetch(mac: str) -> str:
        return (
            pair[0]
            .run(
                *("curl", "-sS", "--cacert", str(folder / "provider-root.crt")),
                *("--cert", str(folder / f"{mac}.crt"), "--key", str(folder / f"{mac}.key")),
                *("--resolve", f"{HOST}:443:{SERVER}", f"https://{HOST}/"),
            )
            .stdout
        )

    try:
        assert fetch("000e08abcdee") == "SUCCESS"
        assert "400 The SSL certificate error" in fetch("000e08abcdef")
    finally:
        server.kill()


def test_commands_at_the_same_time_lose_nothing(authority: Authority) -> None:
    words = [sys.executable, "-m", "ringfence", "ca", "issue-device", "--dir", "ca"]
    running = [
        subprocess.Popen(
            [*words, "--key", "p256", "--serial", "1", "--mac", f"000e0800000{n}"],
            cwd=authority.folder,
            stdout=subprocess.DEVNULL,
        )
        for n in range(6)
    ]
    running.append(
        subprocess.Popen(
            [*words[:4], "crl", "--dir", "ca"], cwd=authority.folder, stdout=subprocess.DEVNULL
        )
    )
    assert [process.wait(60) for process in running] == [0] * 7
    rows = json.loads(authority.run("list", "--json"))
    assert len({row["serial"] for row in rows}) == 6
