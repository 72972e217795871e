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
