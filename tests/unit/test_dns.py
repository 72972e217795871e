"""DNS messages: questions and answers beside those of dnspython, and hostile ones."""

import random

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.protocols.dns import Answer, Code, Naptr, Srv, build, read

NAME, NUMBER = "sip.telco.test", 0x1234
ASKED = build(NAME, "A", NUMBER)
HEADER = bytes.fromhex("1234 8180 0001 0001 0000 0000")


def answered(record: str, *sets: dns.rrset.RRset, name: str = NAME) -> bytes:
    """Return what a server of dnspython answers."""
    question = dns.message.from_wire(build(name, record, NUMBER))
    message = dns.message.make_response(question, recursion_available=True)
    message.answer.extend(sets)
    return message.to_wire(want_shuffle=False)


def rrset(owner: str, kind: str, *texts: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(f"{owner}.", 60, "IN", kind, *texts)


def records(record: str, *sets: dns.rrset.RRset, name: str = NAME) -> tuple[object, ...]:
    answer = read(answered(record, *sets, name=name), build(name, record, NUMBER))
    assert answer is not None
    assert (answer.code, answer.truncated) == (Code.NO_ERROR, False)
    return answer.records


@pytest.mark.parametrize("record", ["A", "AAAA", "SRV", "NAPTR"])
def test_dnspython_reads_the_question(record: str) -> None:
    message = dns.message.from_wire(build("_sip._udp.telco.test", record, 65535))
    (question,) = message.question
    assert (message.id, message.flags) == (65535, dns.flags.RD)
    assert question.to_text() == f"_sip._udp.telco.test. IN {record}"


@pytest.mark.parametrize("name", ["", "a..test", "a" * 64 + ".test", ".".join(["a" * 50] * 6)])
def test_a_name_that_has_no_form_in_dns_is_not_asked_for(name: str) -> None:
    with pytest.raises(ValueError, match="has no form in DNS"):
        build(name, "A", NUMBER)


def test_addresses_are_in_the_answers_order() -> None:
    assert records("A", rrset(NAME, "A", "192.0.2.9", "192.0.2.1")) == ("192.0.2.9", "192.0.2.1")
    assert records("AAAA", rrset(NAME, "AAAA", "2001:db8::7")) == ("2001:db8::7",)


def test_srv_and_naptr_records_are_read_whole() -> None:
    assert records("SRV", rrset(NAME, "SRV", "10 60 5061 a.telco.test.", "20 0 5060 .")) == (
        Srv(10, 60, 5061, "a.telco.test"),
        Srv(20, 0, 5060, ""),
    )
    naptr = '50 100 "s" "SIPS+D2T" "!^.*$!sip:x@y!" _sips._tcp.telco.test.'
    assert records("NAPTR", rrset(NAME, "NAPTR", naptr)) == (
        Naptr(50, 100, "s", "SIPS+D2T", "!^.*$!sip:x@y!", "_sips._tcp.telco.test"),
    )


def test_aliases_lead_to_the_records_and_their_case_does_not_count() -> None:
    aliases = (
        rrset("SIP.telco.test", "CNAME", "Edge.telco.test."),
        rrset("edge.TELCO.test", "CNAME", "pool.telco.test."),
    )
    held = rrset("pool.telco.test", "A", "192.0.2.7")
    assert records("A", *aliases, held) == ("192.0.2.7",)
    assert records("A", *aliases) == ()


def test_records_of_other_names_do_not_count() -> None:
    assert records("A", rrset("thief.test", "A", "192.0.2.66")) == ()


def test_what_is_kept_lives_no_longer_than_its_shortest_record() -> None:
    def life(*sets: dns.rrset.RRset) -> int:
        answer = read(answered("A", *sets), ASKED)
        assert answer is not None
        return answer.life

    held, alias = rrset("b.test", "A", "192.0.2.7"), rrset(NAME, "CNAME", "b.test.")
    held.ttl = 300
    assert life(alias, held) == 60
    alias.ttl = 900
    assert life(alias, held) == 300
    held.ttl = 0
    assert life(alias, held) == 0
    alias.ttl = held.ttl = 1_000_000
    assert life(alias, held) == 86_400
    assert life(alias) == 0


@pytest.mark.parametrize("life", ["80000000", "ffffffff"])
def test_a_life_that_is_no_number_of_seconds_is_none(life: str) -> None:
    data = one("c00c", 1, "c0000201").replace(bytes.fromhex("0000003c"), bytes.fromhex(life))
    answer = read(data, ASKED)
    assert answer is not None
    assert (answer.records, answer.life) == (("192.0.2.1",), 0)


def test_aliases_in_a_circle_lead_nowhere() -> None:
    circle = (rrset(NAME, "CNAME", "b.test."), rrset("b.test", "CNAME", f"{NAME}."))
    assert records("A", *circle) == ()


def test_a_target_that_is_no_host_name_is_quoted() -> None:
    assert records("SRV", rrset(NAME, "SRV", r"1 1 5060 a\.b\032c\"d.test.")) == (
        Srv(1, 1, 5060, r"a\.b\032c\"d.test"),
    )


@pytest.mark.parametrize(
    ("code", "number"), [(dns.rcode.NXDOMAIN, Code.NAME_ERROR), (dns.rcode.REFUSED, Code.REFUSED)]
)
def test_a_code_is_an_answer(code: dns.rcode.Rcode, number: Code) -> None:
    message = dns.message.make_response(dns.message.from_wire(ASKED))
    message.set_rcode(code)
    assert read(message.to_wire(), ASKED) == Answer(number)


def test_a_refusal_need_not_repeat_the_question() -> None:
    assert read(bytes.fromhex("1234 8182 0000 0000 0000 0000"), ASKED) == Answer(2)
    assert read(bytes.fromhex("1234 8183 0000 0000 0000 0000"), ASKED) is None


def test_an_answer_that_did_not_fit_is_known() -> None:
    data = bytearray(answered("A"))
    data[2] |= 0x02
    assert read(bytes(data), ASKED) == Answer(Code.NO_ERROR, truncated=True)


@pytest.mark.parametrize(
    ("where", "value"),
    [(0, 0x13), (2, 0x01), (2, 0x91), (5, 0x02), (13, ord("x")), (29, 0x1C), (31, 0x03)],
    ids=["number", "question", "opcode", "two questions", "name", "type", "class"],
)
def test_what_does_not_answer_the_question_is_none(where: int, value: int) -> None:
    data = bytearray(answered("A", rrset(NAME, "A", "192.0.2.66")))
    assert read(bytes(data), ASKED) is not None
    data[where] = value
    assert read(bytes(data), ASKED) is None


def one(owner: str, kind: int, value: str) -> bytes:
    """Return an answer with one record, its parts in hexadecimal."""
    data = bytes.fromhex(value)
    head = kind.to_bytes(2) + bytes.fromhex("0001 0000003c") + len(data).to_bytes(2)
    return HEADER + ASKED[12:] + bytes.fromhex(owner) + head + data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (one("c020", 1, "c0000201"), "does not end"),
        (one("c030", 1, "c0000201"), "does not end"),
        (one("80", 1, "c0000201"), "unknown kind"),
        (one("c00c", 1, "c00002"), "malformed A"),
        (one("c00c", 1, "c0000201")[:-1], "cut off"),
        (one("c00c", 1, "c0000201")[:-10], "cut off"),
        (HEADER + ASKED[12:], "cut off"),
        (one("3f" + "61" * 40, 1, ""), "cut off"),
        (HEADER[:6] + b"\xff\xff" + HEADER[8:] + ASKED[12:], "more than 512 records"),
    ],
)
def test_a_malformed_answer_says_what_is_wrong(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(data, ASKED)


@pytest.mark.parametrize(
    ("record", "kind", "value"),
    [("SRV", 33, "0001 0001 13c4"), ("SRV", 33, "0001 0001 13c4 0161 00 00"), ("AAAA", 28, "01")]
    + [
        ("NAPTR", 35, value)
        for value in ("0001 0001", "0001 0001 05 61", "0001 0001 00 00 00 00 00")
    ],
)
def test_a_record_that_is_not_of_its_form_is_malformed(record: str, kind: int, value: str) -> None:
    asked = build(NAME, record, NUMBER)
    data = HEADER + asked[12:] + one("c00c", kind, value)[len(HEADER + asked[12:]) :]
    with pytest.raises(ValueError, match=r"malformed|cut off"):
        read(data, asked)


@settings(max_examples=300)
@given(st.binary(max_size=80), st.sampled_from(["A", "AAAA", "SRV", "NAPTR"]))
def test_whatever_follows_the_question_is_read_or_refused(tail: bytes, record: str) -> None:
    asked = build(NAME, record, NUMBER)
    try:
        answer = read(HEADER[:7] + b"\x03" + HEADER[8:] + asked[12:] + tail, asked)
    except ValueError:
        return
    assert answer is not None


@pytest.mark.soak
def test_a_million_broken_answers_are_read_or_refused() -> None:
    drawn = random.Random(6)
    asked = build(NAME, "NAPTR", NUMBER)
    naptr = '50 100 "s" "SIPS+D2T" "!^.*$!sip:x@y!" _sips._tcp.telco.test.'
    whole = answered("NAPTR", rrset(NAME, "NAPTR", naptr))
    refused = 0
    for _ in range(1_000_000):
        data = bytearray(whole)
        for _ in range(drawn.randint(1, 4)):
            data[drawn.randrange(len(data))] = drawn.randrange(256)
        try:
            read(bytes(data[: drawn.randint(0, 2 * len(data))]), asked)
        except ValueError:
            refused += 1
    assert 0 < refused < 1_000_000
