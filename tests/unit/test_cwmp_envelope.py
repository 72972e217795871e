"""Messages of CWMP in their envelopes, held against a schema; and what a hostile ACS sends."""

import random

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import NAMESPACES, Envelope, read, write
from ringfence.protocols.cwmp.faults import CwmpError
from tests.support.cwmp_judge import judge

AT = "2026-11-23T03:00:00Z"
VALUE = cwmp.ParameterValueStruct("Device.A", cwmp.Value("a<&>\r\n", "string"))
INFORM = cwmp.Inform(
    cwmp.DeviceIdStruct("Ringfence", "000E08", "CP-8841-3PCC", "88012BA01234"),
    (cwmp.EventStruct("0 BOOTSTRAP"), cwmp.EventStruct("M Reboot", "key")),
    1,
    AT,
    0,
    (VALUE,),
)
MESSAGES = [
    INFORM,
    cwmp.InformResponse(1),
    cwmp.GetRPCMethods(),
    cwmp.GetRPCMethodsResponse(("Reboot",)),
    cwmp.GetParameterNames("Device.", True),
    cwmp.GetParameterNamesResponse((cwmp.ParameterInfoStruct("Device.A", True),)),
    cwmp.GetParameterValues(("Device.A", "Device.")),
    cwmp.GetParameterValuesResponse((VALUE,)),
    cwmp.SetParameterValues((VALUE,), "key"),
    cwmp.SetParameterValuesResponse(1),
    cwmp.GetParameterAttributes(("Device.A",)),
    cwmp.GetParameterAttributesResponse(
        (cwmp.ParameterAttributeStruct("Device.A", 2, ("Subscriber",)),)
    ),
    cwmp.SetParameterAttributes(
        (cwmp.SetParameterAttributesStruct("Device.A", True, 2, False, ()),)
    ),
    cwmp.SetParameterAttributesResponse(),
    cwmp.AddObject("Device.A.", "key"),
    cwmp.AddObjectResponse(1, 0),
    cwmp.DeleteObject("Device.A.1.", "key"),
    cwmp.DeleteObjectResponse(1),
    cwmp.Download("key", "1 Firmware Upgrade Image", "https://pv.telco.test/i"),
    cwmp.DownloadResponse(1, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    cwmp.TransferComplete("key", cwmp.FaultStruct(9010, "why"), AT, AT),
    cwmp.TransferCompleteResponse(),
    cwmp.Reboot("key"),
    cwmp.RebootResponse(),
    cwmp.FactoryReset(),
    cwmp.FactoryResetResponse(),
    cwmp.ScheduleInform(60, "key"),
    cwmp.ScheduleInformResponse(),
    cwmp.Fault(9003, "x", (cwmp.SetParameterValuesFault("Device.A", 9007, "y"),)),
]
RECORDED = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/"
 xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:ns="urn:dslforum-org:cwmp-1-0"><SOAP-ENV:Header>
 <ns:ID SOAP-ENV:mustUnderstand="1"> 17a </ns:ID><ns:HoldRequests>true</ns:HoldRequests>
 </SOAP-ENV:Header><SOAP-ENV:Body>%s</SOAP-ENV:Body></SOAP-ENV:Envelope>"""
SET = """<ns:SetParameterValues><ParameterList SOAP-ENC:arrayType="ns:ParameterValueStruct[1]">
 <ParameterValueStruct><Name>Device.A</Name><Value i:type="x:unsignedInt">5</Value>
 </ParameterValueStruct></ParameterList><ParameterKey/></ns:SetParameterValues>"""


@pytest.mark.proves("TR-05")
@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_every_message_keeps_to_the_schema_and_reads_back_as_it_was(message: cwmp.Message) -> None:
    for namespace in NAMESPACES:
        data = write(Envelope(message, "7", namespace))
        assert judge(data) == type(message).__name__
        envelope = read(data)
        assert envelope.message == message
        assert envelope.id == "7"
        assert envelope.method == type(message).__name__


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("<OUI>000E08", "<OUI>000e08"),
        ("EventStruct[2]", "EventStruct[3]"),
        ("<EventCode>0 BOOTSTRAP", "<EventCode>BOOTSTRAP"),
        ("<RetryCount>0</RetryCount>", ""),
        ("xsd:string", "xsd:unsignedInt"),
        (AT, "yesterday"),
        (' soap:mustUnderstand="1"', ""),
        ("cwmp:EventStruct", "xsd:EventStruct"),
        ("<CommandKey>key", f"<CommandKey>{'k' * 33}"),
        ("</DeviceId>", "</DeviceId><Extra/>"),
        ("<cwmp:Inform>", "<Inform>"),
    ],
)
def test_the_judge_sees_what_is_wrong(now: str, then: str) -> None:
    text = write(Envelope(INFORM, "7")).decode()
    judge(text.encode())
    assert now in text
    wrong = text.replace(now, then, 1)
    if now == "<cwmp:Inform>":
        wrong = wrong.replace("</cwmp:Inform>", "</Inform>")
    with pytest.raises(AssertionError):
        judge(wrong.encode())


def test_every_message_that_there_is_was_held_against_the_schema() -> None:
    assert {type(one).__name__ for one in MESSAGES} == set(cwmp.MESSAGES)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_each_version_of_cwmp_is_read(namespace: str) -> None:
    assert read(write(Envelope(cwmp.Reboot("k"), "1", namespace))).namespace == namespace


def test_an_envelope_with_prefixes_of_another_hand_is_read() -> None:
    envelope = read((RECORDED % SET).encode())
    assert (envelope.id, envelope.hold_requests) == ("17a", True)
    (value,) = envelope.message.parameter_list  # type: ignore[union-attr]
    assert value == cwmp.ParameterValueStruct("Device.A", cwmp.Value("5", "unsignedInt"))


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("<ns:Unheard/>", 9000),
        ("<ns:Reboot/>", 9003),
        (
            "<ns:ScheduleInform><DelaySeconds>soon</DelaySeconds><CommandKey/></ns:ScheduleInform>",
            9003,
        ),
        (
            "<ns:GetParameterNames><ParameterPath/><NextLevel>2</NextLevel></ns:GetParameterNames>",
            9003,
        ),
        (
            "<ns:SetParameterValues><ParameterList><a/></ParameterList></ns:SetParameterValues>",
            9003,
        ),
    ],
)
def test_a_method_that_cannot_be_read_is_a_fault(method: str, code: int) -> None:
    said = read((RECORDED % method).encode()).message
    assert isinstance(said, CwmpError)
    assert said.code == code


BOMB = '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        b"no XML",
        b"\xff\xfe\x00",
        BOMB.encode() + (RECORDED % SET).partition("?>")[2].encode(),
        (RECORDED % "").encode(),
        (RECORDED % "<Reboot/>").encode(),
        (RECORDED % SET).replace("cwmp-1-0", "cwmp-2-0").encode(),
        (RECORDED % SET)
        .replace("ns:HoldRequests>", 'ns:Other SOAP-ENV:mustUnderstand="1">', 1)
        .replace("</ns:HoldRequests", "</ns:Other")
        .encode(),
        (RECORDED % ("<a>" * 20 + "</a>" * 20)).encode(),
        (RECORDED % ("<a/>" * 50_000)).encode(),
        (RECORDED % ("<a>" + " " * (1 << 20) + "</a>")).encode(),
        (RECORDED % SET).replace("UTF-8", "x-nobody-knows").encode(),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(data)


def test_ten_thousand_mutated_envelopes_do_nothing_but_be_refused() -> None:
    dice = random.Random(69)
    seeds = [write(Envelope(one, "1")) for one in MESSAGES] + [(RECORDED % SET).encode()]
    for _ in range(10_000):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(data))
            kind = dice.randrange(4)
            if kind == 0:
                data[at] = dice.randrange(256)
            elif kind == 1:
                del data[at : at + dice.randrange(40)]
            elif kind == 2:
                data[at:at] = data[at : at + dice.randrange(60)]
            else:
                data[at:at] = dice.choice((b"<", b">", b"&", b'"', b"9" * 30, b"\0", b"</", b"]]>"))
        try:
            envelope = read(bytes(data))
        except RemoteProtocolError:
            continue
        assert isinstance(envelope.message, cwmp.Message | CwmpError)
