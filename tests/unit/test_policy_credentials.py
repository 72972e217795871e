"""Credentials inside URLs: found, and never shown."""

import pytest

from ringfence.policy.credentials import carried, masked
from ringfence.policy.rules import parse_rule, parse_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://bob:s3cret@pv.telco.net/x", "http://***@pv.telco.net/x"),
        ("https://pv/x?mac=1&token=s3cret", "https://pv/x?mac=1&token=***"),
        ("https://pv/x?api_key=s3cret&a=b", "https://pv/x?api_key=***&a=b"),
        ("https://pv/x?PASSWORD=s3cret;b=c", "https://pv/x?PASSWORD=***;b=c"),
        ('[--pwd "s3 cret" --uid bob] https://pv/x', "[--pwd *** --uid ***] https://pv/x"),
        ("https://pv/x [--key s3cret]", "https://pv/x [--key ***]"),
    ],
)
def test_a_secret_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert "cret" not in masked(text)


@pytest.mark.parametrize(
    "text", ["https://pv.telco.net/$MA.xml", "/$PSN.xml", "https://pv/x?mac=$MA&monkey=1", "a@b"]
)
def test_other_text_stays(text: str) -> None:
    assert masked(text) == text
    assert carried(text) == ()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("ftp://bob@host/", ("user information before the host",)),
        ("https://h/?pin=1234&PIN=9", ("pin in the query", "PIN in the query")),
        ("https://h/?token=$A", ("token in the query",)),
        ("https://h/?key=$MA&pin=$MAC", ()),
        ("https://h/?auth=$(MAU:6)-$SN", ("auth in the query",)),
    ],
)
def test_where_credentials_stand(text: str, where: tuple[str, ...]) -> None:
    assert carried(text) == where


@pytest.mark.parametrize(
    "rule", ["https://pv.telco.net/x [--pwd s3cret]", "http://bob:s3cret@pv.telco.net/a b"]
)
def test_the_error_of_a_rule_does_not_repeat_its_secret(rule: str) -> None:
    with pytest.raises(ValueError, match="not a URL") as raised:
        parse_rule(rule)
    assert "s3cret" not in str(raised.value)


def test_the_error_of_a_url_does_not_repeat_its_secret() -> None:
    with pytest.raises(ValueError, match=r"\*\*\*@pv") as raised:
        parse_url("http://bob:s3cret@pv/x")
    assert "s3cret" not in str(raised.value)
