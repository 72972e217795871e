"""Which servers a configuration names, and which of them the phone will not talk to."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.policy.servers import findings, servers

MACROS = {"MA": "000e08abcdef", "PSN": "8841"}


def settings(**texts: str) -> Settings:
    changed, errors = decode(texts, Settings())
    assert not errors
    return changed


def verdicts(**texts: str) -> dict[str, bool]:
    texts = {"Profile_Rule": "", **texts}
    return {f"{s.parameter} {s.host}": s.allowed for s in servers(settings(**texts), MACROS)}


LIST = "telco.net, voip.example"


@pytest.mark.proves("RAD-01")
@pytest.mark.parametrize(
    "tag",
    [
        "Profile_Rule",
        "Profile_Rule_B",
        "Profile_Rule_C",
        "Profile_Rule_D",
        "Upgrade_Rule",
        "Cisco_Headset_Upgrade_Rule",
        "Report_Rule",
        "Custom_CA_Rule",
    ],
)
def test_every_rule_of_the_chapters_list_is_judged(tag: str) -> None:
    for host, allowed in (("pv.telco.net", True), ("pv.evil.net", False)):
        texts = {"Restricted_Access_Domains": LIST, tag: f"https://{host}/$MA.xml"}
        assert verdicts(**texts) == {f"{tag} {host}": allowed}


@pytest.mark.parametrize(
    "tag",
    ["Proxy_2_", "Outbound_Proxy_2_", "Alternate_Proxy_2_", "Alternate_Outbound_Proxy_2_"],
)
def test_every_proxy_of_an_enabled_line_is_judged(tag: str) -> None:
    texts = {"Restricted_Access_Domains": LIST, tag: "sip.evil.net:5061"}
    assert verdicts(**texts) == {f"{tag} sip.evil.net": False}
    assert verdicts(Line_Enable_2_="No", **texts) == {}


def test_a_static_server_list_is_judged_name_by_name() -> None:
    text = "a.telco.net:5060:p=1|b.evil.net:p=2:A=10.0.0.1,10.0.0.2"
    assert verdicts(Restricted_Access_Domains=LIST, Proxy_1_=text) == {
        "Proxy_1_ a.telco.net": True,
        "Proxy_1_ b.evil.net": False,
    }


def test_an_empty_list_restricts_nothing() -> None:
    assert verdicts(Profile_Rule="https://pv.evil.net/x") == {"Profile_Rule pv.evil.net": True}


def test_a_rule_without_server_is_judged_when_dhcp_names_one() -> None:
    assert verdicts(Restricted_Access_Domains=LIST, Profile_Rule="/$PSN.xml") == {
        "Profile_Rule ": True
    }


def test_a_list_that_shuts_out_the_profile_server_stands_out() -> None:
    found = findings(
        settings(Restricted_Access_Domains=LIST, Profile_Rule="https://pv.evil.net/$MA.xml"),
        MACROS,
    )
    assert [(one.rule, one.tag) for one in found] == [("domains-lock-out", "Profile_Rule")]
    assert "https://pv.evil.net:443/000e08abcdef.xml" in found[0].message
    assert "domain not allowed: pv.evil.net" in found[0].message
