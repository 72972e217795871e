"""When the phone asks its switch, and what it makes of what its supplicant tells.

The messages are those of wpa_supplicant 2.10, as it sent them in the lab.
"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.supplicant import Authorised, Event, Refused, Transaction, Unanswered

STARTED = "<3>CTRL-EVENT-EAP-STARTED EAP authentication started"
PROPOSED = "<3>CTRL-EVENT-EAP-PROPOSED-METHOD vendor=0 method={}"
SELECTED = "<3>CTRL-EVENT-EAP-METHOD EAP vendor 0 method {} selected"
SUCCESS = "<3>CTRL-EVENT-EAP-SUCCESS EAP authentication completed successfully"
FAILURE = "<3>CTRL-EVENT-EAP-FAILURE EAP authentication failed"
NAME = (
    "<3>CTRL-EVENT-EAP-TLS-CERT-ERROR reason=10 depth=0 subject='/CN=radius.telco.test' "
    "err='Domain mismatch'"
)
UNTRUSTED = (
    "<3>CTRL-EVENT-EAP-TLS-CERT-ERROR reason=1 depth=1 subject='/CN=Provider Root' "
    "err='self-signed certificate in certificate chain'"
)
WRONG = "<4>EAP-MSCHAPV2: failure message: 'FAILED' (retry not allowed, error 691)"
ALERT = "<3>CTRL-EVENT-EAP-STATUS status='remote TLS alert' parameter='certificate expired'"


def plugged(now: float = 100.0, *, provisions: bool = False) -> Transaction:
    made = Transaction(provisions=provisions)
    made.receive_carrier(True, now)
    return made


def events(state: Transaction) -> list[Event]:
    found = []
    while (event := state.next_event()) is not None:
        found.append(event)
    return found


def attempt(state: Transaction, method: int, *said: str, now: float = 100.1) -> list[Event]:
    for text in (STARTED, PROPOSED.format(method), SELECTED.format(method), *said):
        state.receive_message(text, now)
    return events(state)


def asks(state: Transaction, now: float) -> bool:
    """Return whether an EAPOL-Start goes out now, with a supplicant that begins anew if told."""
    if state.starts_to_send(now) and state.commands_to_send():
        state.receive_message("<3>Associated with 01:80:c2:00:00:03", now)
        return state.starts_to_send(now)
    return False


def starts(state: Transaction, begin: float, end: float) -> list[float]:
    """Run the clock from timer to timer; return when an EAPOL-Start went out."""
    sent, now = [], begin
    while now <= end:
        state.handle_timer(now)
        if state.starts_to_send(now):
            sent.append(round(now - begin, 2))
        due = state.get_timer()
        if due is None:
            break
        now = max(due, now)
    return sent


def test_the_first_start_goes_out_at_once_and_is_repeated_soon_once_and_then_each_second() -> None:
    """The third that waits for a slow authenticator makes it give the port up: reAuthMax is 2."""
    assert starts(plugged(), 100.0, 104.3) == [0.0, 0.25, 1.25, 2.25, 3.25, 4.25]


def test_no_start_is_sent_once_eap_began() -> None:
    state = plugged()
    state.receive_message(STARTED, 100.0)
    assert starts(state, 100.0, 100.2) == []


def test_a_port_without_an_authenticator_is_asked_ever_more_rarely() -> None:
    sent = starts(plugged(), 100.0, 200.0)
    assert len([at for at in sent if at < 10.5]) == 12
    assert [at for at in sent if at > 30.0] == pytest.approx([40.0, 70.0], abs=1.1)


def test_a_phone_without_an_answer_goes_on_after_three_seconds() -> None:
    state = plugged()
    starts(state, 100.0, 102.9)
    assert events(state) == []
    starts(state, 102.9, 103.1)
    assert events(state) == [Unanswered("no authenticator answers at this port")]
    assert not state.authorised


def test_success_is_told_with_its_protocol() -> None:
    state = plugged()
    assert attempt(state, 13, SUCCESS) == [Authorised("EAP-TLS")]
    assert state.authorised
    assert attempt(plugged(), 43, SUCCESS) == [Authorised("EAP-FAST")]


def test_re_authentication_of_a_port_that_is_open_is_no_news() -> None:
    state = plugged()
    attempt(state, 13, SUCCESS)
    assert attempt(state, 13, SUCCESS) == []
    assert state.authorised


@pytest.mark.parametrize(
    ("method", "said", "words"),
    [
        (13, [NAME], "the authentication server has another name (radius.telco.test)"),
        (13, [UNTRUSTED], "the authentication server is not trusted (Provider Root)"),
        (13, [], "the authentication server refused the phone's certificate"),
        (13, [ALERT], "refused the phone's certificate: certificate expired"),
        (43, [WRONG], "the authentication server refused identity or password"),
    ],
)
def test_a_failure_is_told_in_words(method: int, said: list[str], words: str) -> None:
    state = plugged()
    (event,) = attempt(state, method, *said, FAILURE)
    assert isinstance(event, Refused)
    assert words in event.reason
    assert state.reason == event.reason
    assert not state.authorised


def test_a_method_that_is_not_set_up_is_named() -> None:
    state = plugged()
    state.receive_message(STARTED, 100.1)
    state.receive_message(PROPOSED.format(4) + " -> NAK", 100.1)
    state.receive_message(FAILURE, 100.2)
    (event,) = events(state)
    assert isinstance(event, Refused)
    assert "offers EAP method 4, which is not set up here" in event.reason


def test_a_method_that_never_ran_means_unusable_files() -> None:
    state = plugged()
    for text in (STARTED, PROPOSED.format(13), FAILURE):
        state.receive_message(text, 100.1)
    (event,) = events(state)
    assert event == Refused("certificate or key of the phone cannot be used")


def test_after_failures_the_phone_asks_again_ever_later_up_to_a_minute() -> None:
    state, now, pauses = plugged(), 100.0, list[float]()
    for _ in range(9):
        attempt(state, 13, FAILURE, now=now)
        due = state.get_timer()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_server_that_never_answers_is_given_up() -> None:
    state, now, begun = plugged(), 100.0, list[float]()
    while not (found := [one for one in events(state) if isinstance(one, Refused)]):
        if asks(state, now):  # the switch asks who the phone is, and that was all
            begun.append(now)
            state.receive_message(STARTED, now)
        due = state.get_timer()
        assert due is not None
        now = due
        state.handle_timer(now)
    words = "the switch asked who the phone is, and no authentication server answered"
    assert found == [Refused(words)]
    assert [later - one for one, later in pairwise(begun)] == [1, 2, 4, 8, 16]
    assert now == 100 + 31 + 30


def test_an_eapol_start_follows_as_soon_as_the_supplicant_has_begun_anew() -> None:
    state = plugged()
    assert state.starts_to_send(100.0)
    assert state.commands_to_send() == ("REASSOCIATE",)
    state.receive_message(STARTED, 100.001)  # of the conversation that it leaves
    state.receive_message("<3>Associated with 01:80:c2:00:00:03", 100.002)
    assert state.starts_to_send(100.002)
    assert state.commands_to_send() == ()
    state.receive_message(STARTED, 100.003)
    assert not state.starts_to_send(100.26)


def test_progress_gives_a_slow_server_its_time() -> None:
    state = plugged()
    assert asks(state, 100.0)
    for n, text in enumerate((STARTED, PROPOSED.format(13), SELECTED.format(13)), 1):
        state.receive_message(text, 100.0 + 0.9 * n)
        state.handle_timer(100.0 + 0.9 * n + 0.8)
        assert not state.starts_to_send(100.0 + 0.9 * n + 0.8)
    state.receive_message(SUCCESS, 103.6)
    assert state.authorised


def test_a_conversation_that_stalls_is_begun_anew() -> None:
    """A second EAPOL-Start made the authenticator begin again, and the supplicant ignores that."""
    state = plugged()
    state.starts_to_send(100.0)
    state.commands_to_send()
    state.receive_message(STARTED, 100.1)
    state.receive_message(PROPOSED.format(13), 100.1)
    state.handle_timer(101.1)
    assert state.starts_to_send(101.1)
    assert state.commands_to_send() == ("REASSOCIATE",)


def test_an_anonymous_server_hands_out_the_credential_by_a_failure() -> None:
    """RFC 5422 3.5: provisioning without a verified server ends with EAP-Failure."""
    state = plugged(provisions=True)
    assert attempt(state, 43, FAILURE) == []
    assert attempt(state, 43, SUCCESS) == [Authorised("EAP-FAST")]
    again = plugged(provisions=True)
    assert len(attempt(again, 43, WRONG, FAILURE)) == 1


def test_a_wire_that_is_pulled_out_takes_the_authorisation_along() -> None:
    state = plugged()
    attempt(state, 13, SUCCESS)
    state.receive_carrier(False, 110.0)
    assert (state.authorised, state.reason) == (False, "the wire is unplugged")
    assert state.get_timer() is None
    state.receive_carrier(True, 111.0)
    assert state.starts_to_send(111.0)


def test_a_silent_network_makes_the_phone_ask_and_an_answer_calms_it() -> None:
    state = plugged()
    attempt(state, 13, SUCCESS)
    state.receive_silence(110.0)
    assert not state.authorised
    assert state.starts_to_send(110.0)
    state.receive_sign()
    assert state.authorised
    assert not state.starts_to_send(120.0)


def test_authorisation_after_silence_is_news() -> None:
    state = plugged()
    attempt(state, 13, SUCCESS)
    state.receive_silence(110.0)
    assert attempt(state, 13, SUCCESS, now=111.0) == [Authorised("EAP-TLS")]


def test_a_question_of_a_stranger_does_not_shut_an_open_port() -> None:
    """Whoever sends an EAP-Request restarts the supplicant; the switch has not shut anything."""
    state = plugged()
    attempt(state, 13, SUCCESS)
    state.receive_message(STARTED, 110.0)
    starts(state, 110.0, 139.0)
    assert state.authorised
    state.handle_timer(140.0)
    assert state.authorised
    assert state.starts_to_send(140.0)  # and the true authenticator is asked


def test_the_supplicant_begins_anew_with_each_series_and_while_nobody_answers() -> None:
    """Whoever entangled it in a conversation keeps it from the true authenticator's for 30 s."""
    state = plugged()
    assert state.starts_to_send(100.0)
    assert state.commands_to_send() == ("REASSOCIATE",)
    assert state.starts_to_send(100.25)
    assert state.commands_to_send() == ()
    assert state.starts_to_send(101.25)
    assert state.commands_to_send() == ("REASSOCIATE",)
    attempt(state, 13, SUCCESS, now=102.1)
    state.receive_silence(110.0)
    assert state.starts_to_send(110.0)
    assert state.commands_to_send() == ("REASSOCIATE",)


def test_a_supplicant_that_left_the_port_is_noticed_without_an_event() -> None:
    state = plugged()
    attempt(state, 13, SUCCESS)
    state.receive_message(
        "bssid=01:80\nSupplicant PAE state=HELD\nsuppPortStatus=Unauthorized\n", 9
    )
    assert not state.authorised


@given(st.lists(st.text(max_size=200)))
def test_no_message_but_success_authorises(texts: list[str]) -> None:
    state = plugged()
    for text in texts:
        state.receive_message(text, 100.0)
        state.receive_message("<3>" + text, 100.0)
    assert not state.authorised
