"""Which files are fetched, what a dictionary may say, and how long an answer counts."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.errors import RemoteProtocolError
from ringfence.features.downloads.plan import CallerPlan, FilePlan, plan, show
from ringfence.messages import _, plural
from ringfence.messages.language import ENGLISH, Language, Phrases, named
from ringfence.policy.applications import NameCheck
from ringfence.policy.dictionaries import Dictionaries, dictionaries
from ringfence.policy.macros import caller_number, phone_values
from ringfence.policy.servers import servers
from ringfence.protocols import dictionary
from ringfence.protocols.http_cache import Validators, is_kept, lifetime, validators
from ringfence.runtime.state import Facts, Identity, Planned

FACTS = Facts(Identity(mac="001122334455"))
PICTURE, LOGO = "https://pic.telco.test/$MA.jpg", "https://pic.telco.test/logo.png"
SCRIPT = "serv=https://words.telco.test/i18n/;d0=English;x0=en.xml;d1=Spanish;x1=es.xml"


def planned(**texts: str) -> Planned[FilePlan | CallerPlan]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, FACTS)


def files(**texts: str) -> dict[str, str]:
    """Return `{key: URL}` of the files that are wanted."""
    plans = planned(**texts).plans
    return {k: str(one.url) for k, one in plans.items() if isinstance(one, FilePlan) and one.url}


def test_a_virgin_phone_fetches_nothing() -> None:
    made = planned()
    assert files() == {}
    assert made.findings == ()
    callers = made.plans["callers"]
    assert isinstance(callers, CallerPlan)
    assert callers.pattern == ""


def test_the_background_chooses_between_picture_and_logo() -> None:
    both = {"Picture_Download_URL": PICTURE, "Logo_URL": LOGO}
    assert files(**both) == {}
    assert files(**both, Phone_Background="Download Picture") == {
        "picture": "https://pic.telco.test:443/001122334455.jpg"
    }
    assert files(**both, Phone_Background="Logo") == {"logo": "https://pic.telco.test:443/logo.png"}


def test_the_language_chooses_the_dictionary() -> None:
    assert files(Dictionary_Server_Script=SCRIPT) == {}  # English-US is the phone's own
    assert files(Dictionary_Server_Script=SCRIPT, Language_Selection="spanish") == {
        "dictionary": "https://words.telco.test:443/i18n/es.xml"
    }
    assert files(Dictionary_Server_Script=SCRIPT, Language_Selection="German") == {}


@pytest.mark.proves("APP-08")
def test_every_download_has_its_name_checked_and_goes_direct() -> None:
    made = planned(Proxy_Mode="Manual", Proxy_Host="proxy.telco.test")
    applications = [one.reach.tls.application for one in made.plans.values()]
    assert [one.name for one in applications] == ["picture", "logo", "dictionary", "picture"]
    assert {one.reach.tls.names for one in made.plans.values()} == {NameCheck.STANDARD}
    assert {one.reach.routing.manual.host for one in made.plans.values()} == {""}
    assert all(one.restricted for one in applications)


@pytest.mark.parametrize(
    "texts",
    [
        {"Phone_Background": "Download Picture", "Picture_Download_URL": "pic.telco.test/a.png"},
        {"Phone_Background": "Logo", "Logo_URL": "ftp://pic.telco.test/a.png"},
        {"Phone_Background": "Logo", "Logo_URL": "/a.png"},
        {"Dictionary_Server_Script": "d1=Spanish;x1=es.xml"},
        {"RF_Caller_Picture_URL": "https://$REMOTENUMBER.telco.test/"},
        {"RF_Caller_Picture_URL": "https://pic.telco.test:$REMOTENUMBER/"},
    ],
)
def test_what_cannot_be_fetched_is_a_finding(texts: dict[str, str]) -> None:
    (found,) = planned(**texts).findings
    assert (found.rule, found.tag) == ("download-unusable", list(texts)[-1])
    assert files(**texts) == {}


def test_the_number_of_a_caller_changes_a_path_and_never_the_server() -> None:
    made = planned(RF_Caller_Picture_URL="https://pic.telco.test/$REMOTENUMBER.png").plans[
        "callers"
    ]
    assert isinstance(made, CallerPlan)
    assert str(made.url("%2F..%2F%40x")) == "https://pic.telco.test:443/%2F..%2F%40x.png"
    assert caller_number("sip:1002@telco.test") == caller_number("1002@telco.test") == "1002"
    assert caller_number("sip:@telco.test") == caller_number("sip:" + "9" * 65 + "@x") == ""


@pytest.mark.parametrize("number", ["..", ".", "a/../b", "..\\b", "1\n2", " "])
def test_a_caller_who_is_a_way_through_folders_has_no_number(number: str) -> None:
    assert caller_number(f"sip:{number}@telco.test") == ""
    assert caller_number("sip:+49.89*#;x?y@telco.test") == "+49.89*#;x?y"


def test_explain_shows_where_files_come_from_without_passwords() -> None:
    secret = "https://pic.telco.test/logo.png?token=geheim"
    plans = planned(Phone_Background="Logo", Logo_URL=secret, Dictionary_Server_Script="x").plans
    assert [show(one) for one in plans.values()] == [
        "picture: none\n",
        "logo: https://pic.telco.test:443/logo.png?token=***\n",
        "dictionary of English-US: 'x' is neither serv=URL nor d0= or x0= to d9= or x9=\n",
        "pictures of callers: none\n",
    ]


def test_restricted_domains_name_the_servers_of_wanted_files() -> None:
    texts = {
        "Restricted_Access_Domains": "telco.test",
        "Phone_Background": "Logo",
        "Logo_URL": "https://pic.other.test/l.png",
        "Picture_Download_URL": "https://unused.other.test/p.png",
        "Dictionary_Server_Script": SCRIPT,
        "RF_Caller_Picture_URL": "https://face.other.test/$REMOTENUMBER",
    }
    settings, _errors = decode(texts, virgin())
    found = {one.parameter: one.allowed for one in servers(settings, phone_values("", "", "", ""))}
    assert {tag: found.get(tag) for tag in list(texts)[2:]} == {
        "Logo_URL": False,
        "Picture_Download_URL": None,
        "Dictionary_Server_Script": True,
        "RF_Caller_Picture_URL": False,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("serv=http://x/;d1=A;x1=a;d1=B", "d1 stands there twice"),
        ("serv=http://x/;d1=A", "d1 has no x1"),
        ("serv=http://x/;x2=a", "x2 has no d2"),
        ("d1=A;x1=a", "serv=URL is missing"),
        ("serv=http://x/;d10=A;x10=a", "'d10=A' is neither"),
        ("serv", "'serv' is neither"),
    ],
)
def test_a_script_that_is_none_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dictionaries(text)


def test_a_script_is_read_with_blanks_and_in_either_case() -> None:
    made = dictionaries(" SERV = http://x/a ; D1 = Español ; X1 = /es.xml ;")
    assert made == Dictionaries("http://x/a", {"Español": "/es.xml"})
    assert made.of("ESPAÑOL") == "http://x/a/es.xml"
    assert made.of("French") == ""
    assert dictionaries("") == Dictionaries("", {})


def test_a_dictionary_is_read_and_what_it_does_not_know_is_ignored() -> None:
    data = b"""<dictionary code="pt-BR" by="somebody"><note>x</note>
    <phrase english="Lines">Linhas</phrase><phrase english="Lines">again</phrase>
    <phrase english="{n} of {m}">{m}, {n}</phrase><phrase english="Off"> </phrase>
    <phrase english="Yes">&lt;b&gt;Sim&lt;/b&gt;</phrase></dictionary>"""
    made = dictionary.read(data)
    assert made.code == "pt-BR"
    assert made.phrases == {"Lines": "Linhas", "{n} of {m}": "{m}, {n}", "Yes": "<b>Sim</b>"}
    assert made.skipped == 1


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("Wait {wait} s", "{wait.__class__}"),
        ("Wait {wait} s", "{wait!r}"),
        ("Wait {wait} s", "{wait:>999999999}"),
        ("Wait {wait} s", "{other}"),
        ("Wait {wait} s", "{0}"),
        ("Wait {wait} s", "{"),
        ("Wait", "{wait}"),
        ("Wait", "red \x1b[31m"),
        ("Wait", "turned \u202e around"),
    ],
)
def test_a_phrase_fills_in_nothing_else_and_has_nothing_that_cannot_be_seen(
    english: str, said: str
) -> None:
    assert not dictionary.fits(english, said)
    assert dictionary.fits("Wait {wait:.0f} s", "{wait:.0f} s esperar")
    assert dictionary.fits("Wait {wait} s", "esperar")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<words/>", "its root is 'words'"),
        (b"<dictionary/>", "no phrase that can be used"),
        (b'<dictionary code="../../x"/>', "is no language"),
        (b'<!DOCTYPE d [<!ENTITY a "b">]><dictionary>&a;</dictionary>', "DOCTYPE"),
        (b"<dictionary>" + b"<phrase/>" * 5001 + b"</dictionary>", "more than 5001 elements"),
        (b"<dictionary>" + b" " * (1 << 20) + b"</dictionary>", "more than 1048576 bytes"),
        (b"<dictionary><a><b><c/></b></a></dictionary>", "more than 3 nested"),
    ],
)
def test_what_is_no_dictionary_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        dictionary.read(data)


def test_words_that_a_dictionary_lacks_are_the_phones_own() -> None:
    german = named("German")
    made = Language("de", Phrases({"Back": "Retour", "one call": "un appel"}, german), "German")
    assert made.say(_("Back")) == "Retour"
    assert made.say(_("Applications")) == german.say(_("Applications")) != "Applications"
    assert made.say(plural("one call", "{count} calls", 1)) == "un appel"
    assert made.say(plural("one call", "{count} calls", 2)) == "2 calls"
    assert named("german", made) is made
    assert named("English-US", made) is ENGLISH
    assert made.direction == "ltr"


def test_an_answer_counts_as_long_as_its_server_says() -> None:
    def said(*values: bytes) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((b"cache-control", value) for value in values)

    assert lifetime(()) is None
    assert lifetime(said(b"public, max-age=600")) == 600
    assert lifetime(said(b'max-age="60"', b"max-age=5")) == 60
    assert lifetime(said(b"max-age=600, no-cache")) == 0
    assert lifetime(said(b"max-age=\xb2")) is None
    assert is_kept(said(b"no-cache"))
    assert not is_kept(said(b"private", b"No-Store"))


def test_validators_are_asked_with_as_they_came() -> None:
    fields = ((b"etag", b'W/"1"'), (b"last-modified", b"Mon, 23 Nov 2026 00:00:00 GMT"))
    assert validators(fields).conditions() == {
        "If-None-Match": 'W/"1"',
        "If-Modified-Since": "Mon, 23 Nov 2026 00:00:00 GMT",
    }
    assert validators(((b"etag", b"x" * 257), (b"last-modified", b"a\tb"))) == Validators()
