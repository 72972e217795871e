"""The store: what it wrote is what it reads, and damage costs one generation at most."""

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
