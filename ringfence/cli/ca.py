"""`ringfence ca`: the provider's certificates for servers and phones."""

import argparse
import sys
from pathlib import Path
from typing import TypeAlias

from ringfence.cli import CANNOT, DONE, FINDINGS
from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.products import DEFAULT, PRODUCTS
from ringfence.provider.register import REASONS

FOLDER = Path("ringfence-ca")
PRODUCT = "CP-8841-3PCC"
EPILOG = """\
An authority holds two trees: the server root, which every phone carries (provider-root.crt),
and the client root, which HTTPS servers use to verify phones (spacroot.crt).
Exit codes: 0 done, 1 refused, 2 wrong words, 3 files fail."""

CHOSEN = "first line is the passphrase of"

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_init(verbs)
    _add_encrypt(verbs)
    _add_issue_device(verbs)
    _add_sign(verbs)
    verbs.add_parser("products", help="list the products that a server is signed for")
    verb = _verb(verbs, "list", "list every certificate that was issued, and what became of it")
    verb.add_argument("--json", action="store_true", help="print JSON")
    _add_revocation(verbs)
    _add_renew(verbs)
    _add_audit(verbs)
    _add_serve(verbs)
    verb = _verb(verbs, "export", "write the roots, and CRLs where there are some, for others")
    verb.add_argument("--out", "-o", type=Path, default=Path(), help="folder (the present one)")
    verb = verbs.add_parser("show", help="print a certificate in the terms of the field")
    verb.add_argument("file", type=Path, metavar="FILE")
    verb.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run one verb; return 0, 1 where something was refused, 3 where files fail."""
    from ringfence.cli import ca_verbs

    try:
        return ca_verbs.VERBS[arguments.verb](arguments) or DONE
    except ConfigError as error:
        print(f"ringfence ca: {error}", file=sys.stderr)
        return FINDINGS
    except ComponentError as error:
        print(f"ringfence ca: {error}", file=sys.stderr)
        return CANNOT


def _verb(verbs: Verbs, name: str, purpose: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=purpose)
    verb.add_argument(
        "--dir", type=Path, default=FOLDER, help=f"folder of the authority ({FOLDER})"
    )
    return verb


def _with_keys(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="opens its keys; else the systemd credential ringfence-ca, what was drawn, or you",
    )


def _add_init(verbs: Verbs) -> None:
    verb = _verb(verbs, "init", "make the roots and the issuing CA")
    verb.add_argument("--owner", default="Ringfence Provider", help="organisation in the roots")
    verb.add_argument("--passphrase-file", type=Path, metavar="FILE", help=f"{CHOSEN} its keys")
    verb.add_argument(
        "--unencrypted", action="store_true", help="leave the keys open to whoever reads the files"
    )


def _add_encrypt(verbs: Verbs) -> None:
    verb = _verb(verbs, "encrypt", "encrypt the keys of an authority, or change their passphrase")
    verb.add_argument("--passphrase-file", type=Path, metavar="FILE", help=CHOSEN + " the keys")
    verb.add_argument(
        "--old-passphrase-file", type=Path, metavar="FILE", help="what opens them until now"
    )


def _add_serve(verbs: Verbs) -> None:
    verb = _verb(verbs, "serve", "the portal for signing requests, and SCEP for phones")
    verb.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    verb.add_argument("--port", type=int, default=8443, help="TCP port (8443); 0 for any")
    verb.add_argument("--certificate", type=Path, help="the portal's; needed beyond 127.0.0.1")
    verb.add_argument("--key", type=Path, help="its private key")
    verb.add_argument(
        "--scep-port", type=int, help="SCEP alone, without TLS, which it can do without"
    )
    verb.add_argument(
        "--scep-days", type=int, default=365, help="how long its certificates count (365)"
    )
    verb.add_argument(
        "--smtp", metavar="HOST[:PORT]", help="mail server; without it, download alone"
    )
    verb.add_argument("--smtp-from", default="ca@localhost", help="sender (ca@localhost)")
    verb.add_argument("--smtp-user", help="to log in at the mail server")
    verb.add_argument("--smtp-password-file", type=Path, metavar="FILE")
    verb.add_argument("--smtp-ca", type=Path, metavar="FILE", help="root of the mail server")
    verb.add_argument("--smtp-plain", action="store_true", help="speak to it in clear text")
    verb.add_argument(
        "--scep-hold",
        action="store_true",
        help="keep requests without a password for `ringfence ca approve`",
    )
    _with_keys(verb)
    _add_requests(verbs)


def _add_requests(verbs: Verbs) -> None:
    _verb(verbs, "requests", "list the SCEP requests that wait for a decision")
    verb = _verb(verbs, "approve", "give a waiting SCEP request the certificate of one phone")
    verb.add_argument("request", metavar="REQUEST", help="the beginning of its name")
    verb.add_argument("--mac", help="MAC address of the phone")
    verb.add_argument("--serial", help="its serial number")
    verb.add_argument("--product", help=f"its product ({PRODUCT})")
    verb.add_argument("--scep-days", type=int, default=365, help="how long it counts (365)")
    verb.add_argument("--refuse", action="store_true", help="forget the request instead")
    verb.set_defaults(generic=False)
    _with_keys(verb)
    verb = _verb(verbs, "user", "let someone log in at the portal")
    verb.add_argument("name", metavar="NAME")
    verb.add_argument("--password-file", type=Path, metavar="FILE", help="else you are asked")
    verb.add_argument("--remove", action="store_true", help="let NAME in no more")
    verb = _verb(verbs, "challenge", "print a password for one phone's CDC Challenge Password")
    verb.add_argument("--mac", required=True, help="MAC address of the phone")
    verb.add_argument("--serial", required=True, help="its serial number")
    verb.add_argument("--product", help=f"its product ({PRODUCT})")
    verb.set_defaults(generic=False)


def _add_audit(verbs: Verbs) -> None:
    verb = _verb(verbs, "audit", "verify and print the log of all that was done")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument(
        "--expect", metavar="HEAD", help="a head noted earlier, which the log must still hold"
    )


def _add_renew(verbs: Verbs) -> None:
    verb = _verb(verbs, "renew", "issue a certificate anew, for the same key and names")
    verb.add_argument("certificate", type=Path, metavar="FILE", help="its PEM file")
    _with_duration(verb)
    verb.add_argument("--out", "-o", type=Path, help="the new one (FILE itself)")
    _with_keys(verb)


def _with_duration(verb: argparse.ArgumentParser) -> None:
    many = verb.add_mutually_exclusive_group()
    many.add_argument("--days", type=int, metavar="N", help="how long it counts, in days")
    many.add_argument("--duration", help="how long it counts: 30d, 1y, 2y ... (1y)")


def _add_issue_device(verbs: Verbs) -> None:
    verb = _verb(verbs, "issue-device", "make key and certificate of one phone, or the generic one")
    verb.add_argument("--mac", help="MAC address, S of the subject")
    verb.add_argument("--serial", help="serial number, L of the subject")
    verb.add_argument("--product", help=f"OU of the subject ({PRODUCT})")
    verb.add_argument(
        "--generic", action="store_true", help="the certificate that phones without their own share"
    )
    verb.add_argument("--key", choices=("rsa", "p256"), default="rsa", help="kind of key (rsa)")
    verb.add_argument(
        "--out", "-o", type=Path, help="folder for MAC.crt and MAC.key, or generic.* (DIR/devices)"
    )
    _with_keys(verb)


def _add_sign(verbs: Verbs) -> None:
    verb = _verb(verbs, "sign", "sign the request of a provisioning server")
    verb.add_argument("csr", type=Path, metavar="CSR", help="made by openssl req -new -out CSR")
    names = ", ".join(product.name for product in PRODUCTS)
    verb.add_argument(
        "--product", default=DEFAULT, help=f"phones the server is for: {names} ({DEFAULT})"
    )
    verb.add_argument(
        "--hash", choices=("sha256", "sha1", "md5"), default="sha256", help="(sha256, recommended)"
    )
    _with_duration(verb)
    verb.add_argument(
        "--legacy",
        action="store_true",
        help="allow SHA-1, MD5 and RSA 1024, which phones refuse at their default TLS level",
    )
    verb.add_argument("--out", "-o", type=Path, help="certificate (CSR with the ending .crt)")
    _with_keys(verb)


def _add_revocation(verbs: Verbs) -> None:
    verb = _verb(verbs, "revoke", "take a certificate back, and make new CRLs")
    verb.add_argument("certificate", metavar="SERIAL|FILE", help="serial number, or its PEM file")
    verb.add_argument("--reason", choices=REASONS, default=REASONS[0], help=f"({REASONS[0]})")
    _with_keys(verb)
    verb = _verb(verbs, "crl", "make new CRLs of all that is revoked")
    verb.add_argument("--days", type=int, default=30, metavar="N", help="how long they count (30)")
    verb.add_argument("--out", "-o", type=Path, help="also `ca export` into this folder")
    _with_keys(verb)
