"""What each route of the management API does. All of it blocks: it runs in threads."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from msgspec import Struct

from ringfence.errors import ConfigError
from ringfence.protocols.activation import written
from ringfence.provider.inventory import activations, devices, names, texts, tokens, uploads
from ringfence.provider.inventory.activations import Code
from ringfence.provider.inventory.database import Inventory
from ringfence.provider.inventory.devices import Group, Known, Line
from ringfence.provider.inventory.texts import Version
from ringfence.provider.inventory.tokens import Token
from ringfence.provider.inventory.uploads import Upload
from ringfence.provider.manage.openapi import description
from ringfence.provider.manage.routes import (
    CodeGiven,
    CodeMade,
    DeviceGiven,
    GroupGiven,
    TextGiven,
    TokenGiven,
    TokenMade,
)
from ringfence.provider.templates import check

Held = TypeVar("Held")

MOST = 1000
"""Rows of one answer."""


class MissingError(ConfigError):
    """There is none of that name."""


class Asked(Struct, frozen=True):
    """One request, read and allowed."""

    who: str
    """Whose token, in the words of the history."""
    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    given: Any = None


class Api:
    """The management API of an inventory; `metrics` makes the text of `/metrics`."""

    def __init__(self, inventory: Inventory, metrics: Callable[[], str]) -> None:
        self._inventory = inventory
        self._metrics = metrics

    def openapi(self, asked: Asked) -> dict[str, Any]:
        """Return the description of the API."""
        return description()

    def metrics(self, asked: Asked) -> str:
        """Return what Prometheus reads."""
        return self._metrics()

    def devices(self, asked: Asked) -> list[Known]:
        """Return phones, a part of them at a time."""
        after, part = asked.query.get("after", ""), asked.query.get("part", "")
        with self._inventory.reading() as connection:
            return devices.listed(connection, after, _count(asked), part[:64])

    def device(self, asked: Asked) -> Known:
        """Return one phone."""
        mac = names.mac(asked.path["mac"])
        with self._inventory.reading() as connection:
            return _found(devices.find(connection, mac), "device", mac)

    def put_device(self, asked: Asked) -> Known:
        """List a phone, or say something else of it."""
        mac, given = names.mac(asked.path["mac"]), cast(DeviceGiven, asked.given)
        said = devices.Device(mac, given.name, given.group, given.values, given.blocked)
        with self._inventory.changing(asked.who, "device set", mac) as connection:
            devices.put(connection, said)
            return _found(devices.find(connection, mac), "device", mac)

    def remove_device(self, asked: Asked) -> None:
        """Forget a phone."""
        mac = names.mac(asked.path["mac"])
        with self._inventory.changing(asked.who, "device remove", mac) as connection:
            _found(devices.find(connection, mac), "device", mac)
            devices.remove(connection, mac)

    def secrets(self, asked: Asked) -> list[str]:
        """Return the names of a phone's secrets."""
        with self._inventory.reading() as connection:
            return devices.secret_names(connection, names.mac(asked.path["mac"]))

    def put_secret(self, asked: Asked) -> None:
        """Keep a secret."""
        mac, name = names.mac(asked.path["mac"]), names.key(asked.path["name"])
        text = cast(TextGiven, asked.given).text
        with self._inventory.changing(asked.who, "secret set", mac, name) as connection:
            devices.put_secret(connection, self._inventory.keys, mac, name, text)

    def remove_secret(self, asked: Asked) -> None:
        """Forget a secret."""
        mac, name = names.mac(asked.path["mac"]), names.key(asked.path["name"])
        with self._inventory.changing(asked.who, "secret remove", mac, name) as connection:
            devices.remove_secret(connection, mac, name)

    def groups(self, asked: Asked) -> list[Group]:
        """Return every group."""
        with self._inventory.reading() as connection:
            return devices.groups(connection)

    def put_group(self, asked: Asked) -> Group:
        """Make a group, or give it other values."""
        name = names.name("group", asked.path["name"])
        made = devices.Group(name, cast(GroupGiven, asked.given).values)
        with self._inventory.changing(asked.who, "group set", name) as connection:
            devices.put_group(connection, made)
        return made

    def remove_group(self, asked: Asked) -> None:
        """Forget a group."""
        name = names.name("group", asked.path["name"])
        with self._inventory.changing(asked.who, "group remove", name) as connection:
            _found(devices.group(connection, name), "group", name)
            devices.remove_group(connection, name)

    def templates(self, asked: Asked) -> list[Version]:
        """Return every template of the inventory, without its text."""
        with self._inventory.reading() as connection:
            return texts.every(connection)

    def template(self, asked: Asked) -> Version:
        """Return a template."""
        name, version = asked.path["name"], asked.query.get("version", "")
        with self._inventory.reading() as connection:
            if version:
                return texts.version(connection, name, _number("version", version))
            return _found(texts.current(connection, name), "template", name)

    def put_template(self, asked: Asked) -> Version:
        """Add a version of a template."""
        name, text = asked.path["name"], cast(TextGiven, asked.given).text
        check(name, text)
        with self._inventory.changing(asked.who, "template put", name[:255]) as connection:
            texts.put(connection, name, text, asked.who)
            return _found(texts.current(connection, name), "template", name)

    def remove_template(self, asked: Asked) -> None:
        """Take a template out of use."""
        name = asked.path["name"]
        with self._inventory.changing(asked.who, "template remove", name[:255]) as connection:
            _found(texts.current(connection, name), "template", name)
            texts.remove(connection, name, asked.who)

    def uploads(self, asked: Asked) -> list[Upload]:
        """Return what phones sent."""
        mac = names.mac(asked.query["mac"]) if asked.query.get("mac") else ""
        with self._inventory.reading() as connection:
            return uploads.every(connection, mac, MOST)

    def upload(self, asked: Asked) -> bytes:
        """Return the contents of an upload."""
        number = _number("upload", asked.path["number"])
        with self._inventory.reading() as connection:
            return uploads.body(connection, number)

    def history(self, asked: Asked) -> list[Line]:
        """Return changes."""
        with self._inventory.reading() as connection:
            return devices.history(connection, asked.query.get("subject", ""), _count(asked))

    def tokens(self, asked: Asked) -> list[Token]:
        """Return every token."""
        with self._inventory.reading() as connection:
            return tokens.every(connection)

    def add_token(self, asked: Asked) -> TokenMade:
        """Make a token."""
        given = cast(TokenGiven, asked.given)
        label = names.name("token", given.label)
        detail = f"role {given.role.value}"
        with self._inventory.changing(asked.who, "token add", label, detail) as connection:
            return TokenMade(*tokens.add(connection, label, given.role))

    def revoke_token(self, asked: Asked) -> None:
        """Take a token back."""
        word = names.name("token", asked.path["id"])
        with self._inventory.changing(asked.who, "token revoke", word) as connection:
            tokens.revoke(connection, word)

    def activations(self, asked: Asked) -> list[Code]:
        """Return activation codes, without their secret digits."""
        with self._inventory.reading() as connection:
            return activations.every(connection, MOST)

    def add_activation(self, asked: Asked) -> CodeMade:
        """Make an activation code."""
        given = cast(CodeGiven, asked.given)
        line = activations.line(given.mac, given.group, given.days)
        with self._inventory.changing(asked.who, "activation create", *line) as connection:
            made, digits = activations.add(connection, given.mac, given.group, given.days)
        return CodeMade(made, written(digits))

    def revoke_activation(self, asked: Asked) -> None:
        """Take an activation code back."""
        number = asked.path["id"][:16]
        with self._inventory.changing(asked.who, "activation revoke", number) as connection:
            activations.revoke(connection, number)


def _found(held: Held | None, what: str, name: str) -> Held:
    if held is None:
        raise MissingError(what, f"{name!r} is unknown")
    return held


def _count(asked: Asked) -> int:
    return min(_number("count", asked.query.get("count", str(MOST))), MOST)


def _number(what: str, text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= 15):
        raise ConfigError(what, f"{text[:40]!r} is no number")
    return int(text)
