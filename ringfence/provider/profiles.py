"""Which profile a phone gets: certificate, then device, then template.

Source: chapter, Multiplatform Phone CA Client Root Certificate; PRV-12, PRV-14, PS-03, PS-04.
"""

import enum
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.provider.identity import DeviceIdentity, Shown, claimed
from ringfence.provider.shelf import File, Made, Shelf
from ringfence.provider.templates import (
    NOTHING,
    Held,
    Record,
    RenderError,
    Templates,
    belongs_to,
    named,
)

if TYPE_CHECKING:
    from ringfence.provider.fleet import Fleet

logger = logging.getLogger(__name__)

GENERIC = "generic"
"""Folder, among the templates, of those that phones with a generic certificate get."""
LOOK_TIME = 0.005
"""Seconds for which it counts that nothing has changed which a finished profile depends on."""
NOBODY = DeviceIdentity("", "", "")
OK, UNAVAILABLE = 200, 503


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
    error: str = ""
    """Why there is no profile, for the provider alone."""
    version: str = ""
    """Tells one profile from another."""


class Client(Struct, frozen=True):
    """Who asks."""

    shown: Shown | None
    """The certificate, which was verified; None where none was shown."""
    agent: str = ""
    """The User-Agent, which proves nothing."""
    address: str = ""

    @property
    def device(self) -> DeviceIdentity:
        """Return whose certificate it is."""
        return self.shown.device if self.shown else NOBODY


class Profiles:
    """The profiles in a folder of templates, and in the inventory where there is one."""

    def __init__(
        self,
        folder: Path,
        policy: GenericPolicy,
        revoked: Callable[[int], bool],
        fleet: "Fleet | None" = None,
    ) -> None:
        held = fleet.template if fleet else None
        self._own = Templates(folder, held)
        self._folder = folder / GENERIC
        self._generic = Templates(self._folder, _below(GENERIC, held) if held else None)
        self._policy = policy
        self._revoked = revoked
        self._fleet = fleet
        self._shelf = Shelf()
        self._look_at = 0.0
        """When everything is looked at again, in monotonic seconds."""
        self._generation: int | None = None
        """Of the inventory, as of the last look."""
        self._good: set[int] = set()
        """Serial numbers that were not revoked, as of the last look."""

    def answer(self, path: str, client: Client) -> Answer:
        """Return what a URL path gives. With an inventory this blocks: call it in a thread."""
        device, who = client.device, words(client.device)
        if self._taken_back(client.shown):
            return _refused(f"{who}, revoked")
        try:
            if device.generic:
                return self._shared(path, claimed(client.agent))
            opens = belongs_to(path, device)
            answer = self._individual(path, client, who) if opens else _refused(who)
            if device.individual and self._fleet:
                self._fleet.saw(path, client, answer)
            return answer
        except ComponentError:  # the fleet has logged it
            return Answer(UNAVAILABLE, b"503: the inventory does not answer; come again\n", who)

    def at_hand(self, path: str, client: Client) -> Answer | None:
        """Return what `answer` would, where that is on the shelf; this blocks for nothing."""
        shown, now = client.shown, time.monotonic()
        if shown is None:
            return None
        if now >= self._look_at:
            self._look_at = now + LOOK_TIME
            self._generation = self._fleet.glance() if self._fleet else 0
            self._good = set()
            self._shelf.look_again()
        if shown.number not in self._good:
            if self._revoked(shown.number):
                return None
            self._good.add(shown.number)
        if self._generation is None:
            return None
        made = self._shelf.find((path, shown), self._generation)
        if made is None:
            return None
        answer = Answer(200, made.body, made.who, "", made.version)
        if self._fleet:
            self._fleet.saw(path, client, answer)
        return answer

    def may_send(self, path: str, client: Client) -> Answer | None:
        """Return why a phone may not send something to a path; None where it may.

        Raises:
            ComponentError: the inventory does not answer.

        """
        device, who = client.device, words(client.device)
        if not self.believes(client) or not named(path) <= {device.mac}:
            return _refused(f"{who}, revoked" if self._taken_back(client.shown) else who)
        return _refused(f"{who}, blocked") if self._said(device.mac).blocked else None

    def believes(self, client: Client) -> bool:
        """Return whether a client is one phone: its own certificate was shown, and counts."""
        return client.device.individual and not self._taken_back(client.shown)

    def _taken_back(self, shown: Shown | None) -> bool:
        return shown is not None and self._revoked(shown.number)

    def _said(self, mac: str) -> Record:
        return self._fleet.record(mac) if self._fleet else NOTHING

    def _individual(self, path: str, client: Client, who: str) -> Answer:
        said = self._said(client.device.mac)
        if said.blocked:
            return _refused(f"{who}, blocked")
        said = replace(said, shown=client.shown)
        answer, files = _rendered(self._own, path, client.device, who, said)
        if answer.status == OK:
            version = self._fleet.version(answer.body) if self._fleet else ""
            answer = replace(answer, version=version)
            made = Made(answer.body, who, version, said.generation, files)
            self._shelf.put((path, client.shown), made)
        return answer

    def _shared(self, path: str, said: DeviceIdentity) -> Answer:
        """Answer a phone of which nothing is known but what it says."""
        self._said("")
        if self._policy is GenericPolicy.REFUSE or not (self._folder.is_dir() or self._fleet):
            return _refused("generic, refused")
        if self._policy is GenericPolicy.BOOTSTRAP:
            return _rendered(self._generic, path, NOBODY, "generic, bootstrap")[0]
        who = f"generic, says it is {said.mac or 'nobody'}"
        if not belongs_to(path, said):
            return _refused(who)
        return _rendered(self._generic, path, said, who)[0]


def _rendered(
    templates: Templates,
    path: str,
    device: DeviceIdentity,
    who: str,
    said: Record = NOTHING,
) -> tuple[Answer, tuple[File, ...]]:
    """Return the answer, and the files on which it depends."""
    try:
        body, files = templates.render_from(path, device, said)
    except RenderError as error:
        logger.error("provider.template_failed: %s", error)
        return Answer(500, b"500: the profile cannot be made\n", who, error.detail), ()
    if body is None:
        none = b"404: there is no profile here\n"
        return Answer(404, none, who, "there is no profile for it"), files
    return Answer(OK, body, who), files


def _below(folder: str, held: Held) -> Held:
    return lambda name: held(f"{folder}/{name}")


def words(device: DeviceIdentity) -> str:
    """Return whose certificate it is, in the words of the access log."""
    if device.generic:
        return "generic"
    named = " ".join((device.mac, device.product, device.serial)).strip()
    return named or "no device certificate"


def _refused(who: str) -> Answer:
    said = "its certificate does not open what it asked for"
    return Answer(403, b"403: this certificate does not open this path\n", who, said)
