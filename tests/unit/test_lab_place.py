"""Where a lab keeps its files, and whether it runs."""

import json
import os
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.errors import ComponentError
from ringfence.lab.place import Place, Record, born


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Place("second")


@pytest.mark.parametrize("name", ["", "../up", "A", "a b", "-x", "x" * 33, "a/b"])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ComponentError, match="is no name"):
        Place(name)


def test_two_labs_have_two_folders(tmp_path: Path, place: Place) -> None:
    assert place.folder == tmp_path / "ringfence" / "lab" / "second"
    assert Place("third").folder != place.folder


def test_a_lab_runs_while_its_lock_is_held(place: Place) -> None:
    assert not place.runs()
    held = place.lock()
    assert held is not None
    assert place.runs()
    assert place.lock() is None
    os.close(held)
    assert not place.runs()


def test_a_record_comes_back(place: Place) -> None:
    held = place.lock()
    assert held is not None
    record = Record(4711, 99, "http://127.0.0.1:4080/", "admin", "secret")
    place.write(record)
    assert place.record() == record
    os.close(held)


def test_a_damaged_record_is_no_record(place: Place) -> None:
    assert place.record() is None
    held = place.lock()
    assert held is not None
    (place.folder / "lab.json").write_text('{"pid": 1')
    assert place.record() is None
    os.close(held)


def test_a_dead_lab_is_removed_with_everything_it_left(tmp_path: Path, place: Place) -> None:
    held = place.lock()
    assert held is not None
    place.log.mkdir()
    (place.log / "phone.log").write_text("last words")
    place.write(Record(4194305, 1, ""))
    os.close(held)
    place.stop()
    assert list(tmp_path.iterdir()) == []


def test_nothing_can_be_run_in_a_lab_that_does_not_run(place: Place) -> None:
    with pytest.raises(ComponentError, match="does not run"):
        place.join("phone", ["true"])


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    assert born(os.getpid()) == born(os.getpid())
    assert born(4194305) is None


def test_a_folder_that_cannot_be_written_is_named(place: Place) -> None:
    held = place.lock()
    assert held is not None
    (place.folder / "lab.json").mkdir()
    with pytest.raises(ComponentError, match=r"lab\.json: Is a directory"):
        place.write(Record(1, 1, "http://127.0.0.1/"))
    place.log.touch()
    with pytest.raises(ComponentError, match=r"second/log: File exists"):
        place.make_log()
    os.close(held)


def test_a_lab_that_cannot_be_started_is_json_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("ringfence.cli.lab._lacking", lambda: "")
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["lab", "up", "--json"]) == 1
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert (document["registered"], document["failed"]) == (False, "lab")
    assert document["steps"][0]["reason"].endswith("Not a directory")
    assert len(told.err.splitlines()) == 1
