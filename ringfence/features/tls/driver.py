"""Shows the plan; Egress and the page's server hold the policies themselves."""

from ringfence.features.tls.plan import TlsPlan, offers, unavailable, words
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status


class TlsDriver:
    """The section TLS of the status page."""

    def __init__(self, world: World) -> None:
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
        """Return the list, what its words do, and what each application offers."""
        if self._plan is None:
            return Status(Health.STARTING, title="TLS")
        rows = [("TLS Cipher List", self._plan.cipher_list or "blank")]
        if self._plan.steps:
            rows.append(("Words", words(self._plan)))
        rows += offers(self._plan)
        if gone := unavailable(self._plan):
            rows.append(("Unavailable Suites", ", ".join(gone)))
        return Status(Health.RUNNING, tuple(rows), title="TLS")
