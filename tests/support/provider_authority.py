"""One authority, made by `ringfence ca init` once for all tests of a process."""

from pathlib import Path

import pytest

from tests.support.phone import ringfence


@pytest.fixture(scope="session")
def initial_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new authority; copy it, and change the copy."""
    folder = tmp_path_factory.mktemp("authority") / "ca"
    done = ringfence("ca", "init", "--unencrypted", "--dir", str(folder))
    assert done.returncode == 0, done.stderr
    return folder
