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


def test_exact_only_counts_here_too() -> None:
    texts = {"Restricted_Access_Domains": LIST, "Proxy_1_": "sip.telco.net"}
    assert verdicts(**texts) == {"Proxy_1_ sip.telco.net": True}
    assert verdicts(RF_Restricted_Domains_Exact_Only="Yes", **texts) == {
        "Proxy_1_ sip.telco.net": False
    }


def test_the_backup_acs_is_judged_once_it_may_be_called() -> None:
    texts = {"Restricted_Access_Domains": LIST, "BACKUP_ACS_URL": "https://acs2.evil.net"}
    managed = {**texts, "Enable_TR-069": "Yes"}
    assert verdicts(**managed) == {}
    assert verdicts(**texts, **{"TR-069_Fallback_Support": "Yes"}) == {}
    used = {**managed, "TR-069_Fallback_Support": "Yes"}
    assert verdicts(**used) == {"BACKUP_ACS_URL acs2.evil.net": False}


def test_the_acs_is_judged_while_it_manages_the_phone_and_reports_where_asked() -> None:
    texts = {
        "Restricted_Access_Domains": LIST,
        "ACS_URL": "https://acs.evil.net:7547",
        "PRT_Upload_Rule": "https://prt.evil.net/up",
    }
    assert verdicts(**texts) == {}
    texts |= {"Enable_TR-069": "Yes", "RF_Restricted_Domains_Cover_Reports": "Yes"}
    assert verdicts(**texts) == {
        "PRT_Upload_Rule prt.evil.net": False,
        "ACS_URL acs.evil.net": False,
    }


def test_credentials_of_a_url_are_not_shown() -> None:
    (server,) = servers(
        settings(Profile_Rule="https://pv.telco.net/x?token=s3cret&mac=$MA"), MACROS
    )
    assert server.url == "https://pv.telco.net:443/x?token=***&mac=000e08abcdef"
    (server,) = servers(settings(Profile_Rule="https://bob:s3cret@pv.telco.net/x"), MACROS)
    assert "s3cret" not in server.url + server.reason


def test_what_is_no_server_is_not_put_down_to_the_list() -> None:
    for rule in ("https://bob@pv.telco.net/x", "https://pv.telco.net/a b", "ftp://pv.telco.net/x"):
        found = findings(settings(Profile_Rule=rule, Proxy_1_="sip.telco.net:0"), MACROS)
        assert [(one.rule, one.tag) for one in found] == [
            ("server-unreadable", "Profile_Rule"),
            ("server-unreadable", "Proxy_1_"),
        ]


def test_an_alternative_that_only_assigns_names_no_server() -> None:
    assert verdicts(Profile_Rule='("a" = "a")? (GPP_A = "b";)! | https://pv.telco.net/x') == {
        "Profile_Rule pv.telco.net": True
    }
