"""Envelopes in the manners of other implementations, as their public records show them.

Written anew: prefixes, attributes, order and white space are those of the others, values are not.
"""

from typing import Any

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import Envelope, read, write
from ringfence.protocols.cwmp.session import Called, Session
from ringfence.provider.acs.desk import Desk
from ringfence.provider.acs.desk import Session as AcsSession

SPACES = (
    'xmlns:{0}="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:{1}="http://schemas.xmlsoap.org/soap/encoding/" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-{2}"'
)
ROUTER = f"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope {SPACES.format("SOAP-ENV", "SOAP-ENC", 0)}>
  <SOAP-ENV:Header>
    <cwmp:ID xsi:type="xsd:string"
      SOAP-ENV:mustUnderstand="1">ID:intrnl.unset.Inform.77.163</cwmp:ID>
    <cwmp:NoMoreRequests>0</cwmp:NoMoreRequests>
  </SOAP-ENV:Header>
  <SOAP-ENV:Body SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
    <cwmp:Inform>
      <DeviceId xsi:type="cwmp:DeviceIdStruct">
        <Manufacturer xsi:type="xsd:string">Example &amp; Co., Ltd.</Manufacturer>
        <OUI xsi:type="xsd:string">0A0B0C</OUI>
        <ProductClass xsi:type="xsd:string">Box 9</ProductClass>
        <SerialNumber xsi:type="xsd:string">77-99</SerialNumber>
      </DeviceId>
      <Event SOAP-ENC:arrayType="cwmp:EventStruct[2]">
        <EventStruct><EventCode xsi:type="xsd:string">1 BOOT</EventCode><CommandKey/></EventStruct>
        <EventStruct><EventCode>M Reboot</EventCode><CommandKey>k</CommandKey></EventStruct>
      </Event>
      <MaxEnvelopes xsi:type="xsd:unsignedInt">1</MaxEnvelopes>
      <CurrentTime>2015-01-21T14:46:07</CurrentTime>
      <RetryCount>3</RetryCount>
      <ParameterList SOAP-ENC:arrayType="cwmp:ParameterValueStruct[1]">
        <ParameterValueStruct>
          <Name xsi:type="string">InternetGatewayDevice.ManagementServer.ConnectionRequestURL</Name>
          <Value xsi:type="string">http://192.0.2.7:7547/x</Value>
        </ParameterValueStruct>
      </ParameterList>
    </cwmp:Inform>
  </SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""
"""A router of the first version; types on every element, a time without a zone."""


def test_our_acs_hears_a_router_of_another_make() -> None:
    desk = Desk(lambda: 7.0)
    answer = read(AcsSession(desk, "192.0.2.7", "").receive(ROUTER.encode()))
    assert answer.message == cwmp.InformResponse(1)
    assert answer.id == "ID:intrnl.unset.Inform.77.163"
    assert answer.namespace == "urn:dslforum-org:cwmp-1-0"
    (device,) = desk.devices.values()
    assert (device.id, device.product) == ("0A0B0C-77-99", "Box 9")
    assert device.events == ("1 BOOT", "M Reboot")
    assert device.request_url == "http://192.0.2.7:7547/x"


INFORM = cwmp.Inform(
    cwmp.DeviceIdStruct("R", "000E08", "P", "S"), (cwmp.EventStruct("1 BOOT"),), 1, "now", 0, ()
)
ANSWER = (
    f"<soap-env:Envelope {SPACES.format('soap-env', 'soap-enc', 2)}>"
    '<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header>'
    "<soap-env:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"
    "</soap-env:Body></soap-env:Envelope>"
)
SET = f"""<?xml version='1.0' encoding='ISO-8859-1'?>
<!-- an ACS in Java -->
<S:Envelope {SPACES.format("S", "E", 0)}><S:Header>
  <cwmp:ID S:mustUnderstand="1">{{}}</cwmp:ID>
  <cwmp:HoldRequests S:mustUnderstand="1">false</cwmp:HoldRequests>
  <cwmp:SessionTimeout S:mustUnderstand="0">40</cwmp:SessionTimeout>
</S:Header><S:Body E:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
  <cwmp:SetParameterValues>
    <ParameterList xsi:type="E:Array" E:arrayType="cwmp:ParameterValueStruct[2]">
      <ParameterValueStruct xsi:type="cwmp:ParameterValueStruct">
        <Name xsi:type="xsd:string">Device.A</Name>
        <Value xsi:type="xsd:string"><![CDATA[M\xfcller <&>]]></Value>
      </ParameterValueStruct>
      <ParameterValueStruct><Name>Device.B</Name><Value>5</Value></ParameterValueStruct>
    </ParameterList>
    <ParameterKey xsi:type="xsd:string"></ParameterKey>
  </cwmp:SetParameterValues>
</S:Body></S:Envelope>"""
"""CDATA, comments, Latin-1, a header of 1.4, a value of no type."""


def heard(text: str) -> tuple[Session, Any]:
    session = Session(INFORM, newer=True)
    session.data_to_send()
    session.receive_response(200, ANSWER.encode())
    session.next_event()
    session.data_to_send()
    session.receive_response(200, text.encode("latin-1"))
    event = session.next_event()
    assert isinstance(event, Called)
    return session, event.message


def test_the_phone_hears_an_acs_of_another_make() -> None:
    number = f"acs-{'7' * 120}"
    session, said = heard(SET.format(number))
    assert [(one.name, one.value) for one in said.parameter_list] == [
        ("Device.A", cwmp.Value("Müller <&>", "string")),
        ("Device.B", cwmp.Value("5", "")),
    ]
    session.answer(cwmp.SetParameterValuesResponse(0))
    assert read(session.data_to_send()).id == number, "the whole of it comes back"


def test_an_id_that_has_no_end_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="an ID of 300 characters"):
        heard(SET.format("7" * 300))


def test_a_fault_in_other_words_is_a_fault() -> None:
    text = write(Envelope(cwmp.Fault(9005, "no such"), "1")).decode()
    text = text.replace("soap:Client", "Client").replace("CWMP fault", "CWMP  Fault")
    found = read(text.replace("<detail>", "<faultactor/><detail>\n ").encode())
    assert found.message == cwmp.Fault(9005, "no such")
