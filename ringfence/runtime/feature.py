"""The one shape that every feature has."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from msgspec import Struct

from ringfence.config.settings import Settings
from ringfence.config.snapshot import Change, Origin, Snapshot
from ringfence.errors import ConfigError
from ringfence.runtime.places import Places
from ringfence.runtime.state import Facts, Planned, Status

if TYPE_CHECKING:
    from ringfence.runtime.commands import Commands
    from ringfence.runtime.egress import Egress
    from ringfence.runtime.host import Host

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)


class Submit(Protocol):
    """The one write path."""

    def __call__(
        self,
        changes: Mapping[str, Change],
        origin: Origin,
        *,
        whole: bool = False,
        confirm_within: float = 0.0,
    ) -> list[ConfigError]:
        """Validate, store durably and swap the snapshot; reconciling follows by itself.

        With `whole`, one refusal means that nothing is stored (rulings 1: the page). With
        `confirm_within` seconds the changes are undone unless they are confirmed so long after
        they came into force.

        Raises:
            ComponentError: the store could not be written; nothing changed.

        """
        ...


Prepare = Callable[[Mapping[str, Change]], Awaitable[None]]
"""Does beforehand what would make a submission slow."""


async def _nothing_to_prepare(changes: Mapping[str, Change]) -> None:
    pass


class World(Struct, frozen=True):
    """All that a driver may touch."""

    host: "Host"
    egress: "Egress"
    publish: Callable[..., None]
    """`publish(lease=...)` replaces fields of the facts and wakes the supervisor."""
    facts: Callable[[], Facts]
    snapshot: Callable[[], Snapshot]
    """The settings in force, with origin and access."""
    submit: Submit
    places: Places
    """Where values were written; who applies a file tells it."""
    intents: Callable[[], Mapping[str, str]]
    """What must outlive a reboot, by name."""
    intend: Callable[[str, str | None], None]
    """Keep an intent durably, or clear it with None. Raises `ComponentError`."""
    commands: "Commands"
    statuses: Callable[[], Mapping[str, Status]]
    """`{feature: status}` of the whole phone, for the surfaces."""
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    """Start a task that lives as long as the feature; an unexpected error restarts the feature."""
    leaving: Callable[[], bool] = lambda: False
    """Whether the phone stops for good, and does not merely start again."""
    prepare: Prepare = _nothing_to_prepare
    """Await this before `submit` wherever a person may hand in a password."""
    settled: Callable[[], None] = lambda: None
    """Tell that the lines are up, or cannot be: what is loaded after them need not wait longer."""


class Driver(Protocol[P_contra]):
    """Makes one real component do what a plan says.

    Life: created once; `apply` for each key whose plan is new or differs; `remove` for each
    key that is gone; `close` when the phone stops or the feature restarts. No call waits for
    another feature or for the network: waiting happens in a spawned task and shows as Pending.
    """

    async def apply(self, key: str, plan: P_contra) -> None:
        """Bring the component to `plan` from wherever it is; idempotent.

        Raises:
            ComponentError: the component refused; what it did before still holds.

        """

    async def remove(self, key: str) -> None:
        """Take one instance away."""

    async def close(self) -> None:
        """Leave the component as a stopping phone should: lines unregistered, firewall kept."""

    def status(self) -> Status:
        """Return the present state without waiting."""
        ...


class OnRequest(Generic[P]):
    """The half of a driver that does nothing until it is asked."""

    _plan: P | None = None

    async def apply(self, key: str, plan: P) -> None:
        """Go by a new plan from the next request on."""
        self._plan = plan

    async def remove(self, key: str) -> None:
        """Ask nobody any more."""
        self._plan = None

    async def close(self) -> None:
        """Ask nobody any more."""
        self._plan = None


class Feature(Struct, Generic[P], frozen=True):
    """A pure half that decides and an impure half that does."""

    name: str
    plan: Callable[[Settings, Facts], Planned[P]]
    """Decide. Pure. Raises `ConfigError` where nothing can run: the running plan is kept.
    Equal plans mean nothing to do."""
    show: Callable[[P], str]
    """Return the plan as its component reads it, secrets masked; `ringfence explain` prints it."""
    driver: Callable[[World], Driver[P]]
    """Do. Created once for each life of the feature."""
    safe: Mapping[str, P] = {}
    """Plans for a boot at which planning fails: the safe state, never the open one."""
    guards: bool = False
    """Nothing after it in the order is applied before it was, once: what listens waits for it."""


def plan_all(
    features: Sequence[Feature[Any]], settings: Settings, facts: Facts
) -> tuple[Mapping[str, Planned[Any]], Mapping[str, ConfigError]]:
    """Return what every feature decided, and why the others could not. Pure.

    It is also the dry run behind `ringfence explain`.
    """
    decided: dict[str, Planned[Any]] = {}
    errors: dict[str, ConfigError] = {}
    for feature in features:
        try:
            decided[feature.name] = feature.plan(settings, facts)
        except ConfigError as error:
            errors[feature.name] = error
    return decided, errors
