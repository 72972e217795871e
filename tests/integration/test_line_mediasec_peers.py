"""Calls of a line that agreed on media plane security, with telephones that others wrote."""

import pytest

from ringfence.lab.mediasec import MediaSec
from tests.support.desk import Desk


@pytest.mark.proves("MS-06")
@pytest.mark.parametrize(("transport", "name"), [("UDP", "baresip"), ("TLS", "pjsua")])
def test_others_take_and_give_what_the_agreement_demands(
    desk: Desk, transport: str, name: str
) -> None:
    desk.kamailio.stop()
    desk.kamailio.start(mediasec=MediaSec("client"))
    desk.register(transport, MediaSec_Request_1_="Yes")
    peer = desk.by_name(name, srtp=True, transport=transport)
    call = desk.call_out(peer)
    desk.phone.command("hangup")
    desk.over(peer)
    assert call["srtp"] == "AES_CM_128_HMAC_SHA1_80"
    call = desk.call_in(peer)
    peer.hang_up()
    desk.over(peer)
    assert call["srtp"] == "AES_CM_128_HMAC_SHA1_80"
    kamailio = desk.kamailio
    kamailio.hear(f"MEDIASEC INVITE 1001 over {transport.lower()} .* agreed", 1)
    kamailio.hear(f"MEDIASEC INVITE 1003 over {transport.lower()} .* plain", 1)
