"""What DNS said before does not confirm what it said before."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringfence.errors import PolicyError
from ringfence.policy.applications import PROVISIONING
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host

THIEF, TRUE = "10.99.1.66", "10.99.1.11"


@pytest.mark.proves("PRV-05")
def test_an_address_that_was_kept_is_asked_for_anew_before_it_is_believed() -> None:
    async def kept(name: str, servers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
        return (THIEF,)

    async def now(name: str, servers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
        return (TRUE,)

    async def scenario() -> str:
        egress = Egress(Host(Path()), kept, again=now)
        target = Target(PROVISIONING, "pv.telco.test", 443, None)
        assert await egress.resolve(target) == (THIEF,)
        assert await egress.confirm(target, TRUE, ("pv.telco.test",)) == "pv.telco.test"
        return await egress.confirm(target, THIEF, ("pv.telco.test",))

    with pytest.raises(PolicyError, match=rf"{THIEF} is not in DNS: pv.telco.test has {TRUE}"):
        asyncio.run(scenario())
