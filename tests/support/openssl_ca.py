"""A certificate authority that is nothing but the program `openssl`."""

import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.support.certificates import Pair

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
serial = {folder}/serial
crlnumber = {folder}/crlnumber
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = copy
[any]
commonName = optional
"""


class OpensslCa:
    """One authority in a folder of its own."""

    def __init__(self, folder: Path, name: str = "OpenSSL CA") -> None:
        folder.mkdir()
        self._folder = folder
        (folder / "ca.cnf").write_text(CONFIGURATION.format(folder=folder))
        (folder / "index.txt").touch()
        for file in ("serial", "crlnumber"):
            (folder / file).write_text("1000\n")
        self._openssl(
            *(
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "30",
                "-subj",
                f"/CN={name}",
            ),
            *("-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.crt"),
        )
        self.pem = (folder / "ca.crt").read_text()

    def issue(self, name: str, *words: str, bits: int = 2048) -> Pair:
        """Return a certificate for a DNS name; `words` go to `openssl ca`."""
        folder = self._folder
        key, request, made = (f"{folder}/{name}.{end}" for end in ("key", "csr", "crt"))
        self._openssl(
            *("req", "-new", "-newkey", f"rsa:{bits}", "-nodes", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", request),
        )
        self._ca("-notext", "-in", request, "-out", made, *words)
        held = load_pem_private_key(Path(key).read_bytes(), None)
        assert isinstance(held, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        return Pair(x509.load_pem_x509_certificate(Path(made).read_bytes()), held)

    def revoke(self, name: str) -> None:
        self._ca("-revoke", f"{self._folder}/{name}.crt", "-crl_reason", "keyCompromise")

    def crl(self, *words: str) -> str:
        """Return the present revocation list as PEM text."""
        made = self._folder / "list.crl"
        self._ca("-gencrl", "-out", str(made), *words)
        return made.read_text()

    def staple(self, name: str) -> str:
        """Return the file of an OCSP answer about a certificate of `issue`."""
        folder = self._folder
        made = f"{folder}/{name}.ocsp"
        self._openssl(
            *("ocsp", "-index", f"{folder}/index.txt", "-CA", f"{folder}/ca.crt"),
            *("-rsigner", f"{folder}/ca.crt", "-rkey", f"{folder}/ca.key", "-ndays", "1"),
            *("-issuer", f"{folder}/ca.crt", "-cert", f"{folder}/{name}.crt", "-respout", made),
        )
        return made

    def _ca(self, *words: str) -> None:
        self._openssl("ca", "-batch", "-config", f"{self._folder}/ca.cnf", *words)

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
