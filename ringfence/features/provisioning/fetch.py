"""One file of a resync: over TFTP, HTTP or HTTPS, and out of its wrapping.

Source: phone-facts 2.4, 2.5, 2.9.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.errors import Finding
from ringfence.features.provisioning.plan import ProvisioningPlan
from ringfence.policy.macros import expand
from ringfence.policy.rules import Options, Url
from ringfence.policy.wrapping import unwrapped
from ringfence.runtime.download import Asking, receive
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World

if TYPE_CHECKING:
    from ringfence.protocols.sip.digest import Credentials
    from ringfence.runtime.http import Request


class Fetched(Struct, frozen=True):
    """What became of a request."""

    url: Url
    """Where the answer came from in the end, after redirects."""
    address: str
    body: bytes
    """The file, decrypted."""
    missing: str = ""
    """What the server said in place of the file, which it does not have."""
    findings: tuple[Finding, ...] = ()


class Fetch:
    """What every request of one rule has in common."""

    def __init__(
        self, world: World, now: ProvisioningPlan, values: Mapping[str, str], asking: Asking
    ) -> None:
        """Fetch by the plan `now`; `values` are all macros that any text may use."""
        self._world = world
        self._now = now
        self._values = values
        self._asking = asking

    async def file(self, url: Url, options: Options, target: Callable[[Url], Target]) -> Fetched:
        """Return what a server has at `url`.

        Raises:
            PolicyError: the host is forbidden, or the server was refused.
            NetworkError: nobody answered, or with neither a file nor that there is none.
            RemoteProtocolError: the answer broke its protocol.
            ConfigError: the file cannot be decrypted with what the phone knows.

        """
        got = await receive(self._world, target, self._request(url, options), self._asking)
        if got.missing:
            return Fetched(got.url, got.address, b"", got.missing)
        key = self._expanded(options.key.reveal())
        body, findings = unwrapped(got.body, got.coded, key, self._now.content_key.reveal())
        return Fetched(got.url, got.address, body, "", findings)

    def _request(self, url: Url, options: Options) -> "Request":
        from ringfence.runtime.http import Request

        fields = {"User-Agent": self._now.reach.agent}
        if self._now.content_key:
            fields["Accept-Encoding"] = "aes128gcm"
        if options.post:
            fields["Content-Type"] = "text/plain; charset=utf-8"
        return Request(
            url,
            fields,
            self._login(options),
            "POST" if options.post else "GET",
            self._posted(options.post).encode(),
        )

    def _login(self, options: Options) -> "Credentials | None":
        from ringfence.protocols.sip.digest import Credentials

        own = self._now.login
        if not own.told:
            return None
        if who := self._expanded(options.uid):
            return Credentials(who, self._expanded(options.pwd.reveal()))
        return Credentials(own.user, own.password.reveal()) if own.user else None

    def _posted(self, letter: str) -> str:
        """Return the text of a general purpose parameter, expanded; empty for no letter."""
        return expand(self._values.get(letter, ""), self._values) if letter else ""

    def _expanded(self, argument: str) -> str:
        """Return an option's argument; these alone may hold secret macros (phone-facts 2.6)."""
        secrets = {name: secret.reveal() for name, secret in self._now.secrets.items()}
        return expand(argument, {**self._values, **secrets})
