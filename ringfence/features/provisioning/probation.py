"""A new list of domains that shuts out the server it came from: kept until it proves fatal.

Source: rulings 12; phone-facts 4, Lock-out guard.
"""

import json
import logging

from ringfence.config.snapshot import Change, Origin
from ringfence.errors import PolicyError
from ringfence.features.provisioning.resync import Outcome
from ringfence.policy import domains
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

FORBIDDEN = "domain-not-allowed"
"""Rule of the refusal that Egress raises."""

INTENT = "domains-probation"
"""The two lists, kept so that a reboot between two resyncs changes nothing."""


class Probation:
    """Gives the previous list back when a resync fails because of the new one."""

    def __init__(self, world: World) -> None:
        self._world = world

    def domains(self) -> str:
        """Return the list in force."""
        return self._world.snapshot().settings.system.restricted_access_domains

    def judge(self, before: str, outcome: Outcome) -> None:
        """Take the outcome of a resync that began under the list `before`.

        Raises:
            ComponentError: the store cannot be written.

        """
        self._end(before, outcome)
        now = self.domains()
        if now == before or not outcome.applied_from:
            return
        exact_only = self._world.snapshot().settings.system.restricted_domains_exact_only
        if not domains.judge(now, outcome.applied_from, exact_only=exact_only).allowed:
            text = "provisioning.domains_on_probation: %s delivered a list that excludes it"
            logger.warning(text, outcome.applied_from)
            self._world.intend(INTENT, json.dumps({"previous": before, "new": now}))

    def _end(self, before: str, outcome: Outcome) -> None:
        """End a probation that was proven right or wrong, or that another list overtook."""
        if (held := self._held()) is None:
            return
        unchanged = held["new"] == before == self.domains()
        error = outcome.error
        if unchanged and isinstance(error, PolicyError) and error.rule == FORBIDDEN:
            logger.warning("provisioning.domains_returned: the new list locked the phone out")
            self._world.submit({domains.TAG: Change(held["previous"])}, Origin.PROFILE)
        elif unchanged and error is not None:
            return
        self._world.intend(INTENT, None)

    def _held(self) -> dict[str, str] | None:
        try:
            held = json.loads(self._world.intents()[INTENT])
            return {"previous": str(held["previous"]), "new": str(held["new"])}
        except (ValueError, KeyError, TypeError):
            return None
