"""Where the custom CA comes from, how it is reached, and when it is fetched again.

Source: phone-facts 1.4, CA Settings; chapter, Restricted Access Domains (RAD-06).
"""

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError
from ringfence.policy.applications import CUSTOM_CA
from ringfence.policy.macros import expand
from ringfence.policy.rules import Url, parse_rule, parse_url
from ringfence.policy.schedule import Schedule, parse_schedule
from ringfence.runtime.reach import Reach, awaited, macros, reach
from ringfence.runtime.state import Facts, Planned

TAG = ROWS["provisioning"]["custom_ca_rule"].tag


class CustomCaPlan(Struct, frozen=True):
    """Everything that fetching the custom CA depends on."""

    enabled: bool
    """Provision Enable gates this, too."""
    waiting: str
    """What must come first; empty where nothing must."""
    url: Url | None
    """None where no rule names one: then what a rule had brought is removed."""
    reach: Reach
    periodic: Schedule
    retry: Schedule

    @property
    def sought(self) -> tuple[object, ...]:
        """Return what a change of which calls for another attempt."""
        return (self.url, self.reach.domains, self.reach.exact_domains)


def plan(settings: Settings, facts: Facts) -> Planned[CustomCaPlan]:
    """Return the plan of the custom CA.

    Raises:
        ConfigError: the rule cannot be followed; the CA that is installed stays.

    """
    own = settings.provisioning
    decided = CustomCaPlan(
        enabled=own.provision_enable,
        waiting=awaited(settings, facts),
        url=_url(settings, facts),
        reach=reach(CUSTOM_CA, settings, facts),
        periodic=parse_schedule(own.resync_periodic),
        retry=parse_schedule(own.resync_error_retry_delay),
    )
    return Planned({"": decided})


def _url(settings: Settings, facts: Facts) -> Url | None:
    text = settings.provisioning.custom_ca_rule
    values = macros(settings, facts)
    try:
        taken = parse_rule(text).select(values)
        if taken is None or not taken.url:
            return None
        if taken.assignments or taken.options:
            raise ValueError("it takes a URL, without assignments and options")
        url = parse_url(expand(taken.url, values))
        if not url.host:
            raise ValueError("it names no server")
    except ValueError as error:
        raise ConfigError(TAG, str(error), "write https://SERVER/FILE") from None
    return url
