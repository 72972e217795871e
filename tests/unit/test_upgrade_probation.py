"""What an image on probation must show, and what is started after it: judged by the keeper."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ringfence import __version__
from ringfence.messages import Message
from ringfence.runtime import probation, reset
from ringfence.runtime.host import Host
from ringfence.runtime.probation import Probation, before, worse
from ringfence.runtime.slots import STARTS, Before, Origin, Record, Slots

WAS = Before({"firewall": "Running", "line": "Running", "web": "Disabled"}, (1,), True)
ORIGIN = Origin("https://pv.telco.net:443/new.pyz", "10.0.0.1")


def report(lines: Mapping[int, bool] = {1: True}, **healths: str) -> dict[str, Any]:
    features = {"firewall": "Running", "line": "Running", "web": "Disabled", **healths}
    return {
        "schema": 1,
        "features": {name: {"health": health} for name, health in features.items()},
        "lines": [{"n": n, "registered": held} for n, held in lines.items()],
    }


def test_how_the_phone_was_doing_outlives_it_in_plain_words(tmp_path: Path) -> None:
    slots = Slots(Host(tmp_path))
    was = before(report({1: True}, firewall=Message("Running")))  # words for people can be turned
    slots.install(b"image", "9.9", ORIGIN, was)
    trial = slots.load().trial
    assert trial is not None
    assert trial.before.features["firewall"] == "Running"


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (report(), ""),
        (report({1: True, 2: False}), ""),
        (report({1: False, 2: True}), "Ext 1 is not registered"),
        (report(firewall="Failed"), "firewall is Failed"),
        (report(line="Starting"), "line is Starting"),
        (report(web="Failed"), "web is Failed"),
        (report(web="Running"), ""),
        (report(provisioning="Failed"), ""),
        ({"schema": 2, "features": {}, "lines": []}, "its report cannot be read"),
        ({"schema": 1, "features": {}, "lines": []}, "firewall is gone"),
    ],
)
@pytest.mark.proves("RSY-09")
def test_nothing_may_be_worse_than_before(now: Mapping[str, Any], reason: str) -> None:
    assert worse(WAS, now) == reason


def test_what_was_not_well_before_need_not_be_well_but_the_firewall_must() -> None:
    was = Before({"firewall": "Failed", "syslog": "Pending"}, ())
    assert worse(was, report(syslog="Failed")) == ""
    assert worse(was, report(firewall="Failed")) == "firewall is Failed"


@pytest.mark.parametrize(
    ("health", "last", "resynced"),
    [
        ("Running", {"result": "success"}, True),
        ("Running", {"result": "failure"}, False),
        ("Running", None, False),
        ("Disabled", {"result": "success"}, False),
    ],
)
def test_what_the_old_version_notes_of_itself(
    health: str, last: Mapping[str, str] | None, resynced: bool
) -> None:
    now = {**report({1: True, 2: False}, provisioning=health), "last_resync": last}
    features = {"firewall": "Running", "line": "Running", "web": "Disabled"}
    assert before(now) == Before({**features, "provisioning": health}, (1,), resynced)


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def judged(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, *resyncs: Mapping[str, Any]
) -> tuple[Probation, list[Mapping[str, Any]]]:
    asked: list[Mapping[str, Any]] = []
    answers = list(resyncs)

    def ask(state: Path, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        if request["verb"] == "status":
            return report()
        asked.append(request)
        return answers.pop(0)

    monkeypatch.setattr(probation, "ask", ask)
    return Probation(Path("/nowhere"), WAS, clock), asked


@pytest.mark.parametrize("result", ["success", "skipped", "waiting"])
def test_an_image_is_up_when_it_has_resynced_as_after_an_upgrade(
    monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    made, asked = judged(monkeypatch, Clock(), {"result": result})
    assert made.well()
    assert asked == [{"verb": "command", "name": "resync", "arguments": {"after": "upgrade"}}]


def test_a_resync_that_fails_is_tried_again_until_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    fails = {"result": "failure", "reason": "HTTP status 500"}
    made, asked = judged(monkeypatch, clock, fails, fails, {"result": "success"})
    assert not made.well()
    assert made.reason == "its resync fails: HTTP status 500"
    clock.time = 4.9
    assert not made.well()
    assert len(asked) == 1
    clock.time = 5.0
    assert not made.well()
    assert not made.over
    clock.time = 119.9
    assert made.well()
    clock.time = 120.0
    assert made.over


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    return Slots(Host(tmp_path))


def install(slots: Slots, version: str) -> Record:
    return slots.install(version.encode(), version, ORIGIN, WAS)


def start(slots: Slots) -> str:
    _, path = slots.start()
    return path.read_text() if path else "installed"


@pytest.mark.proves("RSY-09")
def test_images_take_turns_in_two_slots(slots: Slots, tmp_path: Path) -> None:
    assert start(slots) == "installed"
    for version, slot in (("0.2", "a"), ("0.3", "b"), ("0.4", "a")):
        assert install(slots, version).active == slots.load().active
        assert start(slots) == version
        held = slots.came_up()
        assert held.active
        assert (held.active.slot, held.trial) == (slot, None)
        assert held.outcome
        assert (held.outcome.version, held.outcome.reason) == (version, "")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["firmware-a.pyz", "firmware-b.pyz", "firmware.json"]


@pytest.mark.proves("RSY-09")
def test_an_image_that_does_not_come_up_is_started_three_times_and_not_taken_again(
    slots: Slots,
) -> None:
    install(slots, "0.2")
    start(slots)
    slots.came_up()
    image = install(slots, "0.3").active
    assert [start(slots) for _ in range(5)] == ["0.3"] * STARTS + ["0.2"] * 2
    held = slots.load()
    assert image
    assert held.refusal(image.digest) == "it did not come up in 3 starts"
    assert held.outcome
    assert (held.outcome.version, held.outcome.origin) == ("0.3", ORIGIN)
    assert not held.outcome.told


def test_a_start_that_was_ended_on_purpose_does_not_count(slots: Slots) -> None:
    install(slots, "0.2")
    for _ in range(9):
        assert start(slots) == "0.2"
        slots.stopped()
    assert slots.load().trial
    assert [start(slots) for _ in range(4)] == ["0.2"] * STARTS + ["installed"]
    slots.stopped()
    assert slots.load().trial is None


def test_an_image_whose_file_is_damaged_gives_way_to_the_one_before(
    slots: Slots, tmp_path: Path
) -> None:
    for version in ("0.2", "0.3"):
        install(slots, version)
        start(slots)
        slots.came_up()
    (tmp_path / "firmware-b.pyz").write_bytes(b"0.x")
    assert start(slots) == "0.2"
    (tmp_path / "firmware-a.pyz").unlink()
    assert start(slots) == "installed"
    assert slots.load().refused == ()


def test_a_package_that_somebody_installs_later_takes_precedence(
    slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(slots, "0.2")
    start(slots)
    slots.came_up()
    monkeypatch.setattr("ringfence.runtime.slots.__version__", __version__ + ".post1")
    assert start(slots) == "installed"


@pytest.mark.parametrize("text", ["", "{}{", '{"schema": 9}', '{"active": 7}', "[]"])
def test_a_record_that_cannot_be_read_starts_what_is_installed(
    slots: Slots, tmp_path: Path, text: str
) -> None:
    (tmp_path / "firmware.json").write_text(text)
    assert start(slots) == "installed"
    install(slots, "0.2")
    assert start(slots) == "0.2"


def test_a_factory_reset_keeps_the_firmware_and_whom_it_believes(
    slots: Slots, tmp_path: Path
) -> None:
    install(slots, "0.2")
    start(slots)
    slots.came_up()
    for name in ("firmware-root.json", "firmware-metadata.json", "settings-00000001.json"):
        (tmp_path / name).write_text("{}")
    host = Host(tmp_path)
    reset.begin(host)
    assert reset.finish(host)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "firmware-a.pyz",
        "firmware-metadata.json",
        "firmware-root.json",
        "firmware.json",
    ]
    assert start(slots) == "0.2"
