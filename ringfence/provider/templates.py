"""Profiles from a folder of templates, each rendered for the device that asks.

Source: chapter, Multiplatform Phone CA Client Root Certificate; PRV-12.
"""

import re
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplatesNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ringfence.errors import ComponentError
from ringfence.provider.identity import DeviceIdentity, hardware_address

ANYONE = "default"
"""Word that stands for the device in the name of a template for all of them."""

_WRONG = (
    *(TemplateError, OSError, ValueError, TypeError),
    *(ArithmeticError, LookupError, AttributeError, RuntimeError),
)
"""What a template that is wrong may raise while it runs."""

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAC = re.compile(r"(?:(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{12})(?![0-9A-Fa-f])")


def belongs_to(path: str, device: DeviceIdentity) -> bool:
    """Return whether a URL path names this device, and no other."""
    named = {hardware_address(mac) for mac in _MAC.findall(path)}
    return device.individual and named == {device.mac}


class Templates:
    """The templates of one folder; a change of a file counts at the next request."""

    def __init__(self, folder: Path) -> None:
        self._jinja = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, path: str, device: DeviceIdentity) -> bytes | None:
        """Return the profile at a URL path that belongs to `device`; None where there is none.

        `/cfg/000e08abcdef.xml` is rendered from the first that exists of the templates
        `cfg/000e08abcdef.xml`, `cfg/CP-8841-3PCC.xml` (the certificate's product) and
        `cfg/default.xml`. A template knows `product`, `serial` and `mac`.

        Raises:
            ComponentError: the template is wrong.

        """
        words = filter(None, (device.mac, device.product, ANYONE))
        names = ["/".join(safe) for word in words if (safe := _segments(path, word))]
        if not names:
            return None
        try:
            template = self._jinja.select_template(names)
            values = {"product": device.product, "serial": device.serial, "mac": device.mac}
            return template.render(values).encode()
        except TemplatesNotFound:
            return None
        except _WRONG as error:
            kind = type(error).__name__
            raise ComponentError(f"template for {path}", f"{kind}: {error}") from error


def _segments(path: str, word: str) -> list[str]:
    """Return the segments of a path, with `word` for its MAC address.

    None where one could lead out of the folder.
    """
    segments = [_MAC.sub(lambda _: word, part) for part in path.removeprefix("/").split("/")]
    return segments if all(map(_SEGMENT.fullmatch, segments)) else []
