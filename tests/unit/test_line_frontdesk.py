"""What lines and ports see of calls before there is one."""

import asyncio
from types import SimpleNamespace
from typing import cast

from ringfence.errors import ComponentError
from ringfence.features.line.frontdesk import FrontDesk
from ringfence.features.line.path import Media, Path
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import Message, read_message
from ringfence.runtime.feature import World

OTHER = read_message(b"SIP/2.0 200 OK\r\nCall-ID: other\r\nCSeq: 1 BYE\r\n\r\n")


def open_media(path: Path) -> Media:
    raise ComponentError("call", "there is none yet")


def way_out(n: int) -> Path:
    raise ComponentError("call", "there is none yet")


def desk() -> FrontDesk:
    host = SimpleNamespace(now=lambda: 0.0, entropy=bytes)
    return FrontDesk(cast(World, SimpleNamespace(host=host)), open_media, way_out)


def asked(message: Message) -> Asked:
    return cast(Asked, SimpleNamespace(message=message))


def test_before_the_first_call_nothing_of_calls_is_loaded_and_no_line_is_busy() -> None:
    made = desk()
    assert not made.busy(1)
    asyncio.run(made.until_idle(1))
    assert list(made.peers()) == []
    assert not made.take(asked(OTHER), 0.0)
    assert not made.receive_response(OTHER, "192.0.2.1")
    made.close()
    made.leave()
    assert "board" not in vars(made)


def test_once_it_is_open_the_switchboard_is_asked() -> None:
    made = desk()
    made.open()
    board = made.board
    made.open()
    assert made.board is board
    assert not made.busy(1)
    assert list(made.peers()) == []
    assert not made.receive_response(OTHER, "192.0.2.1")
