"""Which ACS the phone calls, when, and what ours makes of its calls."""

from typing import Any

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.errors import RemoteProtocolError
from ringfence.features.tr069 import show
from ringfence.features.tr069.engine import Engine, Timing
from ringfence.features.tr069.plan import Tr069Plan, plan
from ringfence.policy.applications import NameCheck
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import Envelope, read, write
from ringfence.provider.acs.desk import Desk, Session, Task
from ringfence.provider.acs.orders import Order, ended, message_of
from ringfence.provider.acs.page import page
from ringfence.runtime.state import Facts

ON = {"Enable_TR-069": "Yes", "Connection_Type": "Static IP", "Static_IP": "10.0.0.2"}
ACS = {"ACS_URL": "https://acs.test:7547"}
BACKUP = {"BACKUP_ACS_URL": "https://b.test/", "BACKUP_ACS_User": "u"}


def planned(**texts: str) -> Tr069Plan:
    settings, errors = decode(ON | texts, Settings())
    assert errors == []
    return plan(settings, Facts()).plans[""]


def test_nothing_is_planned_while_tr_069_is_off() -> None:
    assert plan(Settings(), Facts()).plans == {}


def test_the_backup_counts_only_where_fallback_is_on() -> None:
    assert [one.url for one in planned(**ACS, **BACKUP).servers] == ["https://acs.test:7547"]
    both = planned(**ACS, **BACKUP, **{"TR-069_Fallback_Support": "Yes"}).servers
    assert [(one.url, one.user) for one in both] == [
        ("https://acs.test:7547", "admin"),
        ("https://b.test/", "u"),
    ]


def test_explain_says_whom_the_phone_calls_and_where_it_is_called() -> None:
    assert show(planned(**ACS)) == (
        "ACS https://acs.test:7547, named by ACS_URL\n"
        "connection requests at TCP of 8000 to 9999 and UDP 7999, by digest"
    )


def test_the_acs_in_use_stays_where_dhcp_is_not_asked_at_every_start() -> None:
    kept = {"ACS_URL_In_Use": "https://old.test/"}
    assert planned(**kept).servers == ()
    assert planned(**kept).waiting
    (only,) = planned(**kept, **{"TR-069_DHCPOption_Init": "No"}).servers
    assert (only.url, only.named_by) == ("https://old.test/", "ACS_URL_In_Use")


def test_switches_decide_on_versions_times_and_the_name_check_stays() -> None:
    made = planned(**ACS)
    assert (made.interval, made.newer, made.trace) == (20, True, False)
    assert made.reach.tls.names is NameCheck.STANDARD
    off = {"Periodic_Inform_Enable": "No", "CWMP_V1.2_Support": "No", "TR-069_Traceability": "Yes"}
    made = planned(**ACS, **off)
    assert (made.interval, made.newer, made.trace) == (None, False, True)


def test_a_url_that_cannot_be_read_is_a_finding() -> None:
    settings, _ = decode(ON | {"ACS_URL": "https://acs.test:99999/"}, Settings())
    decided = plan(settings, Facts())
    assert decided.plans[""].servers == ()
    assert [one.rule for one in decided.findings] == ["acs-url-invalid"]


def test_failures_wait_longer_each_time_and_a_request_does_not() -> None:
    engine = Engine(bytes)
    engine.receive_timing(Timing(None), 0.0)
    assert engine.is_free(0.0)
    engine.receive_result(good=False, now=0.0)
    assert (engine.is_free(4.9), engine.is_free(5.0)) == (False, True)
    engine.receive_result(good=False, now=5.0)
    assert engine.get_timer(wanted=True) == 15.0
    assert engine.get_timer(wanted=False) is None
    engine.receive_request()
    assert engine.is_free(5.0)
    assert engine.failures == 2
    engine.receive_result(good=True, now=6.0)
    assert engine.failures == 0


def test_a_periodic_call_comes_a_whole_interval_after_the_last_one() -> None:
    engine = Engine(bytes)
    engine.receive_timing(Timing(20), 100.0)
    assert engine.get_timer(wanted=False) == 120.0
    assert not engine.is_periodic(119.9)
    assert engine.is_periodic(120.0)
    assert not engine.is_periodic(120.1)
    engine.receive_result(good=True, now=125.0)
    assert engine.get_timer(wanted=False) == 145.0
    engine.receive_timing(Timing(None), 126.0)
    assert engine.get_timer(wanted=False) is None


INFORM = cwmp.Inform(
    cwmp.DeviceIdStruct("R", "000E08", "P", "S1"), (cwmp.EventStruct("1 BOOT"),), 1, "now", 0, ()
)


def said(message: cwmp.Message) -> bytes:
    return write(Envelope(message, "5"))


def test_the_acs_gives_a_task_after_the_empty_post_and_ends_with_nothing() -> None:
    desk = Desk(lambda: 7.0)
    told: list[dict[str, Any]] = []
    session = Session(desk, "10.0.0.2", "Digest phone")
    answer = read(session.receive(said(INFORM)))
    assert (answer.id, answer.message) == ("5", cwmp.InformResponse(1))
    device = desk.device("")
    assert device is not None
    assert device.id == "000E08-S1"
    device.tasks.append(Task(message_of(Order("get", names=("Device.A",)), {}), told.append))
    asked = read(session.receive(b"")).message
    assert asked == cwmp.GetParameterValues(("Device.A",))
    value = cwmp.ParameterValueStruct("Device.A", cwmp.Value("1", "boolean"))
    assert session.receive(said(cwmp.GetParameterValuesResponse((value,)))) == b""
    assert told[0]["method"] == "GetParameterValues"
    made: Any = message_of(Order("set", names=("Device.A=0",)), device.types)
    assert made.parameter_list[0].value == cwmp.Value("0", "boolean")


def test_a_task_that_was_not_answered_is_given_again() -> None:
    desk = Desk(lambda: 7.0)
    session = Session(desk, "10.0.0.2", "")
    session.receive(said(INFORM))
    device = desk.device("000E08-S1")
    assert device is not None
    device.tasks.append(Task(cwmp.Reboot("k"), lambda _: None))
    session.receive(b"")
    assert not device.tasks
    session.lost()
    assert [task.message for task in device.tasks] == [cwmp.Reboot("k")]


@pytest.mark.parametrize("data", [b"", b"<a/>", said(cwmp.TransferCompleteResponse())])
def test_a_session_begins_with_an_inform(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Session(Desk(lambda: 7.0), "10.0.0.2", "").receive(data)


def test_how_a_download_came_out_is_told_in_words() -> None:
    """On the page and in `informs`."""
    desk = Desk(lambda: 7.0)
    session = Session(desk, "10.0.0.2", "Digest phone")
    session.receive(said(INFORM))
    for fault in (cwmp.FaultStruct(), cwmp.FaultStruct(9016, "HTTP status 404 <b>")):
        session.receive(said(cwmp.TransferComplete("k1", fault, "a", "b")))
    assert [ended(one.told) for one in desk.log] == [
        "",
        "k1: done",
        "k1: fault 9016: HTTP status 404 <b>",
    ]
    assert "<td>k1: fault 9016: HTTP status 404 &lt;b&gt;</td>" in page(desk)
    assert "None yet." in page(Desk(lambda: 7.0))
