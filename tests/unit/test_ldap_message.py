"""LDAP on the wire: BER, filters and messages, with an independent LDAP library as the judge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.ldap import ber, message
from ringfence.protocols.ldap import filter as filters
from ringfence.protocols.ldap.message import Aside, Entry, Incoming, Kind, Limits, Result
from tests.support import ldap_oracle as oracle

TYPED = st.text(max_size=40)
NASTY = st.text(alphabet="*()\\\0=&|!~<>:;,$VALUE \u00e9\u6f22a1", max_size=30)
TEMPLATES = (
    "(sn=$VALUE*)",
    "(cn=*$VALUE*)",
    "(|(sn=$VALUE)(givenName=*$VALUE))",
    "(&(objectClass=person)(!(ou=gone))(telephoneNumber>=$VALUE))",
    "(cn~=$VALUE)",
    "(cn;lang-de=a\\2a$VALUE*b)",
)


def server(operation: bytes, number: int = 7) -> bytes:
    return ber.element(ber.SEQUENCE, ber.integer(number), operation)


def done(code: int, text: str = "", *more: bytes, kind: Kind = Kind.SEARCH_DONE) -> bytes:
    parts = (ber.integer(code, ber.ENUMERATED), ber.octets(""), ber.octets(text), *more)
    return server(ber.element(kind, *parts))


@pytest.mark.proves("APP-01")
@pytest.mark.parametrize("template", TEMPLATES)
@given(typed=TYPED | NASTY)
def test_what_is_typed_means_nothing_but_itself_in_a_filter(template: str, typed: str) -> None:
    typed = typed.encode("utf-8", errors="replace").decode().strip()  # as the driver does
    asked = filters.parse(template)
    assert filters.encode(asked, typed) == oracle.filter_bytes(filters.written(asked, typed))


@pytest.mark.proves("APP-01")
def test_the_text_of_a_filter_escapes_as_rfc_4515_shows() -> None:
    asked = filters.parse("(cn=*$VALUE*)")
    assert filters.written(asked, "(*)\\\0") == "(cn=*\\28\\2a\\29\\5c\\00*)"
    assert filters.written(filters.parse("(o=Parens R Us \\28for all your needs\\29)")) == (
        "(o=Parens R Us \\28for all your needs\\29)"
    )
    assert filters.parse("(sn=Lu\\c4\\8di\\c4\\87)") == filters.Compare(
        "sn", "=", "Lu\u010di\u0107".encode()
    )


def test_an_empty_word_asks_for_whoever_has_the_attribute() -> None:
    assert filters.encode(filters.parse("(sn=$VALUE*)"), "") == b"\x87\x02sn"


@pytest.mark.parametrize(
    "text",
    [
        "sn=a",
        "(sn=a",
        "(sn=a))",
        "(&)",
        "(!(a=b)(c=d))",
        "(=a)",
        "(sn a=b)",
        "(sn)",
        "(sn=a**b)",
        "(sn=\\2)",
        "(sn=\\zz)",
        "(cn:caseExactMatch:=a)",
        "(" * 40 + ")" * 40,
        "(!" * 40 + "(a=b)" + ")" * 40,
    ],
)
def test_a_text_that_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        filters.parse(text)


def test_requests_are_what_an_independent_library_reads() -> None:
    bind = oracle.message(message.bind(1, "cn=x", "hush"))
    assert bind["protocolOp"]["bindRequest"]["name"] == b"cn=x"
    assert bind["protocolOp"]["bindRequest"]["authentication"]["simple"] == b"hush"
    assert bind["protocolOp"]["bindRequest"]["version"] == 3
    sasl = oracle.message(message.bind_sasl(2, "DIGEST-MD5", b"x=y"))["protocolOp"]["bindRequest"]
    assert sasl["authentication"]["sasl"]["mechanism"] == b"DIGEST-MD5"
    assert sasl["authentication"]["sasl"]["credentials"] == b"x=y"
    starttls = oracle.message(message.starttls(3))["protocolOp"]["extendedReq"]
    assert starttls["requestName"] == b"1.3.6.1.4.1.1466.20037"
    assert oracle.message(message.abandon(300, 128))["protocolOp"]["abandonRequest"] == 128
    assert oracle.message(message.unbind(2**31 - 1))["messageID"] == 2**31 - 1


def test_a_search_asks_the_whole_subtree_within_its_limits() -> None:
    asked = filters.encode(filters.parse("(sn=$VALUE*)"), "L")
    made = message.search(5, "dc=telco,dc=test", asked, ["cn", "mobile"], Limits(50, 10))
    found = oracle.message(made)["protocolOp"]["searchRequest"]
    assert found["baseObject"] == b"dc=telco,dc=test"
    assert (found["scope"], found["sizeLimit"], found["timeLimit"]) == (2, 50, 10)
    assert [str(name) for name in found["attributes"]] == ["cn", "mobile"]
    assert found["filter"]["substringFilter"]["substrings"][0]["initial"] == b"L"


def test_an_entry_is_read_with_its_attributes() -> None:
    values = ber.element(ber.SET, ber.octets("Ada"), ber.octets(b"\xff"))
    attribute = ber.element(ber.SEQUENCE, ber.octets("cn"), values)
    entry = ber.element(Kind.ENTRY, ber.octets("cn=Ada"), ber.element(ber.SEQUENCE, attribute))
    assert message.read(server(entry)) == Entry(7, "cn=Ada", (("cn", (b"Ada", b"\xff")),))


def test_what_a_server_says_is_shown_without_what_cannot_be_printed() -> None:
    found = message.read(done(49, "bad\r\n\x1b[2Jpassword"))
    assert found == Result(7, Kind.SEARCH_DONE, 49, "bad\ufffd\ufffd\ufffd[2Jpassword")
    assert isinstance(found, Result)
    assert found.words.startswith("invalidCredentials (49): bad")


def test_references_are_noticed_and_never_read_further() -> None:
    reference = ber.element(Kind.REFERENCE, ber.octets("ldap://elsewhere/"))
    assert message.read(server(reference)) == Aside(7, Kind.REFERENCE)


def test_attributes_and_values_beyond_the_limit_are_left_out() -> None:
    values = ber.element(ber.SET, *(ber.octets(str(n)) for n in range(100)))
    many = [ber.element(ber.SEQUENCE, ber.octets(f"a{n}"), values) for n in range(70)]
    entry = ber.element(Kind.ENTRY, ber.octets(""), ber.element(ber.SEQUENCE, *many))
    found = message.read(server(entry))
    assert isinstance(found, Entry)
    assert len(found.attributes) == 64
    assert {len(values) for _, values in found.attributes} == {64}


def test_messages_come_whole_however_they_are_cut() -> None:
    whole = done(0) + done(32, "none")
    incoming = Incoming(1000)
    found = []
    for at in range(len(whole)):
        incoming.receive(whole[at : at + 1])
        if (one := incoming.next()) is not None:
            found.append(one)
    assert [one.code for one in found if isinstance(one, Result)] == [0, 32]
    assert not incoming.pending


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"0\x80",
        b"0\x85\0\0\0\0\1",
        b"0\x84\x7f\xff\xff\xff",
        b"0\x83\x02\x00\x01",
        b"0\x02\x1f\x00",
        b"0\x03\x02\x01\x01",
        b"0\x06\x02\x01\x01\x65\x05\x0a",
        b"0\x05\x02\x01\x01\x5f\x00",
        server(ber.element(Kind.SEARCH)),
        server(ber.element(Kind.SEARCH_DONE, ber.integer(0))),
        ber.element(ber.SEQUENCE, ber.integer(-1), ber.element(Kind.REFERENCE)),
    ],
)
def test_what_breaks_ldap_is_refused(data: bytes) -> None:
    incoming = Incoming(1 << 20)
    incoming.receive(data)
    with pytest.raises(RemoteProtocolError):
        incoming.next()


@pytest.mark.proves("APP-01")
def test_a_server_that_never_ends_is_cut_off_at_the_budget() -> None:
    incoming = Incoming(1000)
    for _ in range(1000 // len(done(0))):
        incoming.receive(done(0))
        assert incoming.next()
    with pytest.raises(RemoteProtocolError, match="without end"):
        incoming.receive(done(0))


@given(st.binary(max_size=200))
def test_no_bytes_bring_anything_but_a_message_or_a_refusal(data: bytes) -> None:
    incoming = Incoming(1 << 20)
    incoming.receive(b"0" + data)
    try:
        while incoming.next() is not None:
            pass
    except RemoteProtocolError:
        pass


@given(st.integers(-(2**31), 2**31 - 1))
def test_numbers_are_those_of_an_independent_library(number: int) -> None:
    made = ber.integer(number)
    assert int(oracle.value(made)) == number
    assert ber.Contents(made).number() == number


@given(st.binary(max_size=70000))
def test_strings_are_those_of_an_independent_library(data: bytes) -> None:
    assert bytes(oracle.value(ber.octets(data))) == data
