"""Encrypted profiles. Source: phone-facts 2.4; RFC 8188 section 3; files made by openssl 3.0."""

import base64
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import DocumentError
from ringfence.policy.wrapping import unwrapped, wrapped
from ringfence.protocols import aes128gcm, openssl_enc

PLAIN = b"<flat-profile><GPP_A>x</GPP_A></flat-profile>\n"
KEY = "Ring fence"
SHA256 = (  # openssl enc -aes-256-cbc -k 'Ring fence' -base64 -A
    "U2FsdGVkX1+0NPoFOa43/nGXl8ywx1i1qUE9CDth7p6EoQ+FGKw8CAdAsi8DeE0WQuv0VsXSpmnq3ySNGRXV+Q=="
)
MD5 = (  # openssl enc -aes-256-cbc -md md5 -k 'Ring fence' -base64 -A
    "U2FsdGVkX1/OtDo3/Sjz4ImubsF/auzQagSOGNk430GC21OzZFJOEFIIpySOiEuP1Fb7A8519W3PoVEhoYUEFA=="
)
OTHER_TEXT = (  # the same of "no profile"
    "U2FsdGVkX18ozZr0n1AiB1QynfjZtWURBf6QEbTGDsE="
)

WALRUS = b"I am the walrus"
IKM = "yqdlZ-tYemfogSmv7Ws5PQ"
ONE_RECORD = "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg"
IKM_2 = "BO3ZVPxUlnLORbVGMpbT1Q"
TWO_RECORDS = (
    "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLW"
    "IqS_uA"
)


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def file(text: str) -> bytes:
    return base64.b64decode(text)


def refused(body: bytes, coded: bytes = b"", key: str = "", keying: str = "") -> str:
    with pytest.raises(DocumentError) as refusal:
        unwrapped(body, coded, key, keying)
    return str(refusal.value)


@pytest.mark.proves("RSY-06")
def test_a_plain_file_stays_as_it_is() -> None:
    assert unwrapped(PLAIN, b"", "", "") == (PLAIN, ())
    assert unwrapped(PLAIN, b"identity", "", "keying") == (PLAIN, ())


@pytest.mark.proves("RSY-06")
def test_a_file_of_todays_openssl_opens() -> None:
    assert unwrapped(file(SHA256), b"", KEY, "") == (PLAIN, ())


@pytest.mark.proves("RSY-06")
def test_a_file_of_the_old_openssl_opens_with_a_warning() -> None:
    plain, found = unwrapped(file(MD5), b"", KEY, "")
    assert plain == PLAIN
    assert [(finding.severity.value, finding.rule) for finding in found] == [
        ("warning", "profile-key-md5")
    ]


@pytest.mark.proves("RSY-06")
def test_a_wrong_key_and_a_missing_one_are_told_apart() -> None:
    assert "another key than the rule's --key" in refused(file(SHA256), key="Ringfence")
    assert "the rule has no key" in refused(file(SHA256))
    assert "Ring" not in refused(file(SHA256), key="Ringfence")


@pytest.mark.proves("RSY-06")
def test_a_plain_file_is_refused_where_the_rule_has_a_key() -> None:
    assert "the file is not encrypted" in refused(PLAIN, key=KEY)
    assert "the file is not encrypted" in refused(gzip.compress(PLAIN), key=KEY)


def test_what_decrypts_to_no_profile_counts_as_the_wrong_key() -> None:
    assert openssl_enc.decrypt(file(OTHER_TEXT), KEY, "sha256") == b"no profile"
    assert "another key" in refused(file(OTHER_TEXT), key=KEY)


@pytest.mark.parametrize("size", [0, 8, 15, 16, 17, 31])
def test_a_file_that_was_cut_off_is_refused(size: int) -> None:
    assert "another key" in refused(file(SHA256)[: max(size, 8)], key=KEY)


@pytest.mark.proves("RSY-06")
def test_the_examples_of_rfc_8188() -> None:
    assert aes128gcm.decrypt(raw(ONE_RECORD), raw(IKM)) == WALRUS
    assert aes128gcm.decrypt(raw(TWO_RECORDS), raw(IKM_2)) == WALRUS
    key, nonce = aes128gcm.derived(raw("I1BsxtFttlv3u_Oo94xnmw"), raw(IKM))
    assert (key, nonce) == (raw("_wniytB-ofscZDh4tbSjHw"), raw("Bcs8gkIRKLI8GeI8"))


@pytest.mark.proves("RSY-06")
def test_the_parameter_holds_the_keying_material_as_it_is_or_encoded() -> None:
    assert unwrapped(raw(ONE_RECORD), b"aes128gcm", "", IKM) == (WALRUS, ())
    assert unwrapped(raw(TWO_RECORDS), b"gzip, AES128GCM", "unused", IKM_2) == (WALRUS, ())
    assert "IKM_HTTP_Encrypt_Content is empty" in refused(raw(ONE_RECORD), b"aes128gcm")
    assert "another key" in refused(raw(ONE_RECORD), b"aes128gcm", keying=IKM_2)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (raw(TWO_RECORDS)[:48], "cut off"),
        (raw(TWO_RECORDS)[:60], "record 2"),
        (raw(TWO_RECORDS)[:30], "no record"),
        (raw(TWO_RECORDS)[:20], "the header is cut off"),
        (raw(ONE_RECORD)[:16] + bytes((0, 0, 0, 17, 0)) + raw(ONE_RECORD)[21:], "no record"),
        (raw(ONE_RECORD)[:-1] + b"\0", "record 1"),
        (raw(ONE_RECORD)[:20] + b"\xff" + raw(ONE_RECORD)[21:], "no record"),
    ],
    ids=["a record", "half a record", "no record", "header", "record size", "changed", "key id"],
)
def test_content_that_is_not_whole_is_refused(body: bytes, reason: str) -> None:
    key = raw(IKM_2 if body.startswith(raw(TWO_RECORDS)[:16]) else IKM)
    with pytest.raises(ValueError, match=reason):
        aes128gcm.decrypt(body, key)


@given(st.binary(max_size=200), st.sampled_from([b"", b"aes128gcm"]), st.sampled_from(["", "k"]))
def test_garbage_is_refused_or_plain(body: bytes, coded: bytes, key: str) -> None:
    for head in (b"", b"Salted__"):
        try:
            got, _ = unwrapped(head + body, coded, key, "k")
        except DocumentError:
            continue
        assert got == head + body


@pytest.mark.proves("RSY-08")
def test_a_report_is_encrypted_as_in_the_example_of_the_rfc() -> None:
    salt = raw("I1BsxtFttlv3u_Oo94xnmw")
    assert aes128gcm.encrypt(WALRUS, raw(IKM), salt) == raw(ONE_RECORD)


@pytest.mark.proves("RSY-08")
def test_a_report_is_encrypted_as_openssl_does_it() -> None:
    made = file(SHA256)
    assert openssl_enc.encrypt(PLAIN, KEY, made[8:16]) == made


@given(st.binary(max_size=200), st.integers(18, 60))
def test_what_goes_in_comes_out_whatever_the_size_of_the_records(plain: bytes, size: int) -> None:
    made = aes128gcm.encrypt(plain, b"keying", b"s" * 16, size)
    assert aes128gcm.decrypt(made, b"keying") == plain


def test_a_key_of_the_rule_comes_before_the_keying_material() -> None:
    def entropy(size: int) -> bytes:
        return b"r" * size

    assert wrapped(PLAIN, "", "", entropy) == (PLAIN, "")
    by_rule, coding = wrapped(PLAIN, KEY, "keying", entropy)
    assert (by_rule[:8], coding) == (b"Salted__", "")
    assert unwrapped(by_rule, b"", KEY, "") == (PLAIN, ())
    by_setting, coding = wrapped(PLAIN, "", "keying", entropy)
    assert unwrapped(by_setting, coding.encode(), "", "keying") == (PLAIN, ())
