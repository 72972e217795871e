"""A neighbour that answered and does not any more. RFC 826."""

from ringfence.features.dot1x.session import neighbour
from ringfence.features.dot1x.watch import Watch
from ringfence.protocols.dhcp import Lease

PHONE, ROUTER = bytes.fromhex("000e08abcdef"), bytes.fromhex("020000000010")
QUESTION = (
    "{to}000e08abcdef0806"  # Ethernet
    "0001080006040001"  # request
    "000e08abcdef0a630164"  # 10.99.1.100 asks
    "0000000000000a63010a"  # for 10.99.1.10
)
ANSWER = bytes.fromhex(
    "000e08abcdef0200000000100806000108000604000202000000001" + "00a63010a000e08abcdef0a630164"
)


def asked(watch: Watch, now: float) -> list[str]:
    return [frame[:42].hex() for frame in watch.frames_to_send(now)]


def aimed() -> Watch:
    watch = Watch(PHONE)
    watch.aim("10.99.1.100", "10.99.1.10", 0.0)
    return watch


def test_everyone_is_asked_first_and_then_the_neighbour_alone() -> None:
    watch = aimed()
    assert asked(watch, 0.0) == [QUESTION.format(to="ffffffffffff")]
    watch.receive_frame(ANSWER, 0.1)
    assert asked(watch, 5.0) == []
    assert asked(watch, 5.1) == [QUESTION.format(to="020000000010")]


def test_three_questions_without_an_answer_are_silence() -> None:
    watch = aimed()
    asked(watch, 0.0)
    watch.receive_frame(ANSWER, 0.0)
    told = [(bool(asked(watch, now)), watch.silent) for now in (5.0, 6.0, 7.0, 8.0)]
    assert told == [(True, False), (True, False), (True, False), (True, True)]
    assert watch.words == "10.99.1.10 does not answer"
    watch.receive_frame(ANSWER, 8.1)
    assert not watch.silent
    assert watch.answers
    assert watch.words == "10.99.1.10 answers"


def test_a_neighbour_that_never_answered_is_not_missed() -> None:
    watch = aimed()
    for second in range(60):
        asked(watch, float(second))
    assert not watch.silent
    assert not watch.answers


def test_answers_of_others_do_not_count() -> None:
    watch = aimed()
    asked(watch, 0.0)
    other = ANSWER.replace(bytes((10, 99, 1, 10)), bytes((10, 99, 1, 11)))
    for frame in (other, ANSWER[:41], b"", QUESTION.format(to="00" * 6).encode()):
        watch.receive_frame(frame, 0.1)
    assert not watch.answers


def test_nobody_is_asked_without_a_target() -> None:
    watch = Watch(PHONE)
    watch.aim("", "", 0.0)
    assert watch.get_timer() is None
    assert watch.words == ""
    assert asked(watch, 100.0) == []


def test_the_router_is_watched_else_the_server_of_the_lease_where_it_is_near() -> None:
    lease = Lease("10.99.1.100", 24, server="10.99.1.20", routers=("10.99.1.10",))
    assert neighbour(lease) == "10.99.1.10"
    assert neighbour(Lease("10.99.1.100", 24, server="10.99.1.20")) == "10.99.1.20"
    assert neighbour(Lease("10.99.1.100", 24, server="192.0.2.1")) == ""
    assert neighbour(None) == ""
