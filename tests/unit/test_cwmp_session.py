"""A session from the phone's side, without a network; when it calls, and who may ask it to."""

import hmac

import pytest

from ringfence.errors import LocalProtocolError, RemoteProtocolError
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import NAMESPACES, NEWEST, Envelope, read, write
from ringfence.protocols.cwmp.faults import CwmpError
from ringfence.protocols.cwmp.request import read_udp
from ringfence.protocols.cwmp.retry import wait
from ringfence.protocols.cwmp.session import Answered, Called, Ended, Session

INFORM = cwmp.Inform(
    cwmp.DeviceIdStruct("R", "000E08", "P", "S"), (cwmp.EventStruct("1 BOOT"),), 1, "now", 0, ()
)
DONE = cwmp.TransferComplete("key", cwmp.FaultStruct(), "a", "b")


def said(message: cwmp.Message, number: str = "9", *, hold_requests: bool = False) -> bytes:
    return write(Envelope(message, number, NEWEST, hold_requests))


def begun(*requests: cwmp.Message, hold: bool = False) -> Session:
    """Return a session of which the ACS has heard the Inform."""
    session = Session(INFORM, requests, newer=True)
    assert read(session.data_to_send()).message == INFORM
    session.receive_response(200, said(cwmp.InformResponse(1), "1", hold_requests=hold))
    assert session.next_event() == Answered(INFORM)
    return session


def test_a_session_without_anything_to_do_is_an_inform_and_an_empty_post() -> None:
    session = begun()
    assert session.data_to_send() == b""
    session.receive_response(204, b"")
    assert session.next_event() == Ended()
    with pytest.raises(LocalProtocolError):
        session.data_to_send()


def test_a_method_is_answered_under_its_own_id_and_the_answer_asks_for_the_next() -> None:
    session = begun()
    session.data_to_send()
    session.receive_response(200, said(cwmp.Reboot("k"), "ID-42"))
    assert session.next_event() == Called(cwmp.Reboot("k"), "Reboot")
    session.answer(cwmp.RebootResponse())
    answer = read(session.data_to_send())
    assert (answer.id, answer.message) == ("ID-42", cwmp.RebootResponse())
    session.receive_response(200, b"")
    assert session.next_event() == Ended()


def test_own_requests_come_first_and_wait_while_the_acs_holds_them() -> None:
    session = begun(DONE)
    assert read(session.data_to_send()).message == DONE
    session = begun(DONE, hold=True)
    assert session.data_to_send() == b""
    session.receive_response(200, said(cwmp.GetRPCMethods(), hold_requests=True))
    assert isinstance(session.next_event(), Called)
    session.answer(cwmp.GetRPCMethodsResponse(()))
    session.data_to_send()
    session.receive_response(204, b"")
    assert session.next_event() is None
    assert read(session.data_to_send()).message == DONE
    session.receive_response(200, said(cwmp.TransferCompleteResponse(), "2"))
    assert session.next_event() == Answered(DONE)
    assert session.data_to_send() == b""


def test_a_retry_request_repeats_the_inform_three_times_at_most() -> None:
    session = Session(INFORM, newer=True)
    for number in ("1", "2", "3"):
        assert read(session.data_to_send()).message == INFORM
        session.receive_response(200, said(cwmp.Fault(8005, "Retry request"), number))
        assert session.next_event() is None
    session.data_to_send()
    with pytest.raises(RemoteProtocolError, match="8005"):
        session.receive_response(200, said(cwmp.Fault(8005, "Retry request"), "4"))


def test_an_answer_under_the_id_of_another_request_is_refused() -> None:
    session = Session(INFORM, newer=True)
    session.data_to_send()
    with pytest.raises(RemoteProtocolError, match="Inform 1 was answered as '9'"):
        session.receive_response(200, said(cwmp.InformResponse(1), "9"))


def test_an_answer_without_an_id_is_taken() -> None:
    session = Session(INFORM, newer=True)
    session.data_to_send()
    session.receive_response(200, said(cwmp.InformResponse(1), ""))
    assert session.next_event() == Answered(INFORM)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_phone_goes_down_to_the_version_of_the_acs_and_never_up(namespace: str) -> None:
    session = Session(INFORM, newer=True)
    first = session.data_to_send()
    assert b"1.0,1.1,1.2,1.3,1.4" in first
    assert read(first).namespace == "urn:dslforum-org:cwmp-1-2"
    session.receive_response(200, write(Envelope(cwmp.InformResponse(1), "1", namespace)))
    assert session.namespace == min(namespace, "urn:dslforum-org:cwmp-1-2")


def test_the_oldest_version_announces_no_other() -> None:
    first = Session(INFORM, newer=False).data_to_send()
    assert read(first).namespace == "urn:dslforum-org:cwmp-1-0"
    assert b"SupportedCWMPVersions" not in first


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (204, b""),
        (200, b""),
        (200, said(cwmp.Reboot("k"), "1")),
        (200, said(cwmp.TransferCompleteResponse(), "1")),
        (200, said(cwmp.Fault(8001, "no"), "1")),
        (200, b"<html/>"),
    ],
)
def test_nothing_but_its_answer_may_follow_an_inform(status: int, body: bytes) -> None:
    session = Session(INFORM, newer=True)
    session.data_to_send()
    with pytest.raises(RemoteProtocolError):
        session.receive_response(status, body)


def test_a_method_that_no_phone_has_is_handed_over_as_a_fault() -> None:
    session = begun()
    session.data_to_send()
    session.receive_response(200, said(INFORM))
    event = session.next_event()
    assert isinstance(event, Called)
    assert isinstance(event.message, CwmpError)
    assert event.message.code == 9000


def test_an_acs_that_never_ends_is_left() -> None:
    session = begun()
    session.data_to_send()
    for _ in range(256):
        session.receive_response(200, said(cwmp.GetRPCMethods()))
        assert session.next_event() == Called(cwmp.GetRPCMethods(), "GetRPCMethods")
        session.answer(cwmp.GetRPCMethodsResponse(()))
        session.data_to_send()
    with pytest.raises(RemoteProtocolError, match="more than 256 methods"):
        session.receive_response(200, said(cwmp.GetRPCMethods()))


@pytest.mark.parametrize(
    ("count", "least", "most"),
    [
        (1, 5, 10),
        (2, 10, 20),
        (3, 20, 40),
        (4, 40, 80),
        (5, 80, 160),
        (6, 160, 320),
        (7, 320, 640),
        (8, 640, 1280),
        (9, 1280, 2560),
        (10, 2560, 5120),
        (11, 2560, 5120),
        (400, 2560, 5120),
    ],
)
def test_retries_wait_as_the_table_of_the_standard_says(count: int, least: int, most: int) -> None:
    """Source: TR-069, table of session retry wait intervals."""
    assert wait(count, 5, 2000, lambda size: bytes(size)) == least
    assert most - 1 < wait(count, 5, 2000, lambda size: b"\xff" * size) < most


def datagram(**change: str) -> bytes:
    fields = {"ts": "1700000000", "id": "7", "un": "acs", "cn": "abc"}
    text = "".join(fields.values())
    fields["sig"] = hmac.new(b"secret", text.encode(), "sha1").hexdigest().upper()
    query = "&".join(f"{key}={value}" for key, value in (fields | change).items())
    return f"GET http://10.0.0.2:7999?{query} HTTP/1.1\r\n\r\n".encode()


def test_a_signed_datagram_is_a_connection_request() -> None:
    found = read_udp(datagram(), "acs", "secret")
    assert found is not None
    assert (found.at, found.id) == (1700000000, "7")


@pytest.mark.parametrize(
    ("data", "user", "password"),
    [
        (datagram(), "acs", "other"),
        (datagram(), "other", "secret"),
        (datagram(), "acs", ""),
        (datagram(ts="1700000001"), "acs", "secret"),
        (datagram(sig=""), "acs", "secret"),
        (datagram(sig="é"), "acs", "secret"),
        (datagram().replace(b"GET", b"PUT"), "acs", "secret"),
        (datagram().replace(b"&cn=abc", b""), "acs", "secret"),
        (b"", "acs", "secret"),
        (b"\xff" * 1500, "acs", "secret"),
        (b"GET ?" + b"a=1&" * 500 + b" HTTP/1.1", "acs", "secret"),
    ],
)
def test_any_other_datagram_is_none(data: bytes, user: str, password: str) -> None:
    assert read_udp(data, user, password) is None
