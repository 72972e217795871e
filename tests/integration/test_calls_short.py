"""Many calls that end before anybody answers; the caller is SIPp."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.line_phone import LinePhone
from tests.support.processes import resident
from tests.support.sipp import Expect, Request
from tests.support.sipp_stage import LINE, PEER, PHONE, Stage, open_stage

BRANCH = "z9hG4bK[call_number]"
CANCELLED = (
    *(Request(branch=BRANCH, cseq=1), Expect(180)),
    *(Request("CANCEL", branch=BRANCH, cseq=1), Expect(200), Expect(487)),
    Request("ACK", branch=BRANCH, to_tag="[peer_tag_param]"),
)
UNACKNOWLEDGED = CANCELLED[:-1]


@pytest.fixture
def stage(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    yield from open_stage(pair, tmp_path, component)


def flood(phone: LinePhone, outside: Namespace, ladder: tuple[sipp.Step, ...]) -> list[str]:
    rate = {"times": 200, "rate": 100, "together": 4, "patience": 20}
    return sipp.call(outside, *ladder, user="1001", at=PHONE, source=PEER, **rate)


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("ladder", [CANCELLED, UNACKNOWLEDGED], ids=["acknowledged", "not"])
def test_calls_that_were_cancelled_keep_nobody_else_from_calling(
    stage: Stage, ladder: tuple[sipp.Step, ...]
) -> None:
    stage.phone.set(**LINE, Ans_Call_Without_Reg_1_="Yes")
    flood(stage.phone, stage.outside, ladder)
    before = resident(stage.phone.process.pid)
    received = flood(stage.phone, stage.outside, ladder)
    assert sum("487 Request Terminated" in message for message in received) >= 200
    assert not [message for message in received if message.startswith("SIP/2.0 486")]
    assert resident(stage.phone.process.pid) - before < 1536
