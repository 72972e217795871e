"""A stranger who probes the phone and compares what it finds with the model."""

from collections.abc import Mapping

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import firewall_model
from tests.support.firewall_fixtures import Listen, Wire
from tests.support.probe import FAMILY, FENCE_PORT, Answers, heard, probe


class Stranger:
    """Probes ports and compares what it finds with the model."""

    def __init__(self, space: Namespace, listen: Listen) -> None:
        self._space, self._listen = space, listen
        self._source = 2000

    def finds(self, texts: Mapping[str, str], udp: set[int], tcp: set[int]) -> None:
        """Probe once with a listener on every UDP port, and once without any.

        Ports that are not as the model has them stand in the message of a failure.
        """
        wanted = firewall_model.expected(texts)
        got, found = self._round(udp, udp, tcp)
        telling = (udp & wanted.unreachable) - wanted.udp
        for version in FAMILY:
            assert sorted(got[version] ^ (udp & wanted.udp)) == []
            assert sorted(found[version].tcp ^ (tcp & wanted.tcp)) == []
            self._insist(version, udp, found[version].unreachable, telling)
        _, found = self._round(set(), udp, set())
        telling = (udp & wanted.unreachable) - {FENCE_PORT}
        for version in FAMILY:
            self._insist(version, set(), found[version].unreachable, telling)

    def _insist(self, version: int, listened: set[int], told: set[int], telling: set[int]) -> None:
        """Ask the ports again that should say "unreachable" and did not."""

        def all_told() -> bool:
            if silent := telling - told:
                told.update(self._round(listened, silent, set())[1][version].unreachable)
            return told >= telling

        heard(True, all_told)
        assert sorted(told ^ telling) == []

    def _round(
        self, listened: set[int], udp: set[int], tcp: set[int]
    ) -> tuple[dict[int, set[int]], dict[int, Answers]]:
        listeners = self._listen(listened)
        self._source += 1
        found = self._space.call(probe, sorted(udp), sorted(tcp), self._source)
        got = listeners.received()
        listeners.close()
        return got, found


@pytest.fixture
def stranger(wire: Wire, listen: Listen) -> Stranger:
    return Stranger(wire[1], listen)
