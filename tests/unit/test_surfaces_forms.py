import re
from collections import Counter
from collections.abc import Mapping

import pytest

from ringfence.config.parameter import Access, Effect, Level, Status
from ringfence.config.settings import Settings, slots
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.surfaces import forms
from ringfence.surfaces.forms import NOTHING, Draft, Field, Kind, Tab

SECRETS = {
    "Admin_Password": "Canary-admin-1",
    "User_Password": "Canary-user-1",
    "VPN_Password": "Canary-vpn-1",
    "Proxy_Password": "Canary-proxy-1",
    "LDAP_Password": "Canary-ldap-1",
    "Password_1_": "Canary-line-1",
}


def snapshot(texts: Mapping[str, str] = {}, access: Mapping[str, Access] = {}) -> Snapshot:
    wanted = {tag: Change(texts.get(tag), access.get(tag)) for tag in {*texts, *access}}
    made, errors = submit(Snapshot(Settings()), wanted, Origin.PROFILE)
    assert errors == []
    return made


def shown(held: Snapshot, level: Level = Level.ADMIN) -> dict[str, Field]:
    return {
        field.tag: field
        for tab in tabs(held, level)
        for section in tab.sections
        for field in section.fields
    }


def tabs(held: Snapshot, level: Level, draft: Draft = NOTHING) -> list[Tab]:
    return [forms.tab(held, found, level, draft) for found in forms.places(held, level)]


def place(title: str, section: str, label: str) -> str:
    """Return the tag that stands under a label of the chapter."""
    [found] = [
        field.tag
        for tab in tabs(snapshot(), Level.ADMIN)
        if tab.place.title == title
        for held in tab.sections
        if held.title == section
        for field in held.fields
        if field.label == label
    ]
    return found


# --- What is where ---


def test_every_parameter_that_is_not_hidden_stands_on_exactly_one_tab() -> None:
    tags = [
        field.tag
        for tab in tabs(snapshot(), Level.ADMIN)
        for section in tab.sections
        for field in section.fields
    ]
    hidden = {tag for tag, slot in slots().items() if slot.row.hidden}
    assert {tag: count for tag, count in Counter(tags).items() if count > 1} == {}
    assert set(tags) == set(slots()) - hidden
    assert {"GPP_SA", "IKM_HTTP_Encrypt_Content"} <= hidden


@pytest.mark.proves("WEB-01")
@pytest.mark.parametrize(
    ("title", "section", "label", "tag"),
    [
        (
            "System",
            "System Configuration",
            "Restricted Access Domains",
            "Restricted_Access_Domains",
        ),
        ("System", "Security Settings", "Firewall", "Firewall"),
        ("System", "Security Settings", "Firewall Options", "Firewall_Config"),
        ("System", "Security Settings", "TLS Cipher List", "TLS_Cipher_List"),
        ("System", "HTTP Proxy Settings", "Proxy Mode", "Proxy_Mode"),
        (
            "System",
            "HTTP Proxy Settings",
            "Use Auto Discovery (WPAD)",
            "Use_Auto_Discovery__WPAD_",
        ),
        ("System", "VPN Settings", "VPN Server", "VPN_Server"),
        ("System", "VPN Settings", "Connect on Bootup", "Connect_on_Bootup"),
        ("System", "IPv6 Settings", "Broadcast Echo", "Broadcast_Echo"),
        ("Provisioning", "Configuration Profile", "DHCP Option To Use", "DHCP_Option_To_Use"),
        ("Phone", "LDAP", "StartTLS Enable", "LDAP_StartTLS_Enable"),
        ("Ext 1", "SIP Settings", "Auth INVITE", "Auth_INVITE_1_"),
        ("Ext 16", "SIP Settings", "SIP Transport", "SIP_Transport_16_"),
        ("Ext 2", "SIP Settings", "MediaSec Request", "MediaSec_Request_2_"),
        ("Ext 3", "Proxy and Registration", "TLS Name Validate", "TLS_Name_Validate_3_"),
    ],
)
def test_the_labels_of_the_chapter_are_where_it_says(
    title: str, section: str, label: str, tag: str
) -> None:
    assert place(title, section, label) == tag


def test_tabs_come_in_the_order_of_the_page() -> None:
    titles = [found.title for found in forms.places(snapshot(), Level.ADMIN)]
    assert titles[:3] == ["System", "SIP", "Provisioning"]
    assert titles[-1] == "TR-069"
    assert [t for t in titles if t.startswith("Ext")] == [f"Ext {n}" for n in range(1, 17)]


def test_a_field_tells_everything_about_its_parameter() -> None:
    field = shown(snapshot({"SIP_Transport_3_": "tls"}))["SIP_Transport_3_"]
    assert (field.label, field.kind, field.text) == ("SIP Transport", Kind.LIST, "TLS")
    assert field.choices == ("UDP", "TCP", "TLS", "Auto")
    assert (field.default, field.origin, field.editable) == ("UDP", Origin.PROFILE, True)


def test_numbers_lists_and_texts_get_their_own_controls() -> None:
    fields = shown(snapshot())
    kinds = {tag: fields[tag].kind for tag in ("Web_Server_Port", "Firewall", "Firewall_Config")}
    assert kinds == {
        "Web_Server_Port": Kind.NUMBER,
        "Firewall": Kind.LIST,
        "Firewall_Config": Kind.TEXT,
    }
    assert fields["Web_Server_Port"].allowed == "1–65535"


def test_a_field_says_when_it_takes_effect_and_whether_anything_obeys_it() -> None:
    fields = shown(snapshot())
    assert fields["VPN_Server"].effect is Effect.REBOOT
    assert fields["Firewall"].status is Status.OBEYED
    assert fields["Enable_SSLv3"].status is Status.NEVER


# --- Secrets ---


@pytest.mark.parametrize("level", list(Level))
def test_no_secret_is_in_any_form(level: Level) -> None:
    held = snapshot(SECRETS, dict.fromkeys(SECRETS, Access.WRITE))
    edits = {tag: f"Edited-{text}" for tag, text in SECRETS.items()}
    made = repr(tabs(held, level, Draft(edits)) + tabs(held, level))
    assert "Canary" not in made
    assert "'User_Password'" in made


def test_a_secret_says_only_whether_it_is_set() -> None:
    fields = shown(snapshot({"VPN_Password": "Canary-vpn-1"}))
    assert (fields["VPN_Password"].kind, fields["VPN_Password"].text) == (Kind.SECRET, "")
    assert fields["VPN_Password"].filled is True
    assert fields["Proxy_Password"].filled is False


def test_the_password_of_an_account_can_be_changed_but_not_cleared() -> None:
    fields = shown(snapshot({**SECRETS, "User_Password": ""}))
    assert [fields[tag].clearable for tag in ("VPN_Password", "Admin_Password")] == [True, False]
    assert fields["User_Password"].clearable is False


def test_an_empty_secret_is_unchanged_unless_it_is_cleared() -> None:
    held = snapshot({"VPN_Password": "Canary-vpn-1"})
    assert forms.changes({"VPN_Password": ""}, held, Level.ADMIN) == {}
    cleared = forms.changes({"VPN_Password": "", "clear:VPN_Password": "on"}, held, Level.ADMIN)
    assert cleared == {"VPN_Password": Change("")}
    typed = forms.changes({"VPN_Password": "new"}, held, Level.ADMIN)
    assert typed == {"VPN_Password": Change("new")}


# --- What a form may change ---


def test_only_what_differs_is_a_change() -> None:
    held = snapshot({"Host_Name": "desk"})
    data = {"Host_Name": "desk ", "Domain": "example.com", "Web_Server_Port": "80"}
    assert forms.changes(data, held, Level.ADMIN) == {"Domain": Change("example.com")}


def test_a_field_left_alone_does_not_undo_a_resync() -> None:
    before = snapshot({"Domain": "old.example"})
    after = snapshot({"Domain": "new.example"})
    data = {"Domain": "old.example", "Host_Name": "desk"}
    assert forms.changes(data, after, Level.ADMIN, before) == {"Host_Name": Change("desk")}


def test_unknown_and_hidden_entries_are_passed_over() -> None:
    data = {"csrf": "1", "do": "submit", "No_Such": "1", "GPP_SA": "secret", "clear:GPP_SA": "on"}
    assert forms.changes(data, snapshot(), Level.ADMIN) == {}


def test_what_the_phone_writes_itself_is_read_only_for_the_administrator() -> None:
    fields = shown(snapshot())
    assert fields["ACS_URL_In_Use"].editable is False
    assert forms.changes({"ACS_URL_In_Use": "http://x"}, snapshot(), Level.ADMIN) == {}


@pytest.mark.parametrize(
    ("access", "visible", "editable"),
    [(Access.NONE, False, False), (Access.READ, True, False), (Access.WRITE, True, True)],
)
def test_the_user_sees_and_edits_what_ua_allows(
    access: Access, visible: bool, editable: bool
) -> None:
    held = snapshot(access={"VPN_Server": access})
    fields = shown(held, Level.USER)
    assert ("VPN_Server" in fields) is visible
    assert visible is False or fields["VPN_Server"].editable is editable
    wanted = forms.changes({"VPN_Server": "vpn.example"}, held, Level.USER)
    assert ("VPN_Server" in wanted) is editable


def test_ua_never_gives_the_user_a_parameter_of_the_administrator() -> None:
    held = snapshot(access={"Firewall": Access.WRITE, "Admin_Password": Access.WRITE})
    assert {"Firewall", "Admin_Password"} & set(shown(held, Level.USER)) == set()
    data = {"Firewall": "Disabled", "Admin_Password": "Correct-horse-1"}
    assert forms.changes(data, held, Level.USER) == {}


def test_the_user_finds_no_tab_that_would_be_empty() -> None:
    titles = {found.title for found in forms.places(snapshot(), Level.USER)}
    assert "System" in titles
    assert "Provisioning" not in titles


# --- Between two submissions ---


def test_edits_and_refusals_lie_over_the_stored_values() -> None:
    held = snapshot({"Host_Name": "desk"})
    tab = forms.tab(
        held,
        forms.PLACES["system"],
        Level.ADMIN,
        Draft({"Web_Server_Port": "99999999"}, {"Web_Server_Port": "expected 1–65535"}),
    )
    fields = {field.tag: field for section in tab.sections for field in section.fields}
    port = fields["Web_Server_Port"]
    assert (port.text, port.pending, port.error) == ("99999999", True, "expected 1–65535")
    assert (fields["Host_Name"].pending, fields["Host_Name"].error) == (False, "")


def test_a_draft_grows_from_tab_to_tab_and_forgets_what_was_put_back() -> None:
    held = snapshot()
    first = forms.kept(NOTHING, {"Host_Name": "desk", "Domain": ""}, held, Level.ADMIN)
    second = forms.kept(first, {"User_ID_1_": "1001"}, held, Level.ADMIN)
    assert second.edits == {"Host_Name": "desk", "User_ID_1_": "1001"}
    third = forms.kept(second, {"Host_Name": "", "Domain": "x.example"}, held, Level.ADMIN)
    assert third.edits == {"User_ID_1_": "1001", "Domain": "x.example"}


def test_a_draft_keeps_a_secret_whose_field_came_back_empty() -> None:
    held = snapshot({"VPN_Password": "Canary-vpn-1"})
    typed = forms.kept(NOTHING, {"VPN_Password": "new"}, held, Level.ADMIN)
    assert forms.kept(typed, {"VPN_Password": ""}, held, Level.ADMIN).edits == typed.edits
    cleared = forms.kept(typed, {"VPN_Password": "", "clear:VPN_Password": "on"}, held, Level.ADMIN)
    assert cleared.edits == {"VPN_Password": ""}


@pytest.mark.parametrize(("firmware", "default"), [("11.3", "80"), ("12.0", "443")])
def test_the_default_is_the_firmwares(firmware: str, default: str) -> None:
    found = forms.tab(snapshot(), forms.PLACES["system"], Level.ADMIN, firmware=firmware)
    [port] = [f for s in found.sections for f in s.fields if f.tag == "Web_Server_Port"]
    assert port.default == default


def test_a_list_shows_an_edit_that_is_no_choice() -> None:
    tab = forms.tab(snapshot(), forms.PLACES["system"], Level.ADMIN, Draft({"Firewall": "Maybe"}))
    fields = {field.tag: field for section in tab.sections for field in section.fields}
    assert fields["Firewall"].choices == ("Enabled", "Disabled", "Maybe")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "is empty: everyone may enter"),
        ("Ab1", "is shorter than 8 characters"),
        ("longenoughbutplain", "uses fewer than three"),
    ],
)
def test_a_person_may_not_choose_a_weak_password(password: str, why: str) -> None:
    [refused] = forms.weak_passwords({"Admin_Password": Change(password)})
    assert refused.parameter == "Admin_Password"
    assert refused.reason.startswith(why)


def test_a_good_password_and_other_parameters_are_no_weak_passwords() -> None:
    wanted = {"Admin_Password": Change("Correct-horse-1"), "Host_Name": Change("x")}
    assert forms.weak_passwords(wanted) == []


def test_the_page_asks_for_a_longer_user_password_than_the_screen() -> None:
    wanted = {"User_Password": Change("Ab1-x")}
    assert [error.parameter for error in forms.weak_passwords(wanted)] == ["User_Password"]
    assert forms.weak_passwords(wanted, shortest=4) == []


def test_a_doubtful_value_is_stored_with_a_warning_that_never_repeats_a_secret() -> None:
    wanted = {"VPN_Server": Change("v" * 40), "User_Password": Change("Ab1")}
    assert forms.doubts(wanted) == [
        "VPN Server has 40 characters, and phones of the field take 31.",
        "User Password is shorter than 4 characters.",
    ]
    assert forms.doubts({"VPN_Server": Change("vpn.example")}) == []


def test_the_notice_groups_by_when_a_change_takes_effect() -> None:
    assert forms.effects(["VPN_Server", "Firewall", "Auth_INVITE_3_"]) == {
        Effect.LIVE: ("Firewall", "Ext 3 Auth INVITE"),
        Effect.REBOOT: ("VPN Server",),
    }


def test_every_tab_has_a_word_fit_for_an_address() -> None:
    for tag in slots():
        assert re.fullmatch(r"[a-z0-9]+", forms.place_of(tag).name)


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        ("cipher list", ["TLS_Cipher_List"]),
        ("CIPHER_list", ["TLS_Cipher_List"]),
        ("sip_port_3", ["SIP_Port_3_"]),
        ("  ", []),
        ("no such thing at all", []),
    ],
)
def test_a_search_wants_all_words_and_names_each_parameter_once(
    words: str, tags: list[str]
) -> None:
    found = forms.search(Snapshot(Settings()), Level.ADMIN, forms.NOTHING, words)
    assert [field.tag for _, _, field in found][: len(tags) or None] == tags


def test_a_search_shows_a_user_nothing_of_the_administrators() -> None:
    found = forms.search(Snapshot(Settings()), Level.USER, forms.NOTHING, "password")
    assert "Admin_Password" not in [field.tag for _, _, field in found]
    assert all(field.text == "" for _, _, field in found if field.kind is forms.Kind.SECRET)


def test_a_difference_tells_both_texts_and_no_secret() -> None:
    draft = Draft({"Host_Name": "new", "VPN_Password": "Correct-horse-1"})
    assert forms.differences(draft, snapshot({"Host_Name": "old", "VPN_Password": "before"})) == (
        ("Host_Name", "Host Name", "old", "new"),
        ("VPN_Password", "VPN Password", "***", "***"),
    )


def test_the_languages_of_a_dictionary_server_can_be_chosen() -> None:
    def choices(script: str, chosen: str = "English-US") -> tuple[str, ...]:
        texts = {"Dictionary_Server_Script": script, "Language_Selection": chosen}
        return shown(snapshot(texts))["Language_Selection"].choices

    script = "serv=https://pv.telco.test/;d1=Spanish;x1=es.xml;d2=German;x2=de.xml"
    assert choices(script) == ("English-US", "German", "Spanish")
    assert choices("serv=", "Dutch") == ("English-US", "German", "Dutch")
