"""`ringfence ca` and `ringfence provider` asked wrongly: one clear line, the exit code, no file."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from ringfence.cli import main

REFUSED, CANNOT = 1, 3
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with everything that the words below name."""
    folder = tmp_path_factory.mktemp("cli")
    host = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pv.telco.test")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(host).sign(KEY, hashes.SHA256())
    (folder / "pv.csr").write_bytes(asked.public_bytes(Encoding.PEM))
    for name, secured in (("open", NoEncryption()), ("locked", BestAvailableEncryption(b"x"))):
        text = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secured)
        (folder / f"{name}.key").write_bytes(text)
    (folder / "large").write_bytes(b"x" * (2 << 20))
    (folder / "empty").touch()
    (folder / "templates").mkdir()
    assert main(["ca", "init", "--unencrypted", "--dir", str(folder / "ca")]) == 0
    assert main(["ca", "sign", str(folder / "pv.csr"), "--dir", str(folder / "ca")]) == 0
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def held(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


CA = (
    (("init", "--unencrypted", "--dir", "ca"), CANNOT, "holds a certificate authority already"),
    (("init", "--unencrypted", "--dir", "templates/../.."), CANNOT, "is not empty"),
    (("init", "--unencrypted", "--dir", "open.key"), CANNOT, "exists already"),
    (("init", "--unencrypted", "--dir", "/proc/none/ca"), CANNOT, "No such file"),
    (("init", "--unencrypted", "--dir", "new", "--owner", "a\nb"), REFUSED, "owner: needs 1 to 64"),
    (("init", "--dir", "new", "--passphrase-file", "none"), CANNOT, "file none: No such"),
    (("init", "--dir", "new", "--passphrase-file", "empty"), REFUSED, "is empty"),
    (("init", "--dir", "new", "--passphrase-file", "large"), REFUSED, "is larger than 4 KiB"),
    (("sign", "none.csr"), CANNOT, "file none.csr: No such file"),
    (("sign", ""), REFUSED, "CSR: names no file"),
    (("sign", "templates"), CANNOT, "Is a directory"),
    (("sign", "empty"), REFUSED, "CSR: is not PEM"),
    (("sign", "large"), REFUSED, "is larger than 64 KiB"),
    (("sign", "open.key", "-o", "x.crt"), REFUSED, "is a private key"),
    (("sign", "pv.crt", "-o", "x.crt"), REFUSED, "no signing request but a certificate"),
    (("sign", "pv.csr", "--dir", "none"), CANNOT, "folder none: No such file"),
    (("sign", "pv.csr", "--product", "CP-9999"), REFUSED, "is not on the list"),
    (("sign", "pv.csr", "--hash", "md5"), REFUSED, "md5 is weak"),
    (("sign", "pv.csr", "--days", "0"), REFUSED, "--days: needs a number from 1"),
    (("sign", "pv.csr", "--days", str(10**30)), REFUSED, "--days: needs a number from 1"),
    (("sign", "pv.csr", "--duration", "1w"), REFUSED, "--duration: is not understood"),
    (("sign", "pv.csr", "--duration", "16y"), REFUSED, "duration: the issuing CA ends on"),
    (("sign", "pv.csr", "-o", "pv.csr"), REFUSED, "is there and is no certificate"),
    (("sign", "pv.csr", "-o", "open.key"), REFUSED, "is there and is no certificate"),
    (("sign", "pv.csr", "--passphrase-file", "locked.key"), CANNOT, "is not encrypted"),
    (("issue-device",), REFUSED, "give both --mac and --serial; or --generic"),
    (("issue-device", "--mac", "xyz", "--serial", "1"), REFUSED, "is not a MAC address"),
    (("issue-device", "--mac", "000e08abcdef", "--serial", "\n"), REFUSED, "serial number: needs"),
    (("issue-device", "--generic", "--serial", "1"), REFUSED, "--generic: names no phone"),
    (("list", "--dir", "none"), CANNOT, "No such file"),
    (("revoke", "xyz"), REFUSED, "is no file, and no serial number"),
    (("revoke", "ab:cd"), REFUSED, "this authority issued none with abcd"),
    (("revoke", "open.key"), REFUSED, "no PEM of that kind is in it"),
    (("revoke", "large"), REFUSED, "is larger than 1024 KiB"),
    (("revoke", "ca/server-root.crt"), REFUSED, "this authority issued none"),
    (("crl", "--days", "0"), REFUSED, "--days: needs a number from 1"),
    (("crl", "--days", "9999"), REFUSED, "days: the authority ends on"),
    (("crl", "--dir", "none"), CANNOT, "folder none: No such file"),
    (("export", "--dir", "none"), CANNOT, "folder none: No such file"),
    (("export", "-o", "open.key"), CANNOT, "open.key"),
    (("show", "none"), CANNOT, "file none: No such file"),
    (("show", "open.key"), REFUSED, "no PEM of that kind is in it"),
)
PROVIDER = (
    (("--dir", "none"), "folder none: is missing"),
    (("--ca-dir", "none"), "file none/client-root.crt: is missing"),
    (("--certificate", "none"), "file none: is missing"),
    (("--certificate", "pv.csr"), "pv.csr with open.key: no PEM of that kind"),
    (("--key", "locked.key"), "locked.key: is encrypted; decrypt it: openssl pkey -in locked.key"),
    (("--key", "ca/client-root.key"), "client-root.key: the key is another certificate's"),
    (("--ca-dir", "odd"), "odd/client-root.crl: is no CRL"),
    (("--ca-dir", "bad"), "bad/client-root.crt: no"),
)


@pytest.mark.parametrize(("words", "code", "said"), CA)
def test_the_authority_says_in_one_line_why_not_and_writes_nothing(
    here: Path,
    words: Sequence[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = held(here.parent)
    folder = () if "--dir" in words or words[0] == "show" else ("--dir", "ca")
    assert main(["ca", *words, *folder]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("ringfence ca: ")
    assert (said in printed.err, printed.err.count("\n")) == (True, 1), printed.err
    assert held(here.parent) == before


@pytest.mark.parametrize(("words", "said"), PROVIDER)
def test_the_server_says_in_one_line_why_not(
    here: Path, words: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, file in (("odd", "client-root.crl"), ("bad", "client-root.crt")):
        shutil.copytree("ca", name)
        Path(name, file).write_text("rubbish")
    fixed = ("--dir", "templates", "--ca-dir", "ca", "--certificate", "pv.crt")
    assert main(["provider", "serve", *fixed, "--key", "open.key", *words]) == CANNOT
    printed = capsys.readouterr()
    assert printed.err.startswith("ringfence provider: ")
    assert (said in printed.err, printed.err.count("\n")) == (True, 1), printed.err


@pytest.mark.parametrize(
    "words",
    [
        ("ca", "unknown"),
        ("ca", "sign", "pv.csr", "--hash", "sha512"),
        ("ca", "sign", "pv.csr", "--days", "1", "--duration", "1y"),
        ("ca", "revoke", "ab", "--reason", "hold"),
        ("provider", "serve"),
        ("provider", "serve", "--dir", ".", "--ca-dir", "ca", "--port", "65536"),
        ("provider", "serve", "--dir", ".", "--ca-dir", "ca", "--generic", "all"),
    ],
)
def test_wrong_words_are_2(here: Path, words: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def test_a_weak_certificate_comes_with_a_warning(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = ["ca", "sign", "pv.csr", "--dir", "ca", "--hash", "sha1", "--legacy"]
    assert main(weak) == 0
    printed = capsys.readouterr()
    assert printed.out == "pv.crt\n"
    assert printed.err == (
        "ringfence ca: warning: SHA1: a phone at its default TLS level refuses this certificate;"
        " it believes it only with @SECLEVEL=0 in TLS_Cipher_List\n"
    )
    assert main([*weak[:5], "--legacy"]) == 0
    assert capsys.readouterr().err == ""


def test_a_revoked_certificate_is_listed_as_such(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ca", "revoke", "pv.crt", "--dir", "ca", "--reason", "superseded"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("revoked: server CN=pv.telco.test, superseded\n")
    assert main(["ca", "list", "--dir", "ca"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["serial", "kind", "state", "until", "product", "subject"]
    assert " server  revoked " in row
    assert " superseded " in row
    assert row.endswith("  CP-88xx-3PCC  CN=pv.telco.test")
