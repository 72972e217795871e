"""The activation protocol: what either side writes and reads, and what it will not read."""

import json

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols import activation
from ringfence.protocols.activation import Refusal, RefusedError

DIGITS = "1234567890123456"


@pytest.mark.parametrize(
    "text", [DIGITS, "1234-5678-9012-3456", " 1234 5678 9012 3456\n", "1-2-3-4-5-6-7-890123456"]
)
def test_a_code_is_read_as_people_write_it(text: str) -> None:
    assert activation.code(text) == DIGITS


@pytest.mark.parametrize(
    "text", ["", "123456789012345", DIGITS + "7", "12345678901234５6", "x" * 16]
)
def test_what_has_not_sixteen_digits_is_no_code(text: str) -> None:
    with pytest.raises(ValueError, match="has 16 digits"):
        activation.code(text)


def test_a_code_is_printed_in_groups_of_four() -> None:
    assert activation.written(DIGITS) == "1234-5678-9012-3456"


def test_a_question_is_an_object_with_the_code_if_there_is_one() -> None:
    assert activation.question("") == b"{}"
    assert json.loads(activation.question(DIGITS)) == {"code": DIGITS}
    assert activation.read_question(b"{}") == ""
    assert activation.read_question(b'{"code": "1234-5678-9012-3456", "later": 1}') == DIGITS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"code": 1234567890123456}',
        b'{"code": "1"}',
        b'{"code": "\xff"}',
        b'{"code": ["1"]}',
        b"[" * 200,
        b'{"code": "' + b" " * 300 + b'"}',
    ],
)
def test_what_is_no_question_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        activation.read_question(body)
    assert refused.value.refusal is Refusal.MALFORMED


def test_a_rule_is_read_from_its_answer() -> None:
    rule = "https://pv.telco.test/$MA.xml"
    assert json.loads(activation.answer(rule)) == {"profile_rule": rule}
    assert (
        activation.read_answer(200, b'{"profile_rule": "%b", "later": {}}' % rule.encode()) == rule
    )


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("code-needed", 403, "an activation code is needed"),
        ("code-wrong", 403, "is wrong"),
        ("code-used", 403, "was used already"),
        ("code-expired", 403, "has expired"),
        ("code-revoked", 403, "was taken back"),
        ("code-foreign", 403, "is another phone's"),
        ("too-many", 429, "too many wrong"),
        ("device-blocked", 403, "blocked"),
        ("no-certificate", 403, "no device certificate"),
        ("no-rule", 404, "has not said where"),
        ("malformed", 400, "cannot be read"),
        ("unavailable", 503, "cannot answer now"),
    ],
)
def test_each_refusal_has_its_status_and_is_told_in_words(
    word: str, status: int, said: str
) -> None:
    refusal = Refusal(word)
    assert refusal.status == status
    assert json.loads(activation.refused(refusal))["error"] == word
    with pytest.raises(RefusedError, match=said):
        activation.read_answer(status, activation.refused(refusal))


def test_every_word_of_the_protocol_has_words_for_people() -> None:
    assert all(refusal.words for refusal in Refusal)
    assert len(Refusal) == 12


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"profile_rule": 7}'),
        (404, b'{"profile_rule": "https://pv.telco.test/x"}'),
        (500, b'{"error": "<script>"}'),
        (403, b'{"error": ["code-used"]}'),
        (200, b'{"profile_rule": "' + b"x" * 9000 + b'"}'),
        (200, b"[" * 5000),
    ],
)
def test_what_is_no_answer_is_refused(status: int, body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=f"HTTP status {status}"):
        activation.read_answer(status, body)
