"""A report: what our own reader reads back of it, and that no secret stands in it."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.config import cfgxml
from ringfence.config.codecs import Secret
from ringfence.config.settings import changed, encode, slots, virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import ConfigError
from ringfence.features.report.content import document, mark

VIRGIN = Snapshot(virgin("11.3"))
SECRETS = [tag for tag, slot in slots().items() if isinstance(slot.row.default, Secret)]
HEADER = "PRT_HTTP_Header_Value"
TEXTS = [tag for tag, slot in slots().items() if type(slot.row.default) is str and tag != HEADER]

MARKS = st.text("<>&;\"'/ -]x", max_size=20)
"""Texts of what means something in XML."""


def taken(
    texts: Mapping[str, str], origin: Origin = Origin.PROFILE, base: Snapshot = VIRGIN
) -> Snapshot:
    """Return a snapshot with all of the texts that are allowed."""
    return submit(base, {tag: Change(text) for tag, text in texts.items()}, origin)[0]


def read_back(report: bytes) -> Snapshot:
    snapshot, errors = submit(VIRGIN, cfgxml.read(report).changes(VIRGIN), Origin.PROFILE)
    assert not errors
    return snapshot


def whole(snapshot: Snapshot) -> bytes:
    return document(snapshot, "11.3", delta=False)


def test_there_are_secrets_to_look_for() -> None:
    assert len(SECRETS) > 50
    assert {"GPP_SA", "IKM_HTTP_Encrypt_Content", "Admin_Password", "Password_16_"} < set(SECRETS)


@pytest.mark.proves("RSY-08")
@settings(max_examples=20)
@given(st.data())
def test_no_secret_of_the_whole_catalogue_stands_in_a_report(data: st.DataObject) -> None:
    word = st.text("abcdefghijkmnopqrstuvwxyz23456789<&\"'", min_size=12, max_size=30)
    drawn = data.draw(st.lists(word, min_size=4, max_size=4, unique=True))
    words = [f"{drawn[n % 4]}{n or ''}" for n in range(len(SECRETS))]
    snapshot = taken(dict(zip(SECRETS, words, strict=True)))
    for delta in (False, True):
        report = document(snapshot, "11.3", delta=delta).decode()
        for tag, text in zip(SECRETS, words, strict=True):
            assert encode(snapshot.settings, tag) == text
            assert f"<{tag} " not in re.sub("<!--.*-->", "", report)
            assert text not in report
            assert text.replace("&", "&amp;").replace("<", "&lt;") not in report


@pytest.mark.proves("RSY-08")
@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=60) | MARKS, max_size=12))
def test_our_reader_reads_back_whatever_texts_may_hold(texts: dict[str, str]) -> None:
    plain = {tag: text for tag, text in texts.items() if not re.search('^ *""|--|://', text)}
    snapshot = taken(plain)
    back = read_back(whole(snapshot))
    for tag in changed(snapshot.settings, back.settings):
        text = encode(snapshot.settings, tag)
        assert re.search("[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text), (tag, text)


@pytest.mark.proves("RSY-08")
def test_a_whole_report_names_every_parameter_and_a_delta_those_that_differ() -> None:
    texts = {"Display_Name_1_": "Anna <1> & Co", "VLAN_ID": "7", "Firewall": "Disabled"}
    snapshot = taken({**texts, "Password_1_": "quite secret", "GPP_B": ""})
    every = whole(snapshot).decode()
    for tag in slots():
        assert f"<{tag} ua=" in every
    delta = document(snapshot, "11.3", delta=True).decode()
    assert delta == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<flat-profile>\n'
        '<VLAN_ID ua="rw">7</VLAN_ID>\n<Firewall ua="na">Disabled</Firewall>\n'
        '<Display_Name_1_ ua="na">Anna &lt;1&gt; &amp; Co</Display_Name_1_>\n'
        '<!-- <Password_1_ ua="na"/> -->\n</flat-profile>\n'
    )


@pytest.mark.parametrize("means", ["empty", "default", "keep"])
def test_an_emptied_value_is_read_back_as_empty_under_every_policy(means: str) -> None:
    snapshot = taken({"RF_Empty_Means": means, "Profile_Rule": ""})
    back = read_back(whole(snapshot))
    assert back.settings.provisioning.profile_rule == ""


@pytest.mark.proves("RSY-08")
@pytest.mark.parametrize(
    ("texts", "held"),
    [
        ({"Profile_Rule": "[--key hunter2] https://a.test/x"}, "hunter2"),
        ({"Profile_Rule": "[--key x7q] https://a.test/x"}, "x7q"),
        ({"Profile_Rule_B": '[--uid u --pwd "two words"] https://a.test/x'}, "two words"),
        ({"Upgrade_Rule": "https://user:hunter2@a.test/x"}, "hunter2"),
        ({"XML_Directory_Service_URL": "http://a.test/x?password=hunter2"}, "hunter2"),
        ({"GPP_A": "hunter2", "Profile_Rule": "[--key $A] https://a.test/x"}, "hunter2"),
        ({HEADER: "x7q"}, "x7q"),
        ({"GPP_A": "let hunter22 in", "Password_1_": "hunter22"}, "hunter22"),
    ],
)
def test_a_secret_that_was_written_elsewhere_is_kept_back(texts: dict[str, str], held: str) -> None:
    snapshot = taken(texts)
    assert set(texts) <= set(changed(VIRGIN.settings, snapshot.settings))
    assert held not in whole(snapshot).decode()


def test_a_rule_whose_secret_is_in_its_place_is_reported_as_it_is() -> None:
    rule = "[--key $SA --uid $MA --pwd $SB] https://a.test/$MA.xml"
    snapshot = taken({"Profile_Rule": rule, "GPP_SA": "hunter22", "GPP_A": "free text"})
    back = read_back(whole(snapshot))
    assert back.settings.provisioning.profile_rule == rule
    assert back.settings.provisioning.gpp_a == "free text"


def test_a_report_that_no_phone_would_read_back_is_refused() -> None:
    texts = dict.fromkeys(TEXTS, "&" * 2000)
    with pytest.raises(ConfigError, match="more than 1024 KiB"):
        whole(taken(texts))


@pytest.mark.proves("RSY-08")
@pytest.mark.parametrize("origin", [Origin.PAGE, Origin.SCREEN, Origin.COMMAND])
def test_only_what_was_set_at_the_phone_is_a_local_change(origin: Origin) -> None:
    first = taken({"VLAN_ID": "7"})
    assert mark(first) == mark(VIRGIN)
    local = taken({"Display_Name_1_": "Anna"}, origin, first)
    assert mark(local) != mark(first)
    assert mark(taken({"GPP_A": "x"}, Origin.PROFILE, local)) == mark(local)
    secret = taken({"Password_1_": "xyzxyz"}, origin, local)
    assert mark(taken({"Password_1_": "another"}, origin, secret)) == mark(secret)
