"""Since when a line has been without registration. Source: phone-facts 2.6, REGTMR1, REGTMR2."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.features.provisioning.plan import plan
from ringfence.features.provisioning.registrations import Registrations
from ringfence.runtime.state import Facts


def line(n: int, *, registered: bool, used: bool = True) -> dict[str, object]:
    return {"n": n, "registered": registered, "used": used}


@pytest.mark.proves("RSY-03")
def test_the_seconds_count_from_the_first_look_at_a_lost_line() -> None:
    seen = Registrations()
    seen.see([line(1, registered=True), line(2, registered=False)], 100.0)
    assert seen.values(100.0) == {"REGTMR1": "0", "REGTMR2": "1"}
    seen.see([line(1, registered=False), line(2, registered=False)], 150.0)
    assert seen.values(161.5) == {"REGTMR1": "11", "REGTMR2": "61"}
    seen.see([line(1, registered=True), line(2, registered=True)], 170.0)
    assert seen.values(180.0) == {"REGTMR1": "0", "REGTMR2": "0"}


def test_a_line_that_wants_no_registrar_has_lost_none() -> None:
    seen = Registrations()
    seen.see([line(1, registered=False, used=False)], 100.0)
    assert seen.values(200.0) == {"REGTMR1": "0", "REGTMR2": "0"}


@pytest.mark.parametrize(
    ("texts", "watched"),
    [
        ({}, False),
        ({"Resync_Trigger_1": "$REGTMR1 ge 600"}, True),
        ({"Profile_Rule_B": "($(REGTMR2) eq 0)? | https://a.test/lost"}, True),
        ({"GPP_J": "line 1: $REGTMR1"}, True),
    ],
)
def test_the_lines_are_watched_where_a_text_asks(texts: dict[str, str], watched: bool) -> None:
    settings, errors = decode(texts, Settings())
    assert not errors
    assert plan(settings, Facts()).plans[""].watches_lines is watched
