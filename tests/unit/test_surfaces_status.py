from xml.etree import ElementTree

from ringfence.features.discovery.report import discovery_rows
from ringfence.messages.language import named
from ringfence.protocols.discovery import Discovery, Heard
from ringfence.protocols.neighbour import Neighbour
from ringfence.runtime.outcome import Outcome
from ringfence.runtime.state import Health, Status
from ringfence.surfaces.status import labelled, sections, to_xml

STATUSES = {
    "firewall": Status(Health.RUNNING, (("UDP Ports", "68, 546"),)),
    "net": Status(
        Health.PENDING, (("Reason", "no <answer> & more\x07"),), title="IPv4 Information"
    ),
}


def test_every_feature_has_a_section_in_order() -> None:
    shown = sections(STATUSES)
    assert [(s.name, s.title, s.health) for s in shown] == [
        ("firewall", "Firewall", Health.RUNNING),
        ("net", "IPv4 Information", Health.PENDING),
    ]
    assert shown[0].rows == (("UDP Ports", "68, 546"),)


def test_xml_reads_back_and_has_no_illegal_character() -> None:
    root = ElementTree.fromstring(to_xml(sections(STATUSES)))
    assert [(s.get("name"), s.get("health")) for s in root] == [
        ("firewall", "Running"),
        ("net", "Pending"),
    ]
    assert root[1][0].text == "no <answer> & more\ufffd"


def test_xml_survives_every_character_a_peer_may_send() -> None:
    nasty = "".join(map(chr, [*range(0x20), 0x7F, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F600]))
    shown = sections({"x": Status(Health.FAILED, ((nasty, nasty),))})
    assert len(ElementTree.fromstring(to_xml(shown))[0]) == 1


def test_a_label_that_is_filled_in_is_turned_with_what_fills_it() -> None:
    german = named("German")
    heard = Discovery(cdp=False, lldp_med=True, delay=0)
    heard.receive_carrier(True, 0)
    heard.receive_heard(Heard((Neighbour("LLDP", "switch", "p1", 120, b"k"),)), 1)
    switch = discovery_rows(heard, None, applied=True)
    rows = (*Outcome(0.0, "https://xsi.telco.test").rows("XSI"), switch[0])
    said = [german.say(label) for label, _ in labelled(rows)]
    assert said == ["XSI-Server", "XSI zuletzt", "LLDP-Nachbar"]
