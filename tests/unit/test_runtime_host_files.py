"""Files of the state folder, on a disk that refuses."""

from pathlib import Path

import pytest

from ringfence.errors import ComponentError
from ringfence.runtime.host import Host


def test_a_disk_that_refuses_even_to_tidy_up_is_named_as_such(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    host = Host(folder)
    folder.write_text("no folder")  # neither makes a file here nor removes one
    with pytest.raises(ComponentError, match=r"file settings\.json: Not a directory"):
        host.write("settings.json", b"{}")


def test_names_are_one_by_itself_or_those_that_begin_and_end_alike(tmp_path: Path) -> None:
    host = Host(tmp_path)
    for name in ("settings-1.json", "settings-12.json", "settings-", "other-1.json", "-.json"):
        (host.state / name).touch()
    assert host.names("settings-*.json") == ["settings-1.json", "settings-12.json"]
    assert host.names("settings-") == ["settings-"]
    assert host.names("settings") == []
    assert host.names("other*other-1.json") == []
    assert Host(tmp_path / "nowhere").names("*.json") == []
