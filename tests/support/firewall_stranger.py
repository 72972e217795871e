"""A stranger who probes the phone and compares what it finds with the model."""

from collections.abc import Mapping

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import firewall_model
from tests.support.firewall_fixtures import Listen, Wire
from tests.support.probe import FAMILY, FENCE_PORT, Answers, probe


class Stranger:
    """Probes ports and compares what it finds with the model."""

    def __init__(self, space: Namespace, listen: Listen) -> None:
        self._space, self._listen = space, listen
        self._source = 2000

    def finds(self, texts: Mapping[str, str], udp: set[int], tcp: set[int]) -> None:
        """Probe once with a listener on every UDP port, and once without any."""
        wanted = firewall_model.expected(texts)
        got, found = self._round(udp, udp, tcp)
        for version in FAMILY:
            assert got[version] == udp & wanted.udp
            assert found[version].tcp == tcp & wanted.tcp
            assert found[version].unreachable == (udp & wanted.unreachable) - wanted.udp
        _, found = self._round(set(), udp, set())
        for version in FAMILY:
            assert found[version].unreachable == (udp & wanted.unreachable) - {FENCE_PORT}

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
