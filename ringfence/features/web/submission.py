"""The page's way to the one write path."""

from collections.abc import Mapping

from ringfence.config.settings import slots
from ringfence.config.snapshot import Change, Origin
from ringfence.config.snapshot import submit as validate
from ringfence.errors import ConfigError
from ringfence.runtime.feature import World
from ringfence.surfaces import forms


def submit(world: World, wanted: Mapping[str, Change]) -> list[ConfigError]:
    """Store all of `wanted`, or nothing where anything is refused; return the refusals.

    What may cut the administrator off is undone unless it is confirmed in time (WEB-08).

    Raises:
        ComponentError: the store could not be written; nothing changed.

    """
    if refused := forms.weak_passwords(wanted):
        return refused + validate(world.snapshot(), wanted, Origin.PAGE)[1]
    within = world.snapshot().settings.system.confirm_changes_within
    risky = any(slots()[tag].row.cuts_off for tag in wanted)
    return world.submit(wanted, Origin.PAGE, whole=True, confirm_within=within if risky else 0)
