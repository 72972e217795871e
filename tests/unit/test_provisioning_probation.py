"""A list of domains that locks the phone out returns. Source: rulings 12; phone-facts 4."""

from pathlib import Path

import pytest

from ringfence.config.snapshot import Change, Origin
from ringfence.errors import NetworkError, PolicyError, RingfenceError
from ringfence.features.provisioning.probation import INTENT, Probation
from ringfence.runtime.commands import Commands
from ringfence.runtime.egress import Egress
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory
from ringfence.runtime.state import Facts

TAG = "Restricted_Access_Domains"
FORBIDDEN = PolicyError("domain-not-allowed", "domain not allowed: pv.telco.test")
DEAD = NetworkError("no answer")
DONE = None
SERVER = "pv.telco.test"


class Phone:
    """The settings of a phone in their real store, with a reboot."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.reboot()
        self.set("telco.test")

    def reboot(self) -> None:
        host = Host(self._state)
        self.memory = memory = Memory(host, "11.3")
        self.probation = Probation(
            World(
                host=host,
                egress=Egress(host),
                publish=lambda **changes: None,
                facts=Facts,
                snapshot=lambda: memory.snapshot,
                submit=memory.submit,
                places=memory.places,
                intents=lambda: memory.intents,
                intend=memory.intend,
                commands=Commands(),
                statuses=dict,
                spawn=lambda work: work.close(),
            )
        )

    def set(self, domains: str) -> None:
        assert not self.memory.submit({TAG: Change(domains)}, Origin.PROFILE)

    @property
    def domains(self) -> str:
        return self.memory.snapshot.settings.system.restricted_access_domains

    def resync(self, error: RingfenceError | None, brings: str | None = None) -> None:
        before = self.domains
        if brings is not None:
            self.probation.foresee({TAG: Change(brings)}, SERVER)
            self.set(brings)
        self.probation.judge(before, error)


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def test_a_list_that_excludes_its_server_returns_when_the_next_resync_fails(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    assert phone.domains == "elsewhere.test"
    phone.reboot()
    phone.resync(FORBIDDEN)
    assert phone.domains == "telco.test"


def test_the_resync_that_brought_it_does_not_count(phone: Phone) -> None:
    phone.resync(FORBIDDEN, brings="elsewhere.test")
    assert phone.domains == "elsewhere.test"


def test_another_failure_neither_returns_the_list_nor_ends_the_probation(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    phone.resync(DEAD)
    assert phone.domains == "elsewhere.test"
    phone.resync(FORBIDDEN)
    assert phone.domains == "telco.test"


def test_a_resync_that_succeeds_under_the_list_keeps_it_for_good(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    phone.resync(DONE)
    phone.resync(FORBIDDEN)
    assert phone.domains == "elsewhere.test"


def test_a_list_that_someone_else_set_meanwhile_stays(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    phone.set("third.test")
    phone.resync(FORBIDDEN)
    assert phone.domains == "third.test"


def test_a_list_that_names_its_server_is_not_on_probation(phone: Phone) -> None:
    phone.resync(DONE, brings="pv.telco.test")
    phone.resync(FORBIDDEN)
    assert phone.domains == "pv.telco.test"


def test_a_damaged_memory_is_no_probation(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    phone.memory.intend(INTENT, "{")
    phone.resync(FORBIDDEN)
    assert phone.domains == "elsewhere.test"


def test_a_probation_is_over_when_it_is_decided(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    assert INTENT in phone.memory.intents
    phone.resync(FORBIDDEN)
    phone.reboot()
    assert phone.memory.intents == {}


def test_a_list_is_remembered_before_it_binds(phone: Phone) -> None:
    phone.probation.foresee({TAG: Change("elsewhere.test")}, SERVER)
    phone.set("elsewhere.test")
    phone.reboot()  # the power failed before the resync came to its end
    phone.resync(FORBIDDEN)
    assert phone.domains == "telco.test"


def test_a_list_that_was_never_stored_is_forgotten(phone: Phone) -> None:
    phone.probation.foresee({TAG: Change("elsewhere.test")}, SERVER)
    phone.reboot()
    phone.resync(FORBIDDEN)
    assert phone.domains == "telco.test"
    assert phone.memory.intents == {}
