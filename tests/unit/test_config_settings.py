"""The immutable snapshot of all parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.catalog.values import WebProtocol
from ringfence.config.codecs import Switch
from ringfence.config.settings import (
    ROWS,
    Settings,
    changed,
    decode,
    effective,
    encode,
    slots,
    value,
    virgin,
)


def given_texts(**texts: str) -> Settings:
    settings, errors = decode(texts, virgin())
    assert not errors
    return settings


def test_a_virgin_phone_has_the_defaults_of_11_3() -> None:
    settings = virgin()
    assert settings.system.firewall is Switch.ENABLED
    assert settings.system.web_server_port == 80
    assert settings.provisioning.profile_rule == "/$PSN.xml"
    assert len(settings.ext) == 16
    assert list(changed(Settings(), settings)) == []


def test_a_virgin_phone_of_12_0_serves_its_page_over_https() -> None:
    settings = virgin("12.0")
    assert settings.system.enable_protocol is WebProtocol.HTTPS
    assert settings.system.web_server_port == 443
    assert list(changed(virgin(), settings)) == ["Enable_Protocol", "Web_Server_Port"]


@pytest.mark.proves("CFG-07")
@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ("Web_Server_Port", "70000"),
        ("Firewall", "Perhaps"),
        ("Enable_Web_Server", "Maybe"),
        ("Static_IP", "10.0.0"),
        ("SIP_T1", "soon"),
        ("TLS_Cipher_List", "A" * 522),
        ("Password_1_", "\x07"),
    ],
)
def test_a_refused_value_keeps_the_old_one_and_spares_its_neighbours(bad: str, text: str) -> None:
    base = given_texts(Web_Server_Port="8080", Password_1_="old", SIP_T1="1")
    settings, errors = decode({"Domain": "before", bad: text, "Host_Name": "after"}, base)
    assert [error.parameter for error in errors] == [bad]
    assert errors[0].reason
    assert errors[0].remedy.startswith("allowed: ")
    assert str(errors[0]).count(errors[0].remedy.removeprefix("allowed: ")) == 1
    assert sorted(changed(base, settings)) == ["Domain", "Host_Name"]
    assert value(settings, slots()[bad]) == value(base, slots()[bad])


@pytest.mark.proves("CFG-07")
@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("TLS_Cipher_List", "RSA:BOGUS"),
        ("Firewall_Config", "NO_ICMP_PING, UDP:99999, FLY"),
        ("DHCP_Option_To_Use", "66, 999, x"),
        ("Restricted_Access_Domains", "a.example, *bad*.example"),
    ],
)
def test_a_list_is_stored_as_written_even_with_a_word_that_nobody_knows(
    tag: str, text: str
) -> None:
    assert encode(given_texts(**{tag: text}), tag) == text


def test_a_changed_snapshot_shares_what_did_not_change() -> None:
    base = virgin()
    settings = given_texts(Display_Name_3_="Reception")
    assert settings.system is base.system or settings.system == base.system
    one, _ = decode({"Display_Name_3_": "Reception"}, base)
    assert one.system is base.system
    assert one.ext[3] is base.ext[3]
    assert one.ext[2].display_name == "Reception"
    assert base.ext[2].display_name == ""


def test_an_equal_value_is_no_change() -> None:
    base = virgin()
    settings, errors = decode({"Firewall": "enabled", "SIP_Port_1_": "5060"}, base)
    assert settings is base
    assert not errors


def test_a_snapshot_cannot_be_written_to() -> None:
    with pytest.raises(AttributeError):
        virgin().system.firewall = Switch.DISABLED  # type: ignore[misc]


def test_an_unknown_tag_is_nobody_s_business_here() -> None:
    base = virgin()
    assert decode({"No_Such_Tag": "x"}, base) == (base, [])


@given(st.dictionaries(st.sampled_from(sorted(slots())), st.text(max_size=30), max_size=20))
def test_whatever_is_given_every_tag_is_either_taken_or_refused(texts: dict[str, str]) -> None:
    settings, errors = decode(texts, virgin())
    refused = {error.parameter for error in errors}
    assert refused <= texts.keys()
    assert set(changed(virgin(), settings)) <= texts.keys() - refused
    again = {tag: encode(settings, tag) for tag in slots()}
    assert decode(again, virgin()) == (settings, [])


def test_what_needs_a_boot_keeps_the_booted_value_until_then() -> None:
    booted = given_texts(VPN_Server="old.example.com", Host_Name="old")
    stored, _ = decode({"VPN_Server": "new.example.com", "Host_Name": "new"}, booted)
    now = effective(stored, booted)
    assert now.system.vpn_server == "old.example.com"
    assert now.system.host_name == "new"
    assert effective(stored, stored).system.vpn_server == "new.example.com"


def test_what_takes_effect_at_a_boot_is_the_vlan_and_the_vpn() -> None:
    booted = virgin()
    stored = given_texts(
        IP_Mode="IPv4 Only",
        Connection_Type="Static IP",
        Static_IP="10.0.0.9",
        Enable_VLAN="Yes",
        Connect_on_Bootup="Yes",
        Primary_DNS="10.0.0.53",
        Firewall="Disabled",
    )
    assert list(changed(booted, effective(stored, booted))) == [
        "IP_Mode",
        "Connection_Type",
        "Static_IP",
        "Primary_DNS",
        "Firewall",
    ]


def test_no_secret_shows_in_the_repr_of_the_settings() -> None:
    secrets = {
        tag: f"s3cret-{n}"
        for n, (tag, slot) in enumerate(slots().items())
        if type(slot.row.default).__name__ == "Secret"
    }
    assert len(secrets) >= 45
    assert "s3cret" not in repr(given_texts(**secrets))


def test_the_rows_of_a_tab_are_its_fields_in_page_order() -> None:
    first = [next(iter(rows)) for rows in ROWS.values()]
    assert first[0] == "restricted_access_domains"
    assert list(ROWS) == list(Settings.__struct_fields__)
