"""Shows the plan; Egress and the page's server hold the policies themselves."""

from collections.abc import Iterator

from msgspec import to_builtins

from ringfence.features.tls.plan import TlsPlan, offers, unavailable, words
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status, stamp


class TlsDriver:
    """The section TLS of the status page."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: TlsPlan | None = None

    async def apply(self, key: str, plan: TlsPlan) -> None:
        """Show this plan from now on."""
        self._plan = plan

    async def remove(self, key: str) -> None:
        """Show nothing."""
        self._plan = None

    async def close(self) -> None:
        """Leave nothing behind: nothing was held."""

    def status(self) -> Status:
        """Return the list, what its words do, and of each application offer and last verdict."""
        if self._plan is None:
            return Status(Health.STARTING, title="TLS")
        rows = [("TLS Cipher List", self._plan.cipher_list or "blank")]
        if self._plan.steps:
            rows.append(("Words", words(self._plan)))
        rows += self._applications(self._plan)
        if gone := unavailable(self._plan):
            rows.append(("Unavailable Suites", ", ".join(gone)))
        last = self._world.egress.tls.last
        data = {"verdicts": {name: to_builtins(verdict) for name, verdict in last.items()}}
        return Status(Health.RUNNING, tuple(rows), data, "TLS")

    def _applications(self, plan: TlsPlan) -> Iterator[tuple[str, str]]:
        """Yield each application's title, what it offers, and how its last handshake came out."""
        last = self._world.egress.tls.last
        for policy, offer in offers(plan):
            verdict = last.get(policy.application.name)
            told = f"; {stamp(verdict.at)} {verdict.words}" if verdict else ""
            yield policy.application.title, offer + told
