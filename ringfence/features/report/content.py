"""What a report holds, and what a change of which is a local one. Source: phone-facts 1.4, 2.3."""

import hashlib

from ringfence.config.cfgxml import LIMIT
from ringfence.config.cfgxml_write import written
from ringfence.config.settings import changed, slots, virgin
from ringfence.config.snapshot import Origin, Snapshot
from ringfence.errors import ConfigError
from ringfence.features.report.plan import TAG
from ringfence.policy.disclosure import Disclosure

LOCAL = (Origin.PAGE, Origin.SCREEN, Origin.COMMAND)
"""Origins of a value that somebody gave at the phone itself."""


def document(snapshot: Snapshot, firmware: str, *, delta: bool) -> bytes:
    """Return the settings as a cfg.xml without secrets.

    All of them; with `delta` those that differ from a virgin phone of a firmware profile.

    Raises:
        ConfigError: they are more than a phone would read back.

    """
    tags = changed(virgin(firmware), snapshot.settings) if delta else iter(slots())
    made = written(snapshot, tags, Disclosure(snapshot.settings).withheld)
    if len(made) > LIMIT:
        raise ConfigError(TAG, f"the report has more than {LIMIT >> 10} KiB", "write [--delta]")
    return made


def mark(snapshot: Snapshot) -> str:
    """Return what is another text after every local change that a report would show."""
    tags = [tag for tag, held in snapshot.stored.items() if held.origin in LOCAL]
    made = written(snapshot, sorted(tags), Disclosure(snapshot.settings).withheld)
    return hashlib.sha256(made).hexdigest()
