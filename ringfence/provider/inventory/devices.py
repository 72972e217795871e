"""The phones of a provider and their groups: what is said of them, and what was seen of them."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    func,
    insert,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ringfence.errors import ConfigError
from ringfence.provider.inventory import names
from ringfence.provider.inventory.schema import DEVICES, GROUPS, HISTORY, SECRETS, VISITS
from ringfence.provider.inventory.seal import Keys

DAY = 24 * 3600
SOON = 30
"""Days before its end from which on a certificate is told of."""
LIST = "`ringfence provider device list` shows them"


class Device(Struct, frozen=True):
    """What the provider says of a phone."""

    mac: str
    name: str = ""
    """For people: a desk, a customer."""
    group: str = ""
    values: dict[str, str] = {}
    """What templates know as `values`."""
    blocked: bool = False
    """Whether the phone gets nothing, whatever its certificate says."""


class Group(Struct, frozen=True):
    """Phones that share a template or values."""

    name: str
    values: dict[str, str] = {}
    """Those of a device come first."""
    devices: int = 0


class Visit(Struct, frozen=True):
    """What was last seen of a phone that showed its certificate. Times are seconds since 1970."""

    mac: str
    product: str = ""
    serial: str = ""
    seen: int = 0
    address: str = ""
    certificate: str = ""
    """Serial number, hexadecimal."""
    until: int = 0
    """When the certificate ends."""
    version: str = ""
    """Of the profile that it got last: it changes when the profile does."""
    version_at: int = 0
    error: str = ""
    """What went wrong when it asked last; empty where nothing did."""
    error_at: int = 0


class Known(Struct, frozen=True):
    """All about one phone."""

    device: Device
    visit: Visit
    listed: bool = True
    """Whether the provider listed it; else it came by itself."""


class Summary(Struct, frozen=True):
    """How many phones there are of each sort."""

    listed: int
    unlisted: int
    blocked: int
    failing: int
    """Their last request met an error."""
    seen_day: int
    """They were here in the last day."""
    ending: int
    """Their certificate ends soon, or has ended."""


class Line(Struct, frozen=True):
    """One change of the inventory."""

    number: int
    at: int
    who: str
    action: str
    subject: str
    detail: str = ""


def find(connection: Connection, mac: str) -> Known | None:
    """Return all about one phone; None where nobody has heard of it."""
    return next(iter(_known(connection, _every().where(_MAC.in_([mac])))), None)


def listed(
    connection: Connection, after: str = "", count: int = 1000, part: str = ""
) -> list[Known]:
    """Return phones by MAC address: those after one, of which a part may be given.

    The part stands in the MAC address, name, group, product or serial number.
    """
    asked = _every().where(_MAC.op(">")(after)).order_by(_MAC).limit(count)
    if part:
        like = f"%{part.lower().replace('%', '').replace('_', '')}%"
        held = (DEVICES.c.name, DEVICES.c.group_name, VISITS.c.product, VISITS.c.serial)
        asked = asked.where(or_(_MAC.like(like), *(func.lower(each).like(like) for each in held)))
    return _known(connection, asked)


def put(connection: Connection, device: Device) -> None:
    """Make a device, or change it.

    Raises:
        ConfigError: something in it will not do, or there is no such group.

    """
    mac = names.mac(device.mac)
    if device.group and group(connection, device.group) is None:
        remedy = f"make it: ringfence provider group set {device.group}"
        raise ConfigError("group", f"{device.group!r} is unknown", remedy)
    row = {
        "name": names.value("name", device.name)[:128],
        "group_name": device.group or None,
        "data": names.values(device.values),
        "blocked": device.blocked,
    }
    done = connection.execute(update(DEVICES).where(DEVICES.c.mac == mac).values(**row))
    if not done.rowcount:
        connection.execute(insert(DEVICES).values(mac=mac, **row))


def remove(connection: Connection, mac: str) -> None:
    """Forget a device, its secrets and what was seen of it; its history and uploads stay.

    Raises:
        ConfigError: nobody has heard of it.

    """
    gone = connection.execute(delete(DEVICES).where(DEVICES.c.mac == mac)).rowcount
    gone += connection.execute(delete(VISITS).where(VISITS.c.mac == mac)).rowcount
    if not gone:
        raise ConfigError("device", f"{mac} is unknown", LIST)


def groups(connection: Connection) -> list[Group]:
    """Return every group by name."""
    count = func.count(DEVICES.c.mac)
    asked = select(GROUPS.c.name, GROUPS.c.data, count).outerjoin_from(GROUPS, DEVICES)
    rows = connection.execute(asked.group_by(GROUPS.c.name).order_by(GROUPS.c.name))
    return [Group(name, dict(data), many) for name, data, many in rows]


def group(connection: Connection, name: str) -> Group | None:
    """Return one group; None where there is none of that name."""
    asked = select(GROUPS.c.name, GROUPS.c.data).where(GROUPS.c.name == name)
    row = connection.execute(asked).first()
    return Group(row.name, dict(row.data)) if row else None


def put_group(connection: Connection, given: Group) -> None:
    """Make a group, or change it.

    Raises:
        ConfigError: something in it will not do.

    """
    name, data = names.name("group", given.name), names.values(given.values)
    done = connection.execute(update(GROUPS).where(GROUPS.c.name == name).values(data=data))
    if not done.rowcount:
        connection.execute(insert(GROUPS).values(name=name, data=data))


def remove_group(connection: Connection, name: str) -> None:
    """Forget a group in which no device is any more.

    Raises:
        ConfigError: there is no such group, or it has devices.

    """
    asked = select(func.count()).select_from(DEVICES).where(DEVICES.c.group_name == name)
    if many := connection.execute(asked).scalar_one():
        raise ConfigError("group", f"{name!r} has {many} devices", "give them another group first")
    if not connection.execute(delete(GROUPS).where(GROUPS.c.name == name)).rowcount:
        raise ConfigError("group", f"{name!r} is unknown", "`ringfence provider group list`")


def put_secret(connection: Connection, keys: Keys, mac: str, name: str, text: str) -> None:
    """Keep a secret of a device, sealed.

    Raises:
        ConfigError: name or text will not do, or the device is not listed.
        ComponentError: the keys cannot be used.

    """
    mac, name = names.mac(mac), names.key(name)
    known = connection.execute(select(DEVICES.c.mac).where(DEVICES.c.mac == mac)).first()
    if known is None:
        remedy = f"list it: ringfence provider device set {mac}"
        raise ConfigError("device", f"{mac} is not listed", remedy)
    sealed = keys.seal(names.value(f"secret {name}", text), _place(mac, name))
    where = (SECRETS.c.mac == mac, SECRETS.c.name == name)
    if not connection.execute(update(SECRETS).where(*where).values(sealed=sealed)).rowcount:
        connection.execute(insert(SECRETS).values(mac=mac, name=name, sealed=sealed))


def remove_secret(connection: Connection, mac: str, name: str) -> None:
    """Forget a secret.

    Raises:
        ConfigError: there is none of that name.

    """
    where = (SECRETS.c.mac == mac, SECRETS.c.name == name)
    if not connection.execute(delete(SECRETS).where(*where)).rowcount:
        raise ConfigError("secret", f"{mac} has none of the name {name!r}")


def secret_names(connection: Connection, mac: str) -> list[str]:
    """Return the names of a device's secrets."""
    asked = select(SECRETS.c.name).where(SECRETS.c.mac == mac).order_by(SECRETS.c.name)
    return list(connection.execute(asked).scalars())


def secrets(connection: Connection, keys: Keys, mac: str) -> dict[str, str]:
    """Return the secrets of a device.

    Raises:
        ComponentError: one does not open.

    """
    asked = select(SECRETS.c.name, SECRETS.c.sealed).where(SECRETS.c.mac == mac)
    rows = connection.execute(asked)
    return {name: keys.open(sealed, _place(mac, name)) for name, sealed in rows}


def seal_anew(connection: Connection, keys: Keys) -> int:
    """Seal every secret with the newest key; return how many those are.

    Raises:
        ComponentError: one does not open; then nothing is changed.

    """
    rows = connection.execute(select(SECRETS)).all()
    for mac, name, sealed in rows:
        place = _place(mac, name)
        anew = keys.seal(keys.open(sealed, place), place)
        where = (SECRETS.c.mac == mac, SECRETS.c.name == name)
        connection.execute(update(SECRETS).where(*where).values(sealed=anew))
    return len(rows)


def saw(connection: Connection, visits: Sequence[Visit]) -> None:
    """Keep what was seen of phones, unless something later is known already.

    A visit that got no profile, or met no error, leaves what was known of those.
    """
    if not visits:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = dialect.insert(VISITS)
    new = made.excluded
    later = {name: new[name] for name in ("product", "serial", "seen", "address")}
    later |= {name: new[name] for name in ("certificate", "until")}
    had = func.nullif(new.version, "")
    later["version"] = func.coalesce(had, VISITS.c.version)
    later["version_at"] = func.coalesce(func.nullif(new.version_at, 0), VISITS.c.version_at)
    later["error"], later["error_at"] = new.error, new.error_at
    made = made.on_conflict_do_update(
        index_elements=["mac"], set_=later, where=new.seen >= VISITS.c.seen
    )
    rows = sorted(visits, key=lambda visit: visit.mac)  # one order, so that no two wait crosswise
    connection.execute(
        made, [{name: getattr(row, name) for name in row.__struct_fields__} for row in rows]
    )


def summary(connection: Connection, at: int) -> Summary:
    """Return how many phones there are of each sort at a time."""

    def many(*conditions: ColumnElement[bool]) -> int:
        everyone = _every().where(*conditions).subquery()
        return int(connection.execute(select(func.count()).select_from(everyone)).scalar_one())

    listed_ones = DEVICES.c.mac.is_not(None)
    return Summary(
        listed=many(listed_ones),
        unlisted=many(DEVICES.c.mac.is_(None)),
        blocked=many(DEVICES.c.blocked),
        failing=many(VISITS.c.error != ""),
        seen_day=many(VISITS.c.seen > at - DAY),
        ending=many(VISITS.c.until < at + SOON * DAY, VISITS.c.until > 0),
    )


def history(connection: Connection, subject: str = "", count: int = 100) -> list[Line]:
    """Return changes, the latest first: all of them, or those of one subject."""
    asked = select(HISTORY).order_by(HISTORY.c.number.desc()).limit(count)
    if subject:
        asked = asked.where(HISTORY.c.subject == subject)
    return [Line(**row._mapping) for row in connection.execute(asked)]


_HEARD_OF = union(select(DEVICES.c.mac), select(VISITS.c.mac)).subquery("heard_of")
_MAC = _HEARD_OF.c.mac


def _every() -> Select[tuple[object, ...]]:
    """Return the question for devices and visits, also where one has not the other."""
    joined = _HEARD_OF.outerjoin(DEVICES, DEVICES.c.mac == _MAC)
    joined = joined.outerjoin(VISITS, VISITS.c.mac == _MAC)
    device = [DEVICES.c.mac.label("listed"), DEVICES.c.name, DEVICES.c.group_name]
    device += [DEVICES.c.data, DEVICES.c.blocked]
    seen = [each for each in VISITS.c if each.name != "mac"]
    return select(_MAC.label("mac"), *device, *seen).select_from(joined)


def _known(connection: Connection, asked: Select[tuple[object, ...]]) -> list[Known]:
    found = []
    for row in connection.execute(asked):
        held = row._mapping
        mac = held["mac"]
        device = Device(mac)
        if held["listed"]:
            group, data = held["group_name"] or "", dict(held["data"])
            device = Device(mac, held["name"], group, data, held["blocked"])
        seen = {name: held[name] for name in Visit.__struct_fields__ if name != "mac"}
        visit = Visit(mac) if held["seen"] is None else Visit(mac, **seen)
        found.append(Known(device, visit, bool(held["listed"])))
    return found


def _place(mac: str, name: str) -> str:
    return f"{mac}/{name}"
