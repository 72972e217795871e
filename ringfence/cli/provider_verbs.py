"""What each verb of `ringfence provider` does with the inventory."""

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from ringfence.cli import provider_activation
from ringfence.cli.provider_show import day, print_json, print_table, when, who
from ringfence.errors import ConfigError
from ringfence.policy.certificate import printable
from ringfence.provider.files import read, write
from ringfence.provider.inventory import devices, names, texts, tokens, uploads
from ringfence.provider.inventory.database import Inventory, create
from ringfence.provider.templates import check

Verb = Callable[[argparse.Namespace, Inventory], None]


def run(arguments: argparse.Namespace) -> None:
    """Run one verb.

    Raises:
        ConfigError: something in its words will not do.
        ComponentError: files or the database fail.

    """
    if arguments.verb == "init":
        create(arguments.data, arguments.database)
        print(arguments.data)
        return
    what = getattr(arguments, "what", None)
    verb = VERBS[f"{arguments.verb} {what}" if what else arguments.verb]
    inventory = Inventory(arguments.data)
    try:
        verb(arguments, inventory)
    finally:
        inventory.close()


def _device_list(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        known = devices.listed(connection, part=arguments.part, count=1 << 30)
    if arguments.json:
        print_json(known)
        return
    rows = [("mac", "name", "group", "product", "last seen", "certificate", "profile", "state")]
    rows += [
        (
            *(each.device.mac, each.device.name, each.device.group, each.visit.product),
            *(when(each.visit.seen), day(each.visit.until), each.visit.version, _state(each)),
        )
        for each in known
    ]
    print_table(rows)


def _device_show(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac)
    with inventory.reading() as connection:
        known = _known(devices.find(connection, mac), mac)
        sealed = devices.secret_names(connection, mac)
        history = devices.history(connection, mac, 20)
        sent = uploads.every(connection, mac)
    if arguments.json:
        print_json({"device": known, "secrets": sealed, "history": history, "uploads": sent})
        return
    device, visit = known.device, known.visit
    rows = [
        *(("mac", mac), ("name", device.name), ("group", device.group), ("state", _state(known))),
        *(("product", visit.product), ("serial", visit.serial), ("last seen", when(visit.seen))),
        *(("from", visit.address), ("certificate", visit.certificate)),
        *(("until", when(visit.until)), ("profile", visit.version)),
        *(("since", when(visit.version_at)), ("last error", visit.error)),
        *((f"value {key}", text) for key, text in device.values.items()),
        ("secrets", " ".join(sealed)),
        *((f"sent {each.id}", f"{when(each.at)}  {each.kind.value} {each.name}") for each in sent),
        *((f"change {each.number}", _line(each)) for each in history),
    ]
    print_table([row for row in rows if row[1]])


def _device_set(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac)
    changed = _assignments(arguments.values)
    detail = _said(arguments.values, name=arguments.name, group=arguments.group)
    with inventory.changing(who(), "device set", mac, detail) as connection:
        known = devices.find(connection, mac)
        had = known.device if known else devices.Device(mac)
        devices.put(
            connection,
            devices.Device(
                mac,
                had.name if arguments.name is None else arguments.name,
                had.group if arguments.group is None else arguments.group,
                _merged(had.values, changed),
                had.blocked,
            ),
        )


def _device_block(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac)
    with inventory.changing(who(), f"device {arguments.what}", mac) as connection:
        known = _known(devices.find(connection, mac), mac)
        blocked = arguments.what == "block"
        devices.put(connection, replace(known.device, blocked=blocked))


def _device_remove(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac)
    with inventory.changing(who(), "device remove", mac) as connection:
        devices.remove(connection, mac)


def _group_list(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        held = devices.groups(connection)
    if arguments.json:
        print_json(held)
        return
    rows = [("group", "devices", "values")]
    for each in held:
        shown = " ".join(f"{key}={text}" for key, text in each.values.items())
        rows.append((each.name, str(each.devices), shown))
    print_table(rows)


def _group_set(arguments: argparse.Namespace, inventory: Inventory) -> None:
    name = names.name("group", arguments.name)
    changed = _assignments(arguments.values)
    detail = _said(arguments.values)
    with inventory.changing(who(), "group set", name, detail) as connection:
        had = devices.group(connection, name) or devices.Group(name)
        devices.put_group(connection, devices.Group(name, _merged(had.values, changed)))


def _group_remove(arguments: argparse.Namespace, inventory: Inventory) -> None:
    name = names.name("group", arguments.name)
    with inventory.changing(who(), "group remove", name) as connection:
        devices.remove_group(connection, name)


def _template_list(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        held = texts.every(connection)
    if arguments.json:
        print_json(held)
        return
    rows = [("template", "version", "since", "by")]
    rows += [(each.name, str(each.version), when(each.at), each.who) for each in held]
    print_table(rows)


def _template_put(arguments: argparse.Namespace, inventory: Inventory) -> None:
    if arguments.file == "-":
        data = sys.stdin.buffer.read(texts.LARGEST + 1)
    else:
        data = read(Path(arguments.file))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"template {arguments.name}", "is not UTF-8") from None
    check(arguments.name, text)
    with inventory.changing(who(), "template put", arguments.name[:255]) as connection:
        number = texts.put(connection, arguments.name, text, who())
    print(f"{arguments.name} version {number}")


def _template_get(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        if arguments.version is not None:
            held = texts.version(connection, arguments.name, arguments.version)
        else:
            found = texts.current(connection, arguments.name)
            if found is None:
                raise ConfigError("template", f"{arguments.name!r} is not in the inventory")
            held = found
    sys.stdout.write(held.text or "")


def _template_remove(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.changing(who(), "template remove", arguments.name[:255]) as connection:
        texts.remove(connection, arguments.name, who())


def _secret_set(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac)
    if sys.stdin.isatty():
        text = getpass.getpass(f"{arguments.name} of {mac}: ")
    else:
        text = sys.stdin.readline(names.LONGEST + 2).removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigError("secret", "standard input is empty", "write it there, in one line")
    with inventory.changing(who(), "secret set", mac, arguments.name[:64]) as connection:
        devices.put_secret(connection, inventory.keys, mac, arguments.name, text)


def _secret_list(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        held = devices.secret_names(connection, names.mac(arguments.mac))
    sys.stdout.writelines(f"{name}\n" for name in held)


def _secret_remove(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac)
    with inventory.changing(who(), "secret remove", mac, arguments.name[:64]) as connection:
        devices.remove_secret(connection, mac, arguments.name)


def _upload_list(arguments: argparse.Namespace, inventory: Inventory) -> None:
    mac = names.mac(arguments.mac) if arguments.mac else ""
    with inventory.reading() as connection:
        held = uploads.every(connection, mac)
    if arguments.json:
        print_json(held)
        return
    rows = [("number", "mac", "kind", "at", "bytes", "name")]
    rows += [
        (str(each.id), each.mac, each.kind.value, when(each.at), str(each.size), each.name)
        for each in held
    ]
    print_table(rows)


def _upload_get(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        body = uploads.body(connection, arguments.number)
    if arguments.out == "-":
        sys.stdout.buffer.write(body)
    else:
        write(Path(arguments.out), body, 0o600)


def _token_add(arguments: argparse.Namespace, inventory: Inventory) -> None:
    role = tokens.Role(arguments.role)
    detail = f"role {role.value}"
    with inventory.changing(who(), "token add", arguments.label[:64], detail) as connection:
        _, text = tokens.add(connection, arguments.label, role)
    print(text)


def _token_list(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        held = tokens.every(connection)
    if arguments.json:
        print_json(held)
        return
    rows = [("id", "label", "role", "made", "last used", "revoked")]
    for each in held:
        times = (when(each.made), when(each.used), when(each.revoked))
        rows.append((each.id, each.label, each.role.value, *times))
    print_table(rows)


def _token_revoke(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.changing(who(), "token revoke", arguments.token[:64]) as connection:
        gone = tokens.revoke(connection, arguments.token)
    print(f"revoked: {gone.id} {gone.label}")


def _history(arguments: argparse.Namespace, inventory: Inventory) -> None:
    with inventory.reading() as connection:
        lines = devices.history(connection, arguments.subject)
    if arguments.json:
        print_json(lines)
        return
    sys.stdout.writelines(f"{each.number:>6}  {_line(each)}\n" for each in lines)


def _rotate(arguments: argparse.Namespace, inventory: Inventory) -> None:
    """Whoever interrupts this leaves both keys, and all opens; say it again."""
    inventory.keys.add()
    with inventory.changing(who(), "rotate-key", "secrets") as connection:
        many = devices.seal_anew(connection, inventory.keys)
    inventory.keys.forget()
    print(f"{many} secrets sealed with a new key; the old one is gone from {arguments.data}")


VERBS: dict[str, Verb] = {
    "device list": _device_list,
    "device show": _device_show,
    "device set": _device_set,
    "device block": _device_block,
    "device unblock": _device_block,
    "device remove": _device_remove,
    "group list": _group_list,
    "group set": _group_set,
    "group remove": _group_remove,
    "template list": _template_list,
    "template put": _template_put,
    "template get": _template_get,
    "template remove": _template_remove,
    "secret set": _secret_set,
    "secret list": _secret_list,
    "secret remove": _secret_remove,
    "upload list": _upload_list,
    "upload get": _upload_get,
    "token add": _token_add,
    "token list": _token_list,
    "token revoke": _token_revoke,
    "activation create": provider_activation.create,
    "activation list": provider_activation.show,
    "activation revoke": provider_activation.revoke,
    "history": _history,
    "rotate-key": _rotate,
}


def _known(found: devices.Known | None, mac: str) -> devices.Known:
    if found is None:
        raise ConfigError("device", f"{mac} is unknown", devices.LIST)
    return found


def _assignments(given: list[str]) -> dict[str, str]:
    made = {}
    for word in given:
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigError("value", f"{printable(word)[:80]!r} is no NAME=TEXT")
        made[names.key(name)] = names.value(name, text)
    return made


def _merged(had: dict[str, str], changed: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in {**had, **changed}.items() if text}


def _said(values: list[str], **words: str | None) -> str:
    named = [f"{name}={text}" for name, text in words.items() if text is not None]
    return printable(" ".join(named + values))[:1000]


def _state(known: devices.Known) -> str:
    if known.device.blocked:
        return "blocked"
    if known.visit.error:
        return f"error: {known.visit.error}"
    return "" if known.listed else "not listed"


def _line(each: devices.Line) -> str:
    return (
        f"{when(each.at)}  {each.action} {each.subject} {each.detail}".rstrip() + f"  ({each.who})"
    )
