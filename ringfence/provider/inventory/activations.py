"""Activation codes: each lets one phone in, once, until it expires; only a slow digest is kept.

Whoever tries a code is counted first and judged afterwards, so that no number of tries at the same
time gets past the limits; a right code takes its device's tries off the count.
"""

import hashlib
import hmac
import secrets
from ipaddress import ip_address, ip_network

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ringfence.errors import ConfigError
from ringfence.protocols.activation import DIGITS, NUMBER, Refusal, RefusedError
from ringfence.provider.inventory import devices, names
from ringfence.provider.inventory.database import Inventory, now
from ringfence.provider.inventory.schema import ACTIVATIONS, ATTEMPTS, GENERATION

HOUR, DAY = 3600, 24 * 3600
DAYS, MOST_DAYS = 7, 366
"""For how long a code counts that is given no time, and at most."""
OF_DEVICE, OF_SOURCE = 5, 50
"""Wrong codes in an hour of one phone, and of one IPv4 address or IPv6 /64."""
COST = 1 << 14
"""Of scrypt: 16 MiB, and some 50 ms, for each guess at a code."""
MOST, KEPT = 100_000, 90
"""Codes at a time, and the days for which one is remembered that has expired."""


class Code(Struct, frozen=True):
    """What is known of a code. Times are seconds since 1970, 0 for never."""

    id: str
    """The first digits of the code, which name it."""
    mac: str
    """The one phone that may use it; empty for any."""
    group: str
    """Where the phone goes; empty for where it is."""
    made: int
    until: int
    used: int = 0
    used_by: str = ""
    revoked: int = 0

    def state(self, at: int) -> str:
        """Return in one word whether it counts."""
        if self.used:
            return "used"
        if self.revoked:
            return "revoked"
        return "expired" if self.until <= at else "open"


def add(connection: Connection, mac: str, group: str, days: int) -> tuple[Code, str]:
    """Return a new code, and its digits, which are told this once.

    Raises:
        ConfigError: it is for nobody, for a group that there is not, or for too long.

    """
    if not mac and not group:
        raise ConfigError("activation", "is for nobody", "say the phone, its group, or both")
    mac = names.mac(mac) if mac else ""
    if group and devices.group(connection, group) is None:
        remedy = f"make it: ringfence provider group set {names.name('group', group)}"
        raise ConfigError("group", f"{group!r} is unknown", remedy)
    if not 1 <= days <= MOST_DAYS:
        raise ConfigError("days", f"{days} is not between 1 and {MOST_DAYS}")
    at = now()
    connection.execute(delete(ACTIVATIONS).where(ACTIVATIONS.c.until < at - KEPT * DAY))
    held = set(connection.execute(select(ACTIVATIONS.c.id)).scalars())
    if len(held) >= MOST:
        raise ConfigError("activation", f"{MOST} codes are remembered, and that is the limit")
    number = next(n for n in iter(lambda: _digits(NUMBER), "") if n not in held)
    secret = _digits(DIGITS - NUMBER)
    made = Code(number, mac, group, at, at + days * DAY)
    row = {"id": number, "mac": mac, "group_name": group, "made": at, "until": made.until}
    digest = _digest(secret, secrets.token_bytes(16))
    connection.execute(
        insert(ACTIVATIONS).values(**row, digest=digest, used=0, used_by="", revoked=0)
    )
    return made, number + secret


def line(mac: str, group: str, days: int) -> tuple[str, str]:
    """Return subject and detail of the history's line about a new code."""
    whose = [f"phone {mac[:32]}"] * bool(mac) + [f"group {group[:64]}"] * bool(group)
    subject = mac[:64].lower().replace(":", "").replace("-", "") or group[:64]
    return subject, ", ".join([*whose, f"{days} days"])


def every(connection: Connection, count: int = 1000) -> list[Code]:
    """Return codes, the newest first."""
    asked = select(ACTIVATIONS).order_by(ACTIVATIONS.c.made.desc(), ACTIVATIONS.c.id)
    return [_code(row) for row in connection.execute(asked.limit(count))]


def revoke(connection: Connection, number: str) -> Code:
    """Take a code back; return it.

    Raises:
        ConfigError: no code that waits is called so.

    """
    asked = select(ACTIVATIONS).where(ACTIVATIONS.c.id == number)
    row = connection.execute(asked).first()
    if row is None or row.used or row.revoked:
        said = "is none that waits to be used"
        raise ConfigError("activation", f"{number[:40]!r} {said}", "`… activation list`")
    at = now()
    connection.execute(update(ACTIVATIONS).where(ACTIVATIONS.c.id == number).values(revoked=at))
    return replace(_code(row), revoked=at)


def spend(inventory: Inventory, mac: str, source: str, digits: str) -> None:
    """Let a phone in by a code: it is listed from now on, in the code's group.

    Raises:
        RefusedError: the code will not do, or too many wrong ones came before it.
        ComponentError: the database cannot be used.

    """
    with inventory.noting() as connection:
        _count(connection, mac, _network(source))
    number, secret = digits[:NUMBER], digits[NUMBER:]
    with inventory.reading() as connection:
        row = connection.execute(select(ACTIVATIONS).where(ACTIVATIONS.c.id == number)).first()
    salt = bytes.fromhex(row.digest.partition("$")[0]) if row else bytes(16)
    good = hmac.compare_digest(_digest(secret, salt), row.digest if row else "")
    if row is None or not good:
        raise RefusedError(Refusal.CODE_WRONG)
    _judge(_code(row), mac)
    detail = f"code {number}" + (f", group {row.group_name}" if row.group_name else "")
    with inventory.changing(f"phone {mac}", "activation use", mac, detail) as connection:
        _use(connection, _code(row), mac)


def _judge(code: Code, mac: str) -> None:
    """Refuse a code whose digits are right; who does not know them learns nothing of this."""
    if code.mac not in ("", mac):
        raise RefusedError(Refusal.CODE_FOREIGN)
    refusals = {
        "used": Refusal.CODE_USED,
        "revoked": Refusal.CODE_REVOKED,
        "expired": Refusal.CODE_EXPIRED,
    }
    if refusal := refusals.get(code.state(now())):
        raise RefusedError(refusal)


def _use(connection: Connection, code: Code, mac: str) -> None:
    """Use a code up: of two phones at the same time, one does."""
    waits = (ACTIVATIONS.c.used == 0, ACTIVATIONS.c.revoked == 0)
    taken = update(ACTIVATIONS).where(ACTIVATIONS.c.id == code.id, *waits)
    if not connection.execute(taken.values(used=now(), used_by=mac)).rowcount:
        raise RefusedError(Refusal.CODE_USED)
    if code.group and devices.group(connection, code.group) is None:
        raise RefusedError(Refusal.CODE_REVOKED)
    known = devices.find(connection, mac)
    had = known.device if known else devices.Device(mac)
    devices.put(connection, replace(had, group=code.group or had.group))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.mac == mac))


def _count(connection: Connection, mac: str, source: str) -> None:
    """Count a try before it is judged.

    Raises:
        RefusedError: there were too many.

    """
    connection.execute(select(GENERATION.c.number).with_for_update())  # one after another
    at = now()
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.at <= at - HOUR))
    for column, whose, most in (
        (ATTEMPTS.c.mac, mac, OF_DEVICE),
        (ATTEMPTS.c.source, source, OF_SOURCE),
    ):
        asked = select(func.count(), func.min(ATTEMPTS.c.at)).where(column == whose)
        many, first = connection.execute(asked).one()
        if many >= most:
            raise RefusedError(Refusal.TOO_MANY, max(first + HOUR - at, 1))
    connection.execute(insert(ATTEMPTS).values(mac=mac, source=source, at=at))


def _network(source: str) -> str:
    """Return whose tries count together."""
    try:
        address = ip_address(source.partition("%")[0])
    except ValueError:
        return source[:64]
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))


def _code(row: Row[tuple[object, ...]]) -> Code:
    held = row._mapping
    named = {"id", "mac", "made", "until", "used", "used_by", "revoked"}
    return Code(group=held["group_name"], **{name: held[name] for name in named})


def _digits(many: int) -> str:
    return f"{secrets.randbelow(10**many):0{many}}"


def _digest(secret: str, salt: bytes) -> str:
    """Return salt and scrypt of the secret digits."""
    made = hashlib.scrypt(secret.encode(), salt=salt, n=COST, r=8, p=1, dklen=32)
    return f"{salt.hex()}${made.hex()}"
