"""What a voice mailbox tells by NOTIFY: through the line's proxy it counts, from a stranger not."""

import pytest

from tests.support import sipp
from tests.support.desk import PEER, PHONE, PROXY, Desk
from tests.support.sipp import Expect, Request

HEADERS = "Event: message-summary\nContent-Type: application/simple-message-summary"


def notify(waiting: str, new: int) -> Request:
    body = f"Messages-Waiting: {waiting}\nVoice-Message: {new}/5\n"
    return Request("NOTIFY", HEADERS, body=body)


@pytest.mark.proves("SCR-05")
def test_messages_that_wait_are_told_by_the_proxy_of_the_line_alone(
    desk: Desk, component: list[str]
) -> None:
    component.append(sipp.version())
    desk.register()
    desk.sipp(notify("yes", 9), Expect(403))
    assert desk.phone.wait(1)["messages"] is None
    for waiting, new in (("yes", 2), ("no", 0)):
        sipp.call(
            desk.outside, notify(waiting, new), Expect(200), user="1001", at=PROXY, source=PEER
        )
        wanted = {"waiting": waiting == "yes", "new": new, "old": 5}
        assert desk.phone.wait(1, messages=wanted)["registered"]
    sipp.call(desk.outside, notify("yes", 1), Expect(403), user="1001", at=PHONE, source=PEER)
    assert desk.phone.wait(1)["messages"]["new"] == 0
