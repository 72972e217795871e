"""Reading of files that can be used."""

import gzip
from pathlib import Path

import pytest

from ringfence.config.catalog.values import EmptyMeans
from ringfence.config.cfgxml import Applied, Document, read, reread
from ringfence.config.cfgxml_fast import tokenize
from ringfence.config.parameter import Access
from ringfence.config.settings import changed, encode, virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import Finding, Severity

VECTORS = Path(__file__).parents[1] / "vectors" / "cfgxml"


def document(*lines: str) -> Document:
    return read("\n".join(["<flat-profile>", *lines, "</flat-profile>"]).encode())


def apply(source: Document, snapshot: Snapshot | None = None) -> Snapshot:
    before = snapshot or Snapshot(virgin())
    after, _ = submit(before, source.changes(before), Origin.PROFILE)
    return after


def values(source: Document) -> dict[str, str]:
    after = apply(source).settings
    return {tag: encode(after, tag) for tag in changed(virgin(), after)}


def rules(source: Document) -> list[tuple[str, str | None]]:
    return [(finding.rule, finding.tag) for finding in source.findings]


def refusals(source: Document) -> list[Finding]:
    before = Snapshot(virgin())
    return source.positioned(submit(before, source.changes(before), Origin.PROFILE)[1])


@pytest.mark.proves("CFG-01")
@pytest.mark.parametrize(
    ("ua", "access"), [("na", Access.NONE), ("ro", Access.READ), ("rw", Access.WRITE)]
)
def test_an_element_brings_its_value_and_its_access(ua: str, access: Access) -> None:
    source = document(f'<Syslog_Server ua="{ua}">log.example.com</Syslog_Server>')
    after = apply(source)
    assert after.settings.system.syslog_server == "log.example.com"
    assert after.access("Syslog_Server") is access
    again = apply(document("<Syslog_Server>other.example.com</Syslog_Server>"), after)
    assert again.access("Syslog_Server") is access


@pytest.mark.proves("CFG-01")
def test_an_access_that_does_not_exist_is_a_warning_and_absent() -> None:
    source = document('<Host_Name ua="wo">desk</Host_Name>')
    assert values(source) == {"Host_Name": "desk"}
    assert apply(source).access("Host_Name") is Access.WRITE
    assert rules(source) == [("cfgxml-access", "Host_Name")]


@pytest.mark.proves("CFG-01", "CFG-02")
def test_a_dump_of_a_phone_loads_without_a_finding() -> None:
    source = read((VECTORS / "dump.xml").read_bytes())
    assert [f for f in source.findings if f.rule != "value-doubtful"] == []
    assert [f.tag for f in source.findings] == ["User_Password"]
    assert refusals(source) == []
    assert values(source) == {
        "Web_Server_Port": "8080",
        "Phone-UI-User-Mode": "Yes",
        "Enable_802.1X_Authentication": "Yes",
        "Enable_LLDP-MED": "No",
        "Profile_Rule": "https://prov.example.com/$MA.xml?a=1&b=2",
        "Use_Auto_Discovery__WPAD_": "No",
        "SIP_Transport_1_": "TLS",
        "Display_Name_1_": "R&D <Lab>",
        "Auth_Resync-Reboot_1_": "No",
    }


@pytest.mark.proves("CFG-02")
def test_a_template_of_a_provisioning_server_loads_with_its_noise() -> None:
    source = read((VECTORS / "template.xml").read_bytes())
    assert values(source) == {
        "Syslog_Server": "10.20.30.40:1514",
        "Primary_NTP_Server": "0.pool.ntp.example",
        "Profile_Rule": "http://prov.example.com/?mac=$MA&v=2",
        "Text_Logo": "Example Telecom",
        "SIP_Transport_1_": "TCP",
        "Display_Name_1_": "Café Anna",
        "Auth_INVITE_1_": "Yes",
    }
    assert [(f.severity, f.rule, f.tag, f.line) for f in source.findings] == [
        (Severity.INFO, "cfgxml-text", None, 3),
        (Severity.WARNING, "value-doubtful", "Admin_Password", 6),
        (Severity.WARNING, "cfgxml-unknown", "Extension_1_", 14),
        (Severity.WARNING, "cfgxml-unknown", "Short_Name_1_", 15),
        (Severity.WARNING, "cfgxml-duplicate", "SIP_Transport_1_", 17),
    ]


@pytest.mark.proves("CFG-02", "RSY-07")
def test_the_misprints_of_the_guides_are_repaired_and_placeholders_rejected() -> None:
    source = read((VECTORS / "errata.xml").read_bytes())
    assert values(source) == {
        "Auth_INVITE_1_": "Yes",
        "Use_Auto_Discovery__WPAD_": "No",
        "LDAP_StartTLS_Enable": "Yes",
        "SIP_Transport_1_": "TLS",
    }
    assert [(f.severity, f.rule, f.tag, f.line, f.column) for f in source.findings] == [
        (Severity.WARNING, "cfgxml-misprint", "Auth_INVITE_1_", 3, 1),
        (Severity.WARNING, "cfgxml-misprint", "Use_Auto_Discovery__WPAD_", 4, 1),
        (Severity.ERROR, "cfgxml-placeholder", "VPN_Server", 5, 1),
        (Severity.ERROR, "cfgxml-placeholder", "LDAP_Server", 6, 1),
    ]
    assert source.entries["Use_Auto_Discovery__WPAD_"].access is Access.WRITE


def test_a_misprint_is_put_right_in_either_direction() -> None:
    source = document("<SIP_Port_3_>5070</SIP_Port_3>", "<_Domain>a.example</Domain>")
    assert values(source) == {"Domain": "a.example", "SIP_Port_3_": "5070"}


def test_a_misprint_inside_a_comment_is_left_alone() -> None:
    source = document(
        "<!-- <Auth_INVITE_2>No</Auth_INVITE_2_> -->", "<Auth_INVITE_1>Yes</Auth_INVITE_1_>"
    )
    assert rules(source) == [("cfgxml-misprint", "Auth_INVITE_1_")]


def test_a_placeholder_over_two_lines_keeps_the_lines_behind_it() -> None:
    source = document("<VPN_Server><Server IP", "or FQDN></VPN_Server>", "<Hostname>x</Hostname>")
    assert [(f.tag, f.line) for f in source.findings] == [("VPN_Server", 2), ("Hostname", 4)]


def test_an_element_inside_a_value_rejects_that_value_alone() -> None:
    source = document("<Domain>a<b>c</b>d</Domain>", "<Host_Name>desk</Host_Name>")
    assert values(source) == {"Host_Name": "desk"}
    assert [(f.severity, f.rule, f.tag, f.line) for f in source.findings] == [
        (Severity.ERROR, "cfgxml-nested", "Domain", 2)
    ]


@pytest.mark.parametrize(
    ("tag", "remedy"),
    [
        ("Firewal", "did you mean <Firewall>?"),
        ("firewall", "did you mean <Firewall>?"),
        ("SIP_Trnsport_3_", "did you mean <SIP_Transport_3_>?"),
        ("SIP_Transport_3", "did you mean <SIP_Transport_3_>?"),
        ("Enable_802_1X_Authentication", "did you mean <Enable_802.1X_Authentication>?"),
        ("TLS_Chiper_List", "did you mean <TLS_Cipher_List>?"),
        ("SIP_Transport_17_", "this phone has 16 lines"),
        ("Qqqq_Zzzz", "delete it, or see `ringfence parameters`"),
    ],
)
def test_an_unknown_tag_is_reported_with_the_nearest_name(tag: str, remedy: str) -> None:
    source = document("<Domain/>", f"  <{tag}>x</{tag}>")
    assert values(source) == {}
    assert [(f.rule, f.tag, f.line, f.column, f.remedy) for f in source.findings] == [
        ("cfgxml-unknown", tag, 3, 3, remedy)
    ]


def test_an_alias_counts_and_is_a_warning() -> None:
    source = document("<Admin_Passwd>Correct-1</Admin_Passwd>", "<HostName>desk</HostName>")
    assert apply(source).settings.system.admin_password.reveal() == "Correct-1"
    assert rules(source) == [("cfgxml-alias", "Admin_Password"), ("cfgxml-alias", "Host_Name")]


@pytest.mark.parametrize("tags", [("HostName", "Host_Name"), ("Host_Name", "HostName")])
def test_the_last_of_several_wins_under_whatever_spelling(tags: tuple[str, str]) -> None:
    first, last = tags
    source = document(
        f"<{first}>a</{first}>", f"<{last}>b</{last}>", f"<{first}>c</{first}>", "<!--x-->"
    )
    assert values(source) == {"Host_Name": "c"}
    assert source.entries["Host_Name"].line == 4


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("<Domain>  a.example\t</Domain>", "a.example"),
        ("<Display_Name_1_>two\nlines</Display_Name_1_>", "two lines"),
        ("<Display_Name_1_>two\r\nlines</Display_Name_1_>", "two lines"),
        ("<Display_Name_1_>a&#10;b</Display_Name_1_>", "a b"),
        ("<Display_Name_1_>&lt;&gt;&amp;&quot;&apos;</Display_Name_1_>", "<>&\"'"),
        ("<Display_Name_1_>&amp;lt;</Display_Name_1_>", "&lt;"),
        ("<Display_Name_1_>&#x41;&#66;</Display_Name_1_>", "AB"),
        ("<Display_Name_1_>a<!-- c -->b</Display_Name_1_>", "ab"),
        ("<Display_Name_1_>a > b</Display_Name_1_>", "a > b"),
        ('<Display_Name_1_>""</Display_Name_1_>', ""),
        ("<Display_Name_1_>Müller</Display_Name_1_>", "Müller"),
    ],
)
def test_a_value_is_what_xml_means_without_blanks_at_its_ends(element: str, text: str) -> None:
    assert list(values(document(element)).values()) == ([text] if text else [])


@pytest.mark.parametrize(
    "data",
    [
        "<flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>".encode("utf-8-sig"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><flat-profile><Display_Name_1_>é'
        "</Display_Name_1_></flat-profile>".encode("latin-1"),
        "<flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>".encode("utf-16"),
        gzip.compress("<flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>".encode()),
    ],
    ids=["byte order mark", "latin-1", "utf-16", "gzip"],
)
def test_encodings_and_gzip_are_known_by_their_bytes(data: bytes) -> None:
    assert values(read(data)) == {"Display_Name_1_": "é"}


def test_two_packed_members_are_one_document() -> None:
    whole = b"<flat-profile><Domain>a.example</Domain></flat-profile>"
    packed = gzip.compress(whole[:20]) + gzip.compress(whole[20:])
    assert values(read(packed)) == {"Domain": "a.example"}


@pytest.mark.proves("RSY-07")
def test_a_refused_value_is_reported_with_line_column_and_remedy() -> None:
    source = document("<Domain>a.example</Domain>", "  <SIP_Port_1_>many</SIP_Port_1_>")
    assert values(source) == {"Domain": "a.example"}
    assert refusals(source) == [
        Finding(
            Severity.ERROR,
            "value-refused",
            "SIP_Port_1_",
            "expected 1–65535, not 'many'; the old value stays",
            "allowed: 1–65535",
            line=3,
            column=3,
        )
    ]


def test_a_value_that_nothing_obeys_is_a_warning() -> None:
    source = document(
        "<Enable_SSLv3>yes</Enable_SSLv3>", "<HTTPS_Name_Validate>Yes</HTTPS_Name_Validate>"
    )
    assert rules(source) == [("value-without-effect", "Enable_SSLv3")]


def test_what_the_phone_does_anyway_is_no_warning() -> None:
    assert rules(document("<G729a_Enable_1_>No</G729a_Enable_1_>")) == []
    assert rules(document("<HTTPS_Name_Validate>No</HTTPS_Name_Validate>")) == [
        ("value-without-effect", "HTTPS_Name_Validate")
    ]


# Empty elements. Source: phone-facts 2.1.

EMPTY = document("<Domain/>", "<Host_Name></Host_Name>", '<Profile_Rule>""</Profile_Rule>')


def held(origin: Origin = Origin.PROFILE, access: Access | None = None) -> Snapshot:
    given = {"Domain": Change("a.example", access), "Profile_Rule": Change("http://h/")}
    return submit(Snapshot(virgin()), given, origin)[0]


def test_an_empty_element_sets_the_empty_string() -> None:
    after = apply(EMPTY, held())
    assert after.settings.system.domain == ""
    assert after.settings.provisioning.profile_rule == ""


def test_an_empty_element_can_mean_the_default() -> None:
    source = document("<Profile_Rule/>", "<SIP_Port_1_/>")
    snapshot = submit(held(), {"SIP_Port_1_": Change("5070")}, Origin.PROFILE)[0]
    changes = source.changes(snapshot, EmptyMeans.DEFAULT)
    assert {tag: change.text for tag, change in changes.items()} == {
        "Profile_Rule": "/$PSN.xml",
        "SIP_Port_1_": "5060",
    }


def test_an_empty_element_can_keep_the_value_but_two_quotes_never_do() -> None:
    changes = EMPTY.changes(held(), EmptyMeans.KEEP)
    assert {tag: change.text for tag, change in changes.items()} == {"Profile_Rule": ""}


def test_the_policy_is_a_parameter() -> None:
    keeping = submit(held(), {"RF_Empty_Means": Change("keep")}, Origin.PROFILE)[0]
    assert apply(EMPTY, keeping).settings.system.domain == "a.example"


@pytest.mark.parametrize("origin", [Origin.PAGE, Origin.SCREEN])
def test_an_empty_element_leaves_what_a_user_set_where_the_user_may(origin: Origin) -> None:
    source = document('<Domain ua="rw"/>')
    after = apply(source, held(origin))
    assert after.settings.system.domain == "a.example"
    assert after.origin("Domain") is origin


def test_an_empty_element_clears_what_a_user_set_where_the_user_may_not() -> None:
    assert apply(document('<Domain ua="na"/>'), held(Origin.PAGE)).settings.system.domain == ""


def test_an_empty_element_clears_what_a_profile_set() -> None:
    assert apply(document('<Domain ua="rw"/>'), held(Origin.PROFILE)).settings.system.domain == ""


def test_an_empty_element_where_nothing_can_be_empty_is_a_warning_and_keeps_the_value() -> None:
    source = document("<Firewall/>")
    assert values(source) == {}
    assert [(f.severity, f.rule, f.line) for f in refusals(source)] == [
        (Severity.WARNING, "empty-refused", 2)
    ]


def test_a_document_again_changes_nothing() -> None:
    for name in ("dump.xml", "template.xml", "errata.xml"):
        source = read((VECTORS / name).read_bytes())
        once = apply(source)
        assert apply(source, once) is once


def test_a_repeat_is_known_until_anything_changes() -> None:
    data = (VECTORS / "dump.xml").read_bytes()
    before, document = Snapshot(virgin()), read(data)
    after = apply(document)
    memory = Applied.of(document, document.changes(before), before, after)
    assert memory.still_holds(data, after)
    assert not memory.still_holds(data + b"\n", after)
    by_page = submit(after, {"Host_Name": Change("desk")}, Origin.PAGE)[0]
    assert not memory.still_holds(data, by_page)


def test_a_repeat_counts_again_where_the_document_has_changed_what_empty_elements_mean() -> None:
    given = {"Domain": Change("a.example"), "RF_Empty_Means": Change("keep")}
    before = submit(Snapshot(virgin()), given, Origin.PROFILE)[0]
    source = document("<Domain/>", "<RF_Empty_Means>empty</RF_Empty_Means>")
    changes = source.changes(before)
    after, _ = submit(before, changes, Origin.PROFILE)
    assert after.settings.system.domain == "a.example"
    memory = Applied.of(source, changes, before, after)
    assert not memory.still_holds(source.data, after)
    once_more = reread(source.data, after, memory)[1]
    assert {tag: change.text for tag, change in once_more.items()} == {"Domain": ""}


def test_no_finding_of_a_document_shows_a_secret() -> None:
    long = "hunter2" * 50
    source = document(
        f"<Password_1_>{long}</Password_1_>",
        "<Admin_Password>hunter2 hunter2</Admin_Password>",
        "<Password_2_>hunter2<b>hunter2</b></Password_2_>",
        "hunter2",
        "<GPP_SA>hunter2é</GPP_SA>",
    )
    shown = [*source.findings, *refusals(source), *source.entries.values()]
    assert len(source.findings) >= 3
    assert len(refusals(source)) == 2
    assert "hunter2" not in repr(shown)


def test_no_memory_of_a_document_shows_a_secret() -> None:
    before, data = (
        Snapshot(virgin()),
        b"<flat-profile><Password_1_>hunter2</Password_1_></flat-profile>",
    )
    source = read(data)
    changes = source.changes(before)
    after, _ = submit(before, changes, Origin.PROFILE)
    memory = Applied.of(source, changes, before, after)
    assert after.settings.ext[0].password.reveal() == "hunter2"
    assert memory.lines is not None
    tokens = tokenize(data.decode())
    assert tokens is not None
    assert "hunter2" not in repr([memory, memory.lines, tokens, source])
