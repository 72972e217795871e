"""A list of domains that locks the phone out returns. Source: rulings 12; phone-facts 4."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ringfence.config.settings import Settings
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import ConfigError, NetworkError, PolicyError
from ringfence.features.provisioning.probation import Probation
from ringfence.features.provisioning.resync import Outcome
from ringfence.runtime.commands import Commands
from ringfence.runtime.egress import Egress
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts

TAG = "Restricted_Access_Domains"
FORBIDDEN = Outcome(error=PolicyError("domain-not-allowed", "domain not allowed: pv.telco.test"))
DEAD = Outcome(error=NetworkError("no answer"))
DONE = Outcome(applied_from="pv.telco.test")


class Phone:
    """Settings and a state folder, with one write path."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.snapshot = Snapshot(Settings())
        self.set("telco.test")
        self.reboot()

    def reboot(self) -> None:
        host = Host(self._state)
        self.probation = Probation(
            World(
                host=host,
                egress=Egress(host),
                publish=lambda **changes: None,
                facts=Facts,
                snapshot=lambda: self.snapshot,
                submit=self._submit,
                commands=Commands(),
                statuses=dict,
                spawn=lambda work: work.close(),
            )
        )

    def _submit(
        self, changes: Mapping[str, Change], origin: Origin, *, whole: bool = False
    ) -> list[ConfigError]:
        self.snapshot, errors = submit(self.snapshot, changes, origin)
        return errors

    def set(self, domains: str) -> None:
        self._submit({TAG: Change(domains)}, Origin.PROFILE)

    @property
    def domains(self) -> str:
        return self.snapshot.settings.system.restricted_access_domains

    def resync(self, outcome: Outcome, brings: str | None = None) -> None:
        before = self.domains
        if brings is not None:
            self.set(brings)
        self.probation.judge(before, outcome)


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
    later = Outcome(applied_from="pv.telco.test", error=FORBIDDEN.error)
    phone.resync(later, brings="elsewhere.test")
    assert phone.domains == "elsewhere.test"


def test_another_failure_neither_returns_the_list_nor_ends_the_probation(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    phone.resync(DEAD)
    assert phone.domains == "elsewhere.test"
    phone.resync(FORBIDDEN)
    assert phone.domains == "telco.test"


def test_a_resync_that_succeeds_under_the_list_keeps_it_for_good(phone: Phone) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    phone.resync(Outcome(applied_from="pv.elsewhere.test"))
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


def test_a_damaged_memory_is_no_probation(phone: Phone, tmp_path: Path) -> None:
    phone.resync(DONE, brings="elsewhere.test")
    (tmp_path / "probation.json").write_text("{")
    phone.resync(FORBIDDEN)
    assert phone.domains == "elsewhere.test"
