"""A new list of domains that shuts out the server it came from: kept until it proves fatal.

Source: rulings 12; phone-facts 4, Lock-out guard.
"""

import json
import logging
from collections.abc import Mapping

from ringfence.config.snapshot import Change, Origin
from ringfence.errors import PolicyError, RingfenceError
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

    def foresee(self, changes: Mapping[str, Change], host: str) -> None:
        """Remember the list in force if `changes`, by a server at `host`, shut that server out.

        To be called before they are stored: whenever the power fails, a list that binds can be
        taken back.

        Raises:
            ComponentError: the store cannot be written.

        """
        now, change = self.domains(), changes.get(domains.TAG)
        if change is None or change.text is None or change.text == now:
            return
        exact_only = self._world.snapshot().settings.system.restricted_domains_exact_only
        if not domains.judge(change.text, host, exact_only=exact_only).allowed:
            text = "provisioning.domains_on_probation: %s delivered a list that excludes it"
            logger.warning(text, host)
            self._world.intend(INTENT, json.dumps({"previous": now, "new": change.text}))

    def judge(self, before: str, error: RingfenceError | None) -> None:
        """Take how a resync came out that began under the list `before`.

        Raises:
            ComponentError: the store cannot be written.

        """
        if (held := self._held()) is None:
            return
        now = self.domains()
        if held["new"] == now != before:
            return  # this resync brought the list; the next one is its trial
        if held["new"] == now:
            if isinstance(error, PolicyError) and error.rule == FORBIDDEN:
                logger.warning("provisioning.domains_returned: the new list locked the phone out")
                self._world.submit({domains.TAG: Change(held["previous"])}, Origin.PROFILE)
            elif error is not None:
                return
        self._world.intend(INTENT, None)

    def _held(self) -> dict[str, str] | None:
        try:
            held = json.loads(self._world.intents()[INTENT])
            return {"previous": str(held["previous"]), "new": str(held["new"])}
        except (ValueError, KeyError, TypeError):
            return None
