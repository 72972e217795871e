"""Profiles from templates, each rendered for the device that asks.

A template is a text with a name, `cfg/default.xml`. The inventory has some, where there is one;
the rest are files of a folder. Everything else is the same for both: which of them a device gets,
what they know, and that they may include one another.
Source: chapter, Multiplatform Phone CA Client Root Certificate; PRV-12.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2 import TemplatesNotFound as NotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.identity import DeviceIdentity, Shown, hardware_address
from ringfence.provider.shelf import File, changed

ANYONE = "default"
"""Word that stands for the device in the name of a template for all of them."""

Held = Callable[[str], str | None]
"""Text of a template of the inventory by its name; None where it has none of that name."""

_WRONG = (
    *(TemplateError, OSError, ValueError, TypeError),
    *(ArithmeticError, LookupError, AttributeError, RuntimeError),
)
"""What a template that is wrong may raise while it runs."""

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAC = re.compile(r"(?:(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{12})(?![0-9A-Fa-f])")
_OPTIONS: dict[str, Any] = {
    "autoescape": True,
    "undefined": StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
}


class Record(Struct, frozen=True):
    """What is known of a device besides who it is."""

    name: str = ""
    group: str = ""
    values: Mapping[str, str] = {}
    """Of the group, and over them of the device."""
    secrets: Mapping[str, str] = {}
    blocked: bool = False
    shown: Shown | None = None
    """The certificate that it showed."""
    generation: int = 0
    """Of the inventory, when this was so."""
    listed: bool = False
    """Whether the inventory lists it."""


NOTHING = Record()


def named(path: str) -> set[str]:
    """Return the MAC addresses in a URL path."""
    return {hardware_address(mac) for mac in _MAC.findall(path)}


def belongs_to(path: str, device: DeviceIdentity) -> bool:
    """Return whether a URL path names this device, and no other."""
    return device.individual and named(path) == {device.mac}


def check(name: str, text: str) -> None:
    """Refuse a template that Jinja cannot read.

    Raises:
        ConfigError: it is wrong, with the line.

    """
    try:
        ImmutableSandboxedEnvironment(loader=None, **_OPTIONS).parse(text, name)
    except TemplateError as error:
        line = f"line {number}: " if (number := getattr(error, "lineno", 0)) else ""
        raise ConfigError(f"template {name}", f"{line}{error.message}") from None


class RenderError(ComponentError):
    """A template is wrong for the device that asks."""


class Templates:
    """The templates of one folder, and those that the inventory has for it.

    A change of either counts at the next request. `held` knows the inventory's.
    """

    def __init__(self, folder: Path, held: Held | None = None) -> None:
        self._loader = _Loader(folder, held)
        self._jinja = ImmutableSandboxedEnvironment(loader=self._loader, **_OPTIONS)

    def render_from(
        self, path: str, device: DeviceIdentity, said: Record = NOTHING
    ) -> tuple[bytes | None, tuple[File, ...]]:
        """Return what `render` does, and the files on which that depends.

        Raises:
            RenderError: the template is wrong.

        """
        with self._loader.watching() as files:
            return self.render(path, device, said), tuple(files)

    def render(self, path: str, device: DeviceIdentity, said: Record = NOTHING) -> bytes | None:
        """Return the profile at a URL path that belongs to `device`; None where there is none.

        `/cfg/000e08abcdef.xml` is rendered from the first that exists of the templates
        `cfg/000e08abcdef.xml`, `cfg/GROUP.xml`, `cfg/CP-8841-3PCC.xml` (the certificate's
        product) and `cfg/default.xml`. A template knows `product`, `serial` and `mac`; `name`,
        `group`, `values` and `secrets` of the inventory; `certificate.number` and
        `certificate.until`.

        Raises:
            RenderError: the template is wrong.

        """
        words = filter(None, (device.mac, said.group, device.product, ANYONE))
        names = ["/".join(safe) for word in words if (safe := _segments(path, word))]
        if not names:
            return None
        try:
            template = self._jinja.select_template(names)
            return template.render(_context(device, said)).encode()
        except NotFound:
            return None
        except _WRONG as error:
            text = f"{type(error).__name__}: {error}".replace(_NONE, "the inventory has no")
            for secret in said.secrets.values():
                text = text.replace(secret, "…")
            raise RenderError(f"template for {path}", text) from None


class _Loader(BaseLoader):
    """Finds the inventory's template of a name, else the folder's."""

    def __init__(self, folder: Path, held: Held | None) -> None:
        self._folder = folder
        self._files = FileSystemLoader(folder)
        self._held = held or (lambda _: None)
        self._local = threading.local()

    @contextmanager
    def watching(self) -> Iterator[list[File]]:
        """Yield the files that are looked at in this thread until the end of the block."""
        seen: list[File] = []
        self._local.seen = seen
        try:
            yield seen
        finally:
            self._local.seen = None

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool]]:
        """Return a text, its file, and how to ask whether it still counts."""
        if (text := self._held(template)) is not None:
            return text, None, lambda: self._held(template) == text
        self._look(template)
        text, file, same = self._files.get_source(environment, template)

        def unchanged() -> bool:
            self._look(template)
            return self._held(template) is None and same()

        return text, file, unchanged

    def _look(self, template: str) -> None:
        seen: list[File] | None = getattr(self._local, "seen", None)
        if seen is not None:
            path = str(self._folder / template)
            seen.append(File(path, changed(path)))


class _Values:
    """Values that a template knows by name, whatever methods Python's mappings have."""

    __slots__ = ("_of",)

    def __init__(self, of: Mapping[str, str]) -> None:
        self._of = of

    def __getitem__(self, name: str) -> str:
        return self._of[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __contains__(self, name: object) -> bool:
        return name in self._of


_NONE = f"'{_Values.__module__}.{_Values.__name__} object' has no attribute"
"""What Jinja says of a value that is not there."""


def _context(device: DeviceIdentity, said: Record) -> dict[str, Any]:
    shown = said.shown
    certificate = {"number": f"{shown.number:x}", "until": _day(shown.until)} if shown else {}
    return {
        **{"product": device.product, "serial": device.serial, "mac": device.mac},
        **{"name": said.name, "group": said.group},
        "values": _Values(said.values),
        "secrets": _Values(said.secrets),
        "certificate": _Values(certificate),
    }


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _segments(path: str, word: str) -> list[str]:
    """Return the segments of a path, with `word` for its MAC address.

    None where one could lead out of the folder.
    """
    segments = [_MAC.sub(lambda _: word, part) for part in path.removeprefix("/").split("/")]
    return segments if all(map(_SEGMENT.fullmatch, segments)) else []
