"""The store: what it wrote is what it reads, and damage costs one generation at most."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.parameter import Access
from ringfence.config.snapshot import Origin, Stored
from ringfence.errors import ComponentError
from ringfence.runtime.host import Host
from ringfence.runtime.store import Store

ONE = {"Firewall": Stored("Disabled", Origin.PAGE, Access.READ)}
TWO = {"Firewall": Stored("Enabled", Origin.PROFILE)}


def saved(state: Path, *generations: dict[str, Stored]) -> Host:
    host = Host(state)
    store = Store(host)
    store.load()
    for stored in generations:
        store.save(stored, {})
    return host


def newest(state: Path) -> Path:
    return max(state.glob("settings-*.json"))


def test_what_was_saved_is_loaded_with_origin_and_access(tmp_path: Path) -> None:
    store = Store(Host(tmp_path))
    store.save(ONE, {"vpn": "once"})
    loaded = Store(Host(tmp_path)).load()
    assert dict(loaded.stored) == ONE
    assert dict(loaded.intents) == {"vpn": "once"}
    assert loaded.problem == ""


def test_a_virgin_folder_holds_nothing(tmp_path: Path) -> None:
    loaded = Store(Host(tmp_path)).load()
    assert (dict(loaded.stored), loaded.problem) == ({}, "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data.replace(b"Enabled", b"Disable"),
        lambda data: b"\0" * len(data),
        lambda data: data + b" ",
    ],
)
def test_a_damaged_generation_falls_back_to_the_last_good_one_and_says_so(
    tmp_path: Path, damage: object
) -> None:
    saved(tmp_path, ONE, TWO)
    path = newest(tmp_path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    loaded = Store(Host(tmp_path)).load()
    assert dict(loaded.stored) == ONE
    assert path.name in loaded.problem


def test_the_good_generation_behind_a_damaged_one_outlives_the_next_save(tmp_path: Path) -> None:
    saved(tmp_path, ONE, TWO)
    damaged = newest(tmp_path)
    damaged.write_bytes(b"damaged")
    store = Store(Host(tmp_path))
    store.load()
    store.save(TWO, {})
    newest(tmp_path).write_bytes(b"damaged as well")
    assert dict(Store(Host(tmp_path)).load().stored) == ONE


def test_two_generations_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, ONE, TWO, ONE, TWO, ONE)
    names = sorted(path.name for path in tmp_path.glob("settings-*.json"))
    assert names == ["settings-00000004.json", "settings-00000005.json"]


def test_a_full_disk_leaves_what_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = saved(tmp_path, ONE)
    store = Store(host)
    store.load()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ComponentError, match="No space left"):
        store.save(TWO, {})
    monkeypatch.undo()
    assert dict(Store(Host(tmp_path)).load().stored) == ONE
    assert [path.name for path in tmp_path.iterdir()] == ["settings-00000001.json"]


def test_settings_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    saved(tmp_path, ONE)
    assert newest(tmp_path).stat().st_mode & 0o777 == 0o600


@given(st.binary(max_size=300))
def test_no_file_content_raises_anything_but_is_reported(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "settings-00000001.json").write_bytes(data)
        loaded = Store(Host(Path(folder))).load()
        assert not loaded.stored
        assert "settings-00000001.json" in loaded.problem


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'{"schema":1}',
        b'{"schema":2,"stored":{},"intents":{}}',
        b'{"schema":1,"stored":[],"intents":{}}',
        b'{"schema":1,"stored":{"Firewall":[1,"profile",null]},"intents":{}}',
        b'{"schema":1,"stored":{"Firewall":["Enabled","nobody",null]},"intents":{}}',
        b'{"schema":1,"stored":{},"intents":[]}',
        b'{"schema":1,"other":' + b"[" * 100_000,
        b'{"schema":1,"stored":{"\xff":["","profile",null]},"intents":{}}',
    ],
)
def test_a_whole_file_of_another_shape_falls_back_to_the_last_good_one(
    tmp_path: Path, body: bytes
) -> None:
    saved(tmp_path, ONE, TWO)
    newest(tmp_path).write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    loaded = Store(Host(tmp_path)).load()
    assert dict(loaded.stored) == ONE
    assert "settings-00000002.json" in loaded.problem


def test_a_pipe_or_a_huge_file_for_a_generation_is_not_waited_for(tmp_path: Path) -> None:
    saved(tmp_path, ONE)
    os.mkfifo(tmp_path / "settings-00000002.json")
    with (tmp_path / "settings-00000003.json").open("wb") as file:
        file.truncate(1 << 40)
    loaded = Store(Host(tmp_path)).load()
    assert dict(loaded.stored) == ONE
    assert "settings-00000002.json: file settings-00000002.json: is not a regular" in loaded.problem
    assert "file settings-00000003.json: is larger than 8388608 bytes" in loaded.problem


def test_a_folder_among_the_generations_spoils_no_save(tmp_path: Path) -> None:
    (tmp_path / "settings-00000001.json").mkdir()
    host = saved(tmp_path, ONE, TWO, ONE)
    assert dict(Store(host).load().stored) == ONE


def test_the_hundred_millionth_generation_is_newer_than_the_one_before(tmp_path: Path) -> None:
    host = saved(tmp_path, ONE)
    newest(tmp_path).rename(tmp_path / "settings-99999999.json")
    store = Store(host)
    store.load()
    store.save(TWO, {})
    assert dict(Store(host).load().stored) == TWO
