"""What each verb of `ringfence ca` does."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ringfence.cli import ca_passphrase
from ringfence.cli.ca import PRODUCT
from ringfence.errors import ConfigError
from ringfence.policy.certificate import printable
from ringfence.provider import audit, authority, ca, renewal, revocation, show
from ringfence.provider.certificates import Digest, KeyKind
from ringfence.provider.files import read, write
from ringfence.provider.identity import GENERIC, DeviceIdentity, hardware_address
from ringfence.provider.products import PRODUCTS
from ringfence.provider.register import Entry, Revocation, issued, revoked
from ringfence.provider.request import LARGEST

MOST_DAYS = 366 * 100


def _init(arguments: argparse.Namespace) -> None:
    if arguments.unencrypted and arguments.passphrase_file:
        raise ConfigError("--unencrypted", "needs no passphrase", "give one of the two")
    passphrase = b""
    if not arguments.unencrypted:
        passphrase = ca_passphrase.chosen(arguments.passphrase_file, arguments.dir)
    authority.create(arguments.dir, arguments.owner, ca.now(), passphrase)
    print(f"authority of {arguments.owner} in {arguments.dir}; keep *.key secret")


def _encrypt(arguments: argparse.Namespace) -> None:
    authority.certificate(arguments.dir / f"{authority.SERVER_ROOT}.crt")
    old = b""
    if arguments.old_passphrase_file or authority.needs_passphrase(arguments.dir):
        old = ca_passphrase.held(arguments.old_passphrase_file, arguments.dir)
    new = ca_passphrase.chosen(arguments.passphrase_file, arguments.dir)
    done = authority.encrypt(arguments.dir, new, ca.now(), old)
    ca_passphrase.forget(arguments.dir, new)
    print(f"encrypted: {', '.join(done) or 'all were already'}")
    print("copies and backups from before are as open as they were")


def _issue_device(arguments: argparse.Namespace) -> None:
    unit = device(arguments)
    name = "generic" if unit.generic else hardware_address(unit.mac)
    kind = KeyKind(arguments.key)
    made = ca.issue_device(arguments.dir, unit, ca.now(), kind, _passphrase(arguments))
    out = arguments.out or arguments.dir / "devices"
    write(out / f"{name}.key", made.key or b"", 0o600)
    write(out / f"{name}.crt", made.certificate, 0o644)
    print(out / f"{name}.crt")


def device(arguments: argparse.Namespace) -> DeviceIdentity:
    """Return the phone that the words name.

    Raises:
        ConfigError: they name none.

    """
    own = (arguments.mac, arguments.serial, arguments.product)
    if arguments.generic:
        if any(own):
            raise ConfigError("--generic", "names no phone", "leave out --mac, --serial, --product")
        return GENERIC
    if not (arguments.mac and arguments.serial):
        remedy = "give both --mac and --serial; or --generic"
        raise ConfigError("--mac, --serial", "say whose certificate it is", remedy)
    try:
        mac = hardware_address(arguments.mac)
    except ValueError as error:
        raise ConfigError("--mac", str(error)) from None
    return DeviceIdentity(arguments.product or PRODUCT, arguments.serial, mac)


def _sign(arguments: argparse.Namespace) -> None:
    if not arguments.csr.name:
        raise ConfigError("CSR", "names no file")
    out = arguments.out or arguments.csr.with_suffix(".crt")
    _must_be_certificate(out)
    span = _span(arguments)
    terms = ca.Terms(span, arguments.product, Digest(arguments.hash), arguments.legacy)
    request = read(arguments.csr, LARGEST)
    made = ca.sign(arguments.dir, request, terms, ca.now(), _passphrase(arguments))
    write(out, made.certificate, 0o644)
    for warning in made.warnings:
        print(f"ringfence ca: warning: {warning}", file=sys.stderr)
    print(out)


def _must_be_certificate(out: Path) -> None:
    """Refuse to replace what may be a request or a private key."""
    if out.is_file() and not read(out).startswith(b"-----BEGIN CERTIFICATE-----"):
        reason = f"{printable(str(out))} is there and is no certificate"
        raise ConfigError("--out", reason, "name another file")


def _products(arguments: argparse.Namespace) -> None:
    for product in PRODUCTS:
        print(f"{product.name:14}{product.models}")


def _list(arguments: argparse.Namespace) -> None:
    read(arguments.dir / f"{authority.SERVER_ROOT}.crt")  # or there is no authority at all
    back, now = revoked(arguments.dir), ca.now()
    rows = [_row(entry, back.get(entry.serial), now) for entry in issued(arguments.dir)]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    columns = ("serial", "kind", "state", "until", "product", "subject")
    table = [columns, *(tuple(row[name] for name in columns) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(f"{text:{n}}" for text, n in zip(line, widths, strict=True)).rstrip())


def _row(entry: Entry, back: Revocation | None, now: datetime) -> dict[str, str]:
    state = "expired" if entry.until < now else "valid"
    if back:
        state = f"revoked {back.at:%Y-%m-%d} {back.reason}"
    return {
        "serial": entry.serial,
        "kind": entry.kind,
        "state": state,
        "until": f"{entry.until:%Y-%m-%d}",
        "product": entry.product,
        "digest": entry.digest,
        "subject": printable(entry.subject),
    }


def _revoke(arguments: argparse.Namespace) -> None:
    serial = _serial(arguments.certificate)
    entry = revocation.revoke(
        arguments.dir, serial, arguments.reason, ca.now(), _passphrase(arguments)
    )
    print(f"revoked: {entry.kind} {printable(entry.subject)}, {arguments.reason}")
    print(f"new lists in {arguments.dir}; `ringfence ca export` writes them for others")


def _serial(text: str) -> str:
    """Return the serial number that a text is, or that the certificate in a file has."""
    path = Path(text)
    if "\0" not in text and path.is_file():
        described = show.describe(read(path))
        return str(described["number"])
    digits = text.replace(":", "").lower().removeprefix("0x").lstrip("0")
    if not re.fullmatch(r"[0-9a-f]{1,40}", digits):
        reason = f"{printable(text[:48])!r} is no file, and no serial number"
        raise ConfigError("certificate", reason, "`ringfence ca list` shows them")
    return digits


def _crl(arguments: argparse.Namespace) -> None:
    span = _days(arguments.days)
    made = revocation.renew(arguments.dir, ca.now(), span, _passphrase(arguments))
    for name, held in made.items():
        number, until = revocation.crl_number(held), held.next_update_utc
        print(f"{arguments.dir / name}.crl  number {number}, {len(held)} revoked, until {until}")
    print("a phone that holds a list older than this refuses every server: renew in time")
    if arguments.out:
        _write_exports(ca.export(arguments.dir, arguments.out))


def _renew(arguments: argparse.Namespace) -> None:
    out = arguments.out or arguments.certificate
    _must_be_certificate(out)
    text, span = read(arguments.certificate), _span(arguments)
    made = renewal.renew(arguments.dir, text, span, ca.now(), _passphrase(arguments))
    write(out, made.certificate, 0o644)
    print(out)


def _audit(arguments: argparse.Namespace) -> None:
    authority.certificate(arguments.dir / f"{authority.SERVER_ROOT}.crt")
    chain = audit.read(arguments.dir)
    if arguments.expect and arguments.expect not in chain.hashes:
        raise ConfigError("--expect", "the log does not hold this head: it was cut or rewritten")
    if missing := audit.unlogged(arguments.dir, chain):
        raise ConfigError("log", f"says nothing of {', '.join(missing[:5])}", "who removed it?")
    if arguments.json:
        events = [msgspec.to_builtins(event) for event in chain.events]
        print(json.dumps({"head": chain.head, "events": events}, indent=2))
        return
    for event in chain.events:
        about = ", ".join(f"{name} {printable(text)}" for name, text in event.about.items())
        print(f"{event.at:%Y-%m-%d %H:%M:%S}  {printable(event.by)}  {event.what}: {about}")
    print(f"head {chain.head} after {len(chain.events)} events, nothing missing")


def _serve(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_serve import serve_portal  # only a server pays for its imports

    serve_portal(arguments)


def _user(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_serve import user

    user(arguments)


def _challenge(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_serve import give_challenge

    give_challenge(arguments)


def _requests(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_serve import list_requests

    list_requests(arguments)


def _approve(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_serve import decide

    decide(arguments)


def _export(arguments: argparse.Namespace) -> None:
    _write_exports(ca.export(arguments.dir, arguments.out))


def _write_exports(paths: Iterable[Path]) -> None:
    for path in paths:
        print(path)


def _show(arguments: argparse.Namespace) -> None:
    described = show.describe(read(arguments.file))
    if arguments.json:
        print(json.dumps(described, indent=2))
        return
    width = max(map(len, described))
    for label, value in described.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        print(f"{label:{width}}  {printable(shown)}")


def _span(arguments: argparse.Namespace) -> timedelta:
    if arguments.days is None:
        return _duration(arguments.duration or "1y")
    return _days(arguments.days)


def _duration(text: str) -> timedelta:
    asked = re.fullmatch(r"([0-9]{1,5})([dy])", text)
    if not asked:
        raise ConfigError("--duration", "is not understood", "write days or years: 90d, 1y")
    return _days(int(asked[1]) * (365 if asked[2] == "y" else 1))


def _days(number: int) -> timedelta:
    if not 0 < number <= MOST_DAYS:
        raise ConfigError("--days", f"needs a number from 1 to {MOST_DAYS}")
    return timedelta(days=number)


def _passphrase(arguments: argparse.Namespace) -> bytes:
    """Return what opens the keys of the authority; empty where they are open."""
    return ca_passphrase.held(arguments.passphrase_file, arguments.dir)


VERBS: dict[str, Callable[[argparse.Namespace], None]] = {
    "init": _init,
    "encrypt": _encrypt,
    "issue-device": _issue_device,
    "sign": _sign,
    "products": _products,
    "list": _list,
    "revoke": _revoke,
    "crl": _crl,
    "renew": _renew,
    "audit": _audit,
    "serve": _serve,
    "user": _user,
    "challenge": _challenge,
    "requests": _requests,
    "approve": _approve,
    "export": _export,
    "show": _show,
}
