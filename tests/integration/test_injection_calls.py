"""What a control server has dialled, as SIPp has heard it, and what it has said in the log."""

import json
import re
import string
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from tests.integration.test_websocket import CONTROL, QUIET, SIP, STATUS, URL, Control, control
from tests.support import metacharacters, sipp
from tests.support.provider_fixtures import dnsmasq, net, rsyslog
from tests.support.provider_net import DNS, PHONE, SECOND, Fifo, Net
from tests.support.sipp_peer import Answer, Hear, Peer

__all__ = ["control", "dnsmasq", "net", "rsyslog"]

DIAL = "/api/Call/v1/Dial"
USER = r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-F]{2})+"
NUMBERS = (
    *("a" + string.punctuation.replace(":", "").replace("@", "") + "b", "7 8 x", "漢é"),
    *(word for word in metacharacters.GRAVE if not set(word) & set(":@")),
)
URIS = ("sip:7%0d%0aX:y@telco.test", "sip:7@telco.test;maddr=192.0.2.1;method=BYE", "7@[::1]")
REFUSED = (
    *("", " ", "7\r\nRoute: <sip:evil.test>", "7\n8", "7\0", "7\x1b[2J", "7\u202e8"),
    *("sip:7@h?Route=%3Csip:evil.test%3E", "sip:7@h>;tag=1", "sip:7@h h", "sip:7@h\r\nX: y"),
    *("tel:7", "javascript:7", "7@é.test", "7@h,8@h", "a<b@h", '"x" <sip:7@h>', "sip:", "sip:@"),
)


@pytest.mark.proves("APP-06")
def test_sipp_hears_what_a_server_has_dialled_as_one_uri(
    net: Net, control: Callable[..., Control], component: list[str]
) -> None:
    component.append(sipp.version())
    server = control()
    good = (*NUMBERS, *URIS)
    refuses = (Hear("INVITE"), Answer(486), Hear("ACK"))
    folder = net.folder / "sipp"
    with Peer(net.servers, folder, refuses, SECOND, PHONE, called="7", times=len(good)):
        line = {"Proxy_1_": SIP, "User_ID_1_": "1001", "Password_1_": "pw1001"}
        phone = net.boot(**line, Resync_On_Reset="No", Control_Server_URL=URL)
        server.hear("connected")
        phone.wait_for("line.registered")
        for count, target in enumerate(good, start=1):
            assert server.ask(count, DIAL, target=target)["status"] == 200, target
            phone.wait_for("call.ended", count)
    for target in REFUSED:
        assert server.ask(f"no {target}", DIAL, target=target)["status"] == 400, target
    heard = (folder / "messages").read_bytes().decode()
    dialled = re.findall(r"\nINVITE (.*) SIP/2\.0\r?\n", heard)
    assert [
        unquote(uri.removeprefix("sip:").rpartition("@")[0]) for uri in dialled[: len(NUMBERS)]
    ] == [*NUMBERS]
    assert all(
        re.fullmatch(rf"sip:{USER}@sip\.telco\.test", uri) for uri in dialled[: len(NUMBERS)]
    )
    assert dialled[len(NUMBERS) :] == [*URIS[:2], "sip:7@[::1]"]
    assert "evil" not in heard


@pytest.mark.proves("APP-06")
def test_what_a_server_says_is_one_line_of_the_log_and_one_answer(
    net: Net, control: Callable[..., Control], rsyslog: Fifo
) -> None:
    server = control()
    phone = net.boot(**QUIET, Control_Server_URL=URL, Syslog_Server=DNS)
    server.hear("connected")
    for count, name in enumerate(('"}\n{"status": 200, "id": "x', "\r\n\0\x1b<&>'\u2028"), start=1):
        request = {"id": name, "path": f"{STATUS}\n{name}", "arguments": {}}
        server.say(json.dumps(request))
        answer = json.loads(server.hear("said", count).removeprefix("said "))
        assert (answer["id"], answer["status"]) == (name, 404)
    for count, odd in enumerate(("²", "-1", "1;2", "9" * 40, "0x1", "1\n", "call:1")):
        for name in ("Answer", "Hangup", "Hold", "Resume"):
            assert server.ask(f"{name}{count}", f"/api/Call/v1/{name}", call=odd)["status"] == 400
        assert server.ask(f"line{count}", DIAL, target="7", line=odd)["status"] == 400
    forged = "\r\n<0>Jan  1 00:00:00 evil forged: x\n2026-01-01 INFO line.registered: y"
    reason = b"\x03\xe9" + f"bye{forged}".encode()
    server.say(f"raw 88{len(reason):02x}{reason.hex()}")
    where = f"websocket.disconnected: wss://{CONTROL}:8443/phones"
    told = " ".join(f"{where}: the server ended it: 1001 bye{forged}".split())
    (line,) = (one for one in rsyslog.wait_for("forged") if "forged" in one)
    assert "|ringfence|" in line
    assert " ".join(line.split()).endswith(told)
    (own,) = (one for one in phone.wait_for("line.registered").splitlines() if "forged" in one)
    assert " ".join(own.split()).endswith(told)
