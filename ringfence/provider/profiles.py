"""Which profile a phone gets: certificate, then device, then template.

Source: chapter, Multiplatform Phone CA Client Root Certificate; PRV-12, PRV-14, PS-03, PS-04.
"""

import enum
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.provider.identity import DeviceIdentity, claimed, device_identity
from ringfence.provider.templates import Templates, belongs_to

logger = logging.getLogger(__name__)

GENERIC = "generic"
"""Folder, among the templates, of those that phones with a generic certificate get."""
NOBODY = DeviceIdentity("", "", "")


class GenericPolicy(enum.Enum):
    """What phones get that show the certificate which many share."""

    REFUSE = "refuse"
    BOOTSTRAP = "bootstrap"
    """The templates of the generic folder, the same for each: nothing in them is of one phone."""
    AGENT = "agent"
    """The templates of the generic folder, for the MAC address in the User-Agent. Whoever holds
    the shared key can give any address there."""


class Answer(Struct, frozen=True):
    """What a request gets."""

    status: int
    body: bytes
    who: str
    """Who asked, in the words of the access log."""


class Profiles:
    """The profiles in a folder of templates."""

    def __init__(self, folder: Path, policy: GenericPolicy, revoked: Callable[[int], bool]) -> None:
        self._own = Templates(folder)
        self._folder = folder / GENERIC
        self._generic = Templates(self._folder)
        self._policy = policy
        self._revoked = revoked

    def answer(self, path: str, peer: Mapping[str, Any] | None, agent: str) -> Answer:
        """Return what a URL path gives; `peer` is the verified certificate (`getpeercert`)."""
        device = device_identity(peer) if peer else NOBODY
        who = words(device)
        if peer and self._revoked(int(peer["serialNumber"], 16)):
            return _refused(f"{who}, revoked")
        if device.generic:
            return self._shared(path, claimed(agent))
        return self._rendered(self._own, path, device, who, belongs_to(path, device))

    def _shared(self, path: str, said: DeviceIdentity) -> Answer:
        """Answer a phone of which nothing is known but what it says."""
        if self._policy is GenericPolicy.REFUSE or not self._folder.is_dir():
            return _refused("generic, refused")
        if self._policy is GenericPolicy.BOOTSTRAP:
            return self._rendered(self._generic, path, NOBODY, "generic, bootstrap", True)
        who = f"generic, says it is {said.mac or 'nobody'}"
        return self._rendered(self._generic, path, said, who, belongs_to(path, said))

    def _rendered(
        self, templates: Templates, path: str, device: DeviceIdentity, who: str, opens: bool
    ) -> Answer:
        if not opens:
            return _refused(who)
        try:
            body = templates.render(path, device)
        except ComponentError as error:
            logger.error("provider.template_failed: %s", error)
            return Answer(500, b"500: the profile cannot be made\n", who)
        if body is None:
            return Answer(404, b"404: there is no profile here\n", who)
        return Answer(200, body, who)


def words(device: DeviceIdentity) -> str:
    """Return whose certificate it is, in the words of the access log."""
    if device.generic:
        return "generic"
    named = " ".join((device.mac, device.product, device.serial)).strip()
    return named or "no device certificate"


def _refused(who: str) -> Answer:
    return Answer(403, b"403: this certificate does not open this path\n", who)
