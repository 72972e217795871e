"""One attempt: from the rule to an image that may be started, or to the reason why not."""

import platform
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from ringfence.errors import ConfigError, PolicyError, RingfenceError
from ringfence.features.upgrade.plan import Step, UpgradePlan, refusal
from ringfence.policy import image
from ringfence.policy.macros import expand
from ringfence.policy.rules import Url
from ringfence.runtime import signed
from ringfence.runtime.device import FIRMWARE_ROOT
from ringfence.runtime.feature import World
from ringfence.runtime.log import message
from ringfence.runtime.reach import request_macros
from ringfence.runtime.signed import Signed

REASON_LIMIT = 800
"""Characters of a reason that are kept."""


class Attempt:
    """One file that a rule asks for, and the messages that go with it."""

    def __init__(self, world: World, plan: UpgradePlan, values: Mapping[str, str]) -> None:
        self._world = world
        self._plan = plan
        self._values = {**plan.values, **values}
        self._server: Mapping[str, str] = {}
        """Macros that tell where the request went; empty before there was one."""
        self._announced = False

    @property
    def address(self) -> str:
        """Return the address of the server; empty where none was asked."""
        return self._server.get("SERVIP", "")

    def resume(self, url: Url, address: str) -> None:
        """Go on, behind a reboot, with what was requested before it."""
        self._server, self._announced = request_macros(url, address), True

    async def fetch(
        self, step: Step, known: Callable[[Signed], str | None]
    ) -> tuple[Signed, bytes | None]:
        """Return what the provider signed, and its bytes where it is new here.

        `known` says why a file must not be taken again, an empty text where it is here already,
        None where it is new.

        Raises:
            RingfenceError: it cannot be had, or must not be taken.

        """

        async def wanted(said: Signed) -> bool:
            if reason := refusal(self._plan, said.kind, said.version):
                raise PolicyError("image-refused", reason)
            here = known(said)
            if here:
                raise PolicyError("image-refused", here, "publish another one")
            if here is not None:
                return False
            self._announce()
            return True

        return await signed.verified(self._world, self._source(step), wanted)

    def _source(self, step: Step) -> signed.Source:
        """Return where the file is, and whom to believe.

        Raises:
            ConfigError: the phone believes nobody.

        """

        def asking(url: Url, address: str) -> None:
            if not self._server:
                self._server = request_macros(step.url, address)

        host = self._world.host
        if not host.names(FIRMWARE_ROOT):
            raise ConfigError(
                FIRMWARE_ROOT,
                "is missing, so no image can be believed",
                "put root.json of `ringfence provider firmware publish` there",
            )
        return signed.Source(
            step.url,
            self._plan.reach,
            step.named_by,
            host.read(FIRMWARE_ROOT),
            image.LIMIT,
            asking,
        )

    def failed(self, error: RingfenceError) -> None:
        """Say that it came to nothing."""
        if self._server:
            self._announce()
        self._say(self._plan.messages.failure, str(error)[:REASON_LIMIT], failure=True)

    def succeeded(self, said: str) -> None:
        """Say that it is done."""
        self._say(self._plan.messages.success, said)

    def _announce(self) -> None:
        """Say that the file is requested, once; a look that finds nothing new says nothing."""
        if not self._announced:
            self._announced = True
            self._say(self._plan.messages.request, "")

    def _say(self, template: str, error: str, *, failure: bool = False) -> None:
        values = {**self._values, **self._server, "ERR": error}
        message(expand(template, values), failure=failure)


def usable(data: bytes, said: Signed) -> None:
    """Return where an image can be started here.

    Raises:
        PolicyError: it cannot; the reason names what is missing.

    """
    try:
        manifest = image.read(data)
        lacks = image.lacking(manifest, platform.python_version(), _installed)
    except ValueError as error:
        raise PolicyError("image-unusable", f"the image {error}") from None
    if manifest.version != said.version:
        reason = f"it is signed as {said.version} and says that it is {manifest.version}"
        raise PolicyError("image-unusable", reason)
    if lacks:
        reason = f"{said.version} needs {'; and '.join(lacks)}"
        raise PolicyError("image-unusable", reason, "install that first")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
