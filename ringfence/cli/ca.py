"""`ringfence ca`: the provider's certificates for servers and phones."""

import argparse
import json
import re
import sys
from datetime import timedelta
from pathlib import Path

from ringfence.cli import CANNOT, DONE, FINDINGS
from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.identity import DeviceIdentity, hardware_address

FOLDER = Path("ringfence-ca")
PRODUCT = "CP-8841-3PCC"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "An authority holds two trees: the server root, which every phone carries"
        " (provider-root.crt),\nand the client root, which HTTPS servers use to verify phones"
        " (spacroot.crt)."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("init", help="make the roots and the issuing CA")
    _folder(verb)
    verb.add_argument("--owner", default="Ringfence Provider", help="organisation in the roots")
    verb = verbs.add_parser("issue-device", help="make key and certificate of one phone")
    _folder(verb)
    verb.add_argument("--mac", required=True, help="MAC address, S of the subject")
    verb.add_argument("--serial", required=True, help="serial number, L of the subject")
    verb.add_argument("--product", default=PRODUCT, help=f"OU of the subject ({PRODUCT})")
    verb.add_argument("--key", choices=("rsa", "p256"), default="rsa", help="kind of key (rsa)")
    verb.add_argument("--out", type=Path, help="folder for MAC.crt and MAC.key (DIR/devices)")
    verb = verbs.add_parser("sign", help="sign the request of a provisioning server (SHA-256)")
    _folder(verb)
    verb.add_argument("csr", type=Path, metavar="CSR", help="made by openssl req -new -out CSR")
    verb.add_argument("--product", default=PRODUCT, help="phones the server is for")
    verb.add_argument("--duration", type=_duration, default="1y", help="30d, 1y, 2y ... (1y)")
    verb.add_argument("--out", type=Path, help="certificate file (CSR with the ending .crt)")
    verb = verbs.add_parser("export", help="write provider-root.crt and spacroot.crt")
    _folder(verb)
    verb.add_argument("--out", type=Path, default=Path(), help="folder (the present one)")
    verb = verbs.add_parser("show", help="print a certificate in the terms of the field")
    verb.add_argument("file", type=Path, metavar="FILE")
    verb.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run one verb; return 0, 1 where something was refused, 3 where files fail."""
    try:
        return int(_VERBS[arguments.verb](arguments))
    except ConfigError as error:
        print(f"ringfence ca: {error}", file=sys.stderr)
        return FINDINGS
    except ComponentError as error:
        print(f"ringfence ca: {error}", file=sys.stderr)
        return CANNOT


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=Path, default=FOLDER, help=f"folder of the authority ({FOLDER})"
    )


def _duration(text: str) -> timedelta:
    asked = re.fullmatch(r"(\d{1,4})([dy])", text)
    if not asked or int(asked[1]) == 0:
        raise argparse.ArgumentTypeError("write a number of days or years: 90d, 1y")
    return timedelta(days=int(asked[1]) * (365 if asked[2] == "y" else 1))


def _init(arguments: argparse.Namespace) -> int:
    from ringfence.provider import ca

    ca.create(arguments.dir, arguments.owner, ca.now())
    print(f"authority of {arguments.owner} in {arguments.dir}; keep *.key secret")
    return DONE


def _issue_device(arguments: argparse.Namespace) -> int:
    from ringfence.provider import ca

    device = DeviceIdentity(arguments.product, arguments.serial, arguments.mac)
    kind = ca.KeyKind(arguments.key)
    issued = ca.issue_device(arguments.dir, device, ca.now(), kind)
    out = arguments.out or arguments.dir / "devices"
    mac = hardware_address(arguments.mac)
    ca.write(out / f"{mac}.key", issued.key or b"", 0o600)
    ca.write(out / f"{mac}.crt", issued.certificate, 0o644)
    print(out / f"{mac}.crt")
    return DONE


def _sign(arguments: argparse.Namespace) -> int:
    from ringfence.provider import ca

    try:
        request = arguments.csr.read_bytes()
    except OSError as error:
        raise ComponentError(f"file {arguments.csr}", error.strerror or "") from error
    issued = ca.sign(arguments.dir, request, arguments.product, arguments.duration, ca.now())
    out = arguments.out or arguments.csr.with_suffix(".crt")
    ca.write(out, issued.certificate, 0o644)
    print(out)
    return DONE


def _export(arguments: argparse.Namespace) -> int:
    from ringfence.provider import ca

    for path in ca.export(arguments.dir, arguments.out):
        print(path)
    return DONE


def _show(arguments: argparse.Namespace) -> int:
    from ringfence.provider import show

    try:
        text = arguments.file.read_bytes()
    except OSError as error:
        raise ComponentError(f"file {arguments.file}", error.strerror or "") from error
    described = show.describe(text)
    if arguments.json:
        print(json.dumps(described, indent=2))
        return DONE
    width = max(map(len, described))
    for label, value in described.items():
        print(f"{label:{width}}  {', '.join(value) if isinstance(value, list) else value}")
    return DONE


_VERBS = {
    "init": _init,
    "issue-device": _issue_device,
    "sign": _sign,
    "export": _export,
    "show": _show,
}
