"""A record of a preflight in one line, and as JSON."""

from collections.abc import Mapping

from ringfence.cli.preflight import Record
from ringfence.errors import PolicyError
from ringfence.policy import certificate, identity
from ringfence.policy.certificate import Certificate, moment, printable

NAMED = 50
"""Names of one certificate that JSON lists."""
DAY = 86400.0


def line(record: Record, now: float) -> str:
    """Return a record in one line; `now` is in seconds since the epoch."""
    parts = [f"refused: {record.refusal}" if record.refusal else "accepted"]
    if record.chain:
        parts += _verdicts(record)
        parts += _described(record, now)
    if record.suite:
        parts.append(f"{record.version} {record.suite}".strip())
    if record.staple is not None:
        parts.append(f"stapled OCSP answer: {record.staple}")
    if record.asks_certificate is not None:
        parts.append(f"client certificate {'' if record.asks_certificate else 'not '}asked for")
    return printable("; ".join(parts), 4000)


def _verdicts(record: Record) -> list[str]:
    words = {True: "ok", False: "refused", None: "not judged"}
    name, resolved = record.name, record.resolved
    said = [f"chain {words[record.chain_ok]}"]
    if name is not None:
        said.append(f"name {words[name.accepted]}" + (f" ({name.matched})" if name.matched else ""))
    if name is not None and name.to_resolve:
        said.append(f"address in DNS {words[resolved.ok]}")
    return said


def _described(record: Record, now: float) -> list[str]:
    try:
        held = certificate.read(record.chain[0])
    except ValueError as error:
        return [f"the certificate cannot be read: {error}"]
    return [
        f"{held.subject or 'no subject'} by {held.issuer or 'nobody'}",
        f"{moment(held.not_before)} to {moment(held.not_after)} ({_left(held, now)} days left)",
        f"{held.key}, {held.signature}",
        " ".join(held.usages) or "any use",
        f"{len(record.chain)} sent",
    ]


def as_json(record: Record, now: float) -> Mapping[str, object]:
    """Return a record as `probe cert --json` prints it."""
    refusal, name, staple = record.refusal, record.name, record.staple
    return {
        "address": record.address,
        "accepted": record.accepted,
        "rule": refusal.rule if isinstance(refusal, PolicyError) else None,
        "reason": str(refusal) if refusal else "",
        "chain": record.chain_ok,
        "name": None
        if name is None
        else {"ok": name.accepted, "matched": name.matched or None, "reason": name.reason},
        "dns": {"ok": record.resolved.ok, "reason": record.resolved.reason},
        "certificate": _certificate(record, now),
        "sent": len(record.chain),
        "version": record.version or None,
        "suite": record.suite or None,
        "staple": None if staple is None else {"word": staple.word.value, "detail": staple.detail},
        "client_certificate": record.asks_certificate,
    }


def _certificate(record: Record, now: float) -> Mapping[str, object] | None:
    if not record.chain:
        return None
    try:
        held = certificate.read(record.chain[0])
        names = identity.read(record.chain[0])
    except ValueError:
        return None
    listed = (*names.dns, *map(str, names.addresses), *names.common_names)
    return {
        "subject": held.subject,
        "issuer": held.issuer,
        "serial": held.serial,
        "names": [printable(name) for name in listed[:NAMED]],
        "not_before": moment(held.not_before),
        "not_after": moment(held.not_after),
        "days_left": _left(held, now),
        "key": held.key,
        "signature": held.signature,
        "usages": list(held.usages),
    }


def _left(held: Certificate, now: float) -> int:
    """Return the whole days until a certificate expires, below 0 once it has."""
    return int((held.not_after - now) // DAY)
