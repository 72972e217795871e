"""The last attempt, which outlives a restart."""

import logging
import os
from pathlib import Path

import pytest

from ringfence.runtime.attempt import Attempt, record, recorded
from ringfence.runtime.host import Host

FILE = "custom-ca.json"


def test_an_attempt_is_there_after_a_restart(tmp_path: Path) -> None:
    assert recorded(Host(tmp_path), FILE) == Attempt()
    failed = Attempt(1_700_000_000.0, "https://pv.telco.test/ca.pem", "HTTP status 404")
    record(Host(tmp_path), FILE, failed)
    assert recorded(Host(tmp_path), FILE) == failed


@pytest.mark.parametrize("data", [b"", b"[]", b'{"at": "x"}', b'{"at": 1, "url": 2}', b"\xff{"])
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    assert recorded(Host(tmp_path), FILE) == Attempt()


def test_a_pipe_in_its_place_counts_as_none_and_a_disk_that_refuses_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / FILE)
    assert recorded(Host(tmp_path), FILE) == Attempt()
    (tmp_path / "folder").mkdir()
    with caplog.at_level(logging.WARNING):
        record(Host(tmp_path), "folder", Attempt(1.0))
    assert "attempt.not_noted: folder" in caplog.text
