"""Offers and answers: what two sides agree on, and what neither may be talked into."""

import contextlib
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.negotiation import SUITES, Negotiation, Security, Terms
from ringfence.protocols.sip.sdp import SIZE_LIMIT, Codec, read_description

PCMU, PCMA = Codec("PCMU", 8000, 0), Codec("PCMA", 8000, 8)
EVENTS = Codec("telephone-event", 8000, 101, parameters="0-15")
OURS = Terms("alice", "192.0.2.1", 16384, (PCMU, PCMA, EVENTS))
THEIRS = Terms("bob", "192.0.2.2", 20000, (PCMA, Codec("telephone-event", 8000, 96)))

CLEAR_OFFER = b"""v=0
o=- 1 1 IN IP4 192.0.2.2
s=-
c=IN IP4 192.0.2.2
t=0 0
m=audio 20000 RTP/AVP 8 0 96
a=rtpmap:96 telephone-event/8000
a=ptime:30
"""
KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
SECURE_OFFER = (
    CLEAR_OFFER.replace(b"RTP/AVP", b"RTP/SAVP")
    + f"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^20|1:4\n"
    f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20\n".encode()
)
"""The key of RFC 4568 section 4.1; the first line asks for an MKI, which we do not do."""


def counting(start: int = 1) -> Callable[[int], bytes]:
    numbers = itertools.count(start)
    return lambda size: next(numbers).to_bytes(size)


def side(terms: Terms = OURS, start: int = 1) -> Negotiation:
    return Negotiation(terms, counting(start))


def lines(body: bytes) -> list[str]:
    return body.decode().split("\r\n")


def test_an_offer_reads_as_rfc_8866_has_it() -> None:
    assert lines(side().offer()) == [
        "v=0",
        "o=alice 1 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 16384 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_our_first_codec_that_they_have_wins_under_their_number() -> None:
    ours = side()
    answer = ours.answer(CLEAR_OFFER)
    assert "m=audio 16384 RTP/AVP 0 96" in lines(answer)
    stream = ours.stream
    assert stream
    assert (stream.codec.name, stream.codec.payload, stream.receive_payload) == ("PCMU", 0, 0)
    assert (stream.address, stream.port, stream.ptime) == ("192.0.2.2", 20000, 30)
    assert (stream.events, stream.receive_events) == (96, 96)
    assert (stream.protect, stream.unprotect) == (None, None)


def test_both_sides_agree_and_each_sends_under_the_numbers_of_the_other() -> None:
    ours, theirs = side(), side(THEIRS, 100)
    ours.receive_answer(theirs.answer(ours.offer()))
    assert ours.stream
    assert theirs.stream
    assert ours.stream.codec.name == theirs.stream.codec.name == "PCMA"
    assert (ours.stream.events, ours.stream.receive_events) == (101, 101)
    assert (theirs.stream.events, theirs.stream.receive_events) == (101, 101)


@pytest.mark.parametrize("suite", list(SUITES))
def test_sdes_keys_cross_over(suite: str) -> None:
    ours = side(replace(OURS, security=Security.SECURE))
    theirs = side(replace(THEIRS, suites=(suite,)), 100)
    ours.receive_answer(theirs.answer(ours.offer()))
    assert ours.stream
    assert theirs.stream
    assert ours.stream.protect == theirs.stream.unprotect
    assert ours.stream.unprotect == theirs.stream.protect
    assert ours.stream.protect
    assert ours.stream.protect.suite == suite
    assert len(ours.stream.protect.material) == SUITES[suite]
    assert ours.stream.protect.material != theirs.stream.protect.material  # type: ignore[union-attr]


def test_a_crypto_line_with_an_mki_is_passed_over() -> None:
    ours = side()
    answer = lines(ours.answer(SECURE_OFFER))
    assert "m=audio 16384 RTP/SAVP 0 96" in answer
    assert [line[:34] for line in answer if "crypto" in line] == [
        "a=crypto:2 AES_CM_128_HMAC_SHA1_80"
    ]


@pytest.mark.parametrize(
    ("security", "offer", "accepted"),
    [
        (Security.CLEAR, CLEAR_OFFER, True),
        (Security.CLEAR, SECURE_OFFER, False),
        (Security.EITHER, CLEAR_OFFER, True),
        (Security.EITHER, SECURE_OFFER, True),
        (Security.SECURE, CLEAR_OFFER, False),
        (Security.SECURE, SECURE_OFFER, True),
        (Security.EITHER, SECURE_OFFER.replace(b"a=crypto", b"a=nothing"), False),
        (Security.EITHER, SECURE_OFFER.replace(KEY.encode(), b"c2hvcnQ="), False),
        (Security.EITHER, SECURE_OFFER.replace(b"RTP/SAVP", b"UDP/TLS/RTP/SAVP"), False),
        (Security.EITHER, CLEAR_OFFER + b"a=3ge2ae: requested\n", True),
        (Security.EITHER, CLEAR_OFFER.replace(b"8 0 96", b"18 96"), False),
        (Security.EITHER, CLEAR_OFFER.replace(b"audio", b"video"), False),
        (Security.EITHER, CLEAR_OFFER.replace(b"20000", b"0"), False),
    ],
)
def test_what_is_offered_is_accepted_or_refused_with_488(
    security: Security, offer: bytes, accepted: bool
) -> None:
    ours = side(replace(OURS, security=security))
    if accepted:
        ours.answer(offer)
        return
    with pytest.raises(RemoteProtocolError) as caught:
        ours.answer(offer)
    assert caught.value.status_hint == 488
    assert ours.stream is None


def test_an_answer_cannot_take_the_encryption_away() -> None:
    ours = side(replace(OURS, security=Security.SECURE))
    ours.offer()
    for answer in (
        CLEAR_OFFER,
        SECURE_OFFER.replace(b"crypto:1", b"crypto:7").replace(b"crypto:2", b"crypto:9"),
    ):
        with pytest.raises(RemoteProtocolError):
            ours.receive_answer(answer)
    assert ours.stream is None


def test_an_answer_cannot_change_the_suite_of_a_tag() -> None:
    ours = side(replace(OURS, security=Security.SECURE, suites=("AEAD_AES_128_GCM",)))
    ours.offer()
    with pytest.raises(RemoteProtocolError, match="another suite"):
        ours.receive_answer(SECURE_OFFER.replace(b"|2^20|1:4", b""))


def test_media_plane_security_is_asked_for_and_applied() -> None:
    ours = side(replace(OURS, security=Security.SECURE, mediasec=True))
    theirs = side(replace(THEIRS, mediasec=True), 100)
    offer = ours.offer()
    assert "a=3ge2ae:requested" in lines(offer)
    answer = theirs.answer(offer)
    assert "a=3ge2ae:applied" in lines(answer)
    ours.receive_answer(answer)
    assert ours.stream
    assert ours.stream.protect


@pytest.mark.parametrize("security", list(Security))
def test_an_agreement_encrypts_our_offers_whatever_else_is_set(security: Security) -> None:
    media = read_description(side(replace(OURS, security=security, mediasec=True)).offer()).media[0]
    assert (media.protocol, media.protection) == ("RTP/SAVP", "requested")
    assert media.cryptos


@pytest.mark.parametrize("asked", [b"requested", b" applied"])
@pytest.mark.parametrize("security", list(Security))
def test_who_agreed_answers_media_plane_security_with_srtp_alone(
    security: Security, asked: bytes
) -> None:
    line = b"a=3ge2ae:" + asked + b"\n"
    ours = side(replace(OURS, security=security, mediasec=True))
    for offer in (CLEAR_OFFER + line, SECURE_OFFER.replace(b"a=crypto", b"a=nothing") + line):
        with pytest.raises(RemoteProtocolError) as caught:
            ours.answer(offer)
        assert caught.value.status_hint == 488
    answer = ours.answer(SECURE_OFFER + line)
    assert "a=3ge2ae:applied" in lines(answer)
    assert read_description(answer).media[0].protocol == "RTP/SAVP"
    assert ours.stream
    assert ours.stream.protect


def test_a_clear_offer_that_asks_for_nothing_is_answered_as_without_an_agreement() -> None:
    side(replace(OURS, mediasec=True)).answer(CLEAR_OFFER)
    with pytest.raises(RemoteProtocolError):
        side(replace(OURS, security=Security.SECURE, mediasec=True)).answer(CLEAR_OFFER)
    with pytest.raises(RemoteProtocolError):
        side(replace(OURS, security=Security.CLEAR, mediasec=True)).answer(SECURE_OFFER)


@pytest.mark.parametrize("mediasec", [True, False])
def test_an_encrypted_call_cannot_be_offered_in_clear_later(mediasec: bool) -> None:
    ours = side(replace(OURS, mediasec=mediasec))
    ours.answer(SECURE_OFFER)
    with pytest.raises(RemoteProtocolError) as refused:
        ours.answer(CLEAR_OFFER)
    assert refused.value.status_hint == 488
    assert ours.stream
    assert ours.stream.protect
    ours.answer(SECURE_OFFER)


def test_without_an_agreement_nothing_is_said_of_media_plane_security() -> None:
    ours = side(replace(OURS, security=Security.SECURE))
    assert b"3ge2ae" not in ours.offer()
    assert b"3ge2ae" not in ours.answer(SECURE_OFFER + b"a=3ge2ae:requested\n")


def test_hold_is_sendonly_and_the_other_side_hears_nothing_of_us() -> None:
    ours, theirs = side(), side(THEIRS, 100)
    ours.receive_answer(theirs.answer(ours.offer()))
    ours.held = True
    offer = ours.offer()
    assert "a=sendonly" in lines(offer)
    answer = theirs.answer(offer)
    assert "a=recvonly" in lines(answer)
    ours.receive_answer(answer)
    assert ours.stream
    assert theirs.stream
    assert (ours.stream.sends, ours.stream.receives) == (False, False)
    assert (theirs.stream.sends, theirs.stream.receives) == (False, True)
    again = ours.answer(theirs.offer())
    assert "a=sendonly" in lines(again)


def test_a_re_offer_keeps_the_key_and_counts_the_version() -> None:
    ours, theirs = side(replace(OURS, security=Security.SECURE)), side(THEIRS, 100)
    ours.receive_answer(theirs.answer(ours.offer()))
    before = ours.stream
    offer = ours.offer()
    assert lines(offer)[1] == "o=alice 1 2 IN IP4 192.0.2.1"
    ours.receive_answer(theirs.answer(offer))
    assert before
    assert ours.stream
    assert ours.stream.protect == before.protect
    assert ours.stream.unprotect == before.unprotect


def test_other_media_of_an_offer_are_switched_off_in_place() -> None:
    offer = CLEAR_OFFER.replace(b"m=audio", b"m=video 5000 RTP/AVP 31\nm=audio")
    media = read_description(side().answer(offer)).media
    assert [(one.kind, one.port) for one in media] == [("video", 0), ("audio", 16384)]


def test_a_connection_address_of_zero_is_hold_as_well() -> None:
    ours = side()
    ours.answer(CLEAR_OFFER.replace(b"c=IN IP4 192.0.2.2", b"c=IN IP4 0.0.0.0"))
    assert ours.stream
    assert not ours.stream.sends


@pytest.mark.parametrize(
    "place",
    ["IP4 media.telco.test", "IP4 999.1.1.1", "IP6 2001:db8::2", "IP4 224.2.1.1/127", "IP6 :::"],
)
def test_audio_goes_to_an_address_of_our_family_and_to_nothing_that_must_be_looked_up(
    place: str,
) -> None:
    offer = CLEAR_OFFER.replace(b"IP4 192.0.2.2\nt=", f"{place}\nt=".encode())
    with pytest.raises(RemoteProtocolError, match="address") as refused:
        side().answer(offer)
    assert refused.value.status_hint == 488
    asking = side()
    asking.offer()
    with pytest.raises(RemoteProtocolError, match="address"):
        asking.receive_answer(offer)


def test_audio_over_ipv6_goes_to_an_ipv6_address() -> None:
    ours = side(replace(OURS, address="2001:db8::1"))
    for spelling in (b"2001:db8::2", b"2001:DB8:0:0:0:0:0:2"):
        ours.answer(CLEAR_OFFER.replace(b"IP4 192.0.2.2", b"IP6 " + spelling))
        assert ours.stream
        assert ours.stream.address == "2001:db8::2"
    with pytest.raises(RemoteProtocolError, match="another family"):
        ours.answer(CLEAR_OFFER)


def test_a_port_that_leaves_none_for_reports_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="not usable"):
        side().answer(CLEAR_OFFER.replace(b"20000", b"65535"))
    side().answer(CLEAR_OFFER.replace(b"20000", b"65534"))


@pytest.mark.parametrize(
    ("said", "ptime"),
    [("1", 10), ("0", 20), ("60", 60), ("1000", 130), ("99999", 20), ("\u00b2", 20), ("20.5", 20)],
)
def test_a_wish_for_packets_of_any_length_is_kept_to_what_a_packet_carries(
    said: str, ptime: int
) -> None:
    ours = side()
    ours.answer(CLEAR_OFFER.replace(b"ptime:30", f"ptime:{said}".encode()))
    assert ours.stream
    assert ours.stream.ptime == ptime


def test_no_key_is_shown() -> None:
    ours = side(replace(OURS, security=Security.SECURE))
    ours.answer(SECURE_OFFER)
    shown = repr((ours.stream, read_description(SECURE_OFFER)))
    assert KEY not in shown
    assert repr(ours.stream.protect) == "Keys(AES_CM_128_HMAC_SHA1_80)"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=1\n",
        b"v=0\ns=-\n",
        CLEAR_OFFER.replace(b"20000", b"99999"),
        CLEAR_OFFER.replace(b"8 0 96", b"8 0 256"),
        CLEAR_OFFER.replace(b"8 0 96", b"8 0 " + b"1 " * 99),
        CLEAR_OFFER.replace(b"c=IN IP4 192.0.2.2", b"c=IN IP5 x"),
        CLEAR_OFFER + b"m=audio 1 RTP/AVP 0\n" * 20,
        CLEAR_OFFER + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\n" * 20,
        CLEAR_OFFER + b"a=x\n" * 600,
        CLEAR_OFFER + b"a" * SIZE_LIMIT,
        CLEAR_OFFER + b"\x00\xff\n",
    ],
)
def test_a_malformed_description_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_description(body)


@given(st.lists(st.sampled_from([*CLEAR_OFFER.split(b"\n"), b"a=crypto:1 X inline:AA==", b"m="])))
def test_shuffled_lines_are_read_or_refused(some: list[bytes]) -> None:
    with contextlib.suppress(RemoteProtocolError):
        side().answer(b"v=0\n" + b"\n".join(some))


def test_who_is_held_and_holds_too_answers_inactive() -> None:
    ours = side()
    ours.held = True
    answered = lines(ours.answer(CLEAR_OFFER + b"a=sendonly\n"))
    assert "a=inactive" in answered
    assert ours.stream
    assert (ours.stream.sends, ours.stream.receives, ours.stream.held_there) == (False, False, True)
    answered = lines(ours.answer(CLEAR_OFFER + b"a=sendrecv\n"))
    assert "a=sendonly" in answered
    assert not ours.stream.held_there


OPUS = Codec("opus", 48000, 99, 2, "maxplaybackrate=8000")
KEYS_48 = Codec("telephone-event", 48000, 108, parameters="0-15")
OPUS_OFFER = CLEAR_OFFER.replace(b"8 0 96", b"111 96").replace(
    b"a=ptime:30", b"a=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1\na=ptime:60"
)


def test_opus_is_answered_under_their_number_with_our_parameters_in_20_ms() -> None:
    ours = side(replace(OURS, codecs=(OPUS, PCMU, KEYS_48, EVENTS)))
    answered = lines(ours.answer(OPUS_OFFER))
    assert "m=audio 16384 RTP/AVP 111" in answered
    assert "a=rtpmap:111 opus/48000/2" in answered
    assert "a=fmtp:111 maxplaybackrate=8000" in answered
    assert ours.stream
    assert (ours.stream.ptime, ours.stream.events) == (20, None)


def test_keys_count_time_as_the_codec_does() -> None:
    ours = side(replace(OURS, codecs=(OPUS, PCMU, KEYS_48, EVENTS)))
    more = OPUS_OFFER.replace(b"111 96", b"111 96 110") + b"a=rtpmap:110 telephone-event/48000\n"
    assert "m=audio 16384 RTP/AVP 111 110" in lines(ours.answer(more))
    assert ours.stream
    assert (ours.stream.events, ours.stream.receive_events) == (110, 110)
