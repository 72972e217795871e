"""The volume and the microphone that all calls share."""

from pathlib import Path

import pytest

from ringfence.errors import ConfigError
from ringfence.runtime.handset import Handset
from ringfence.runtime.host import Host

ONE = b"\xe8\x03" * 4  # 1000 four times


def test_a_volume_survives_a_restart_and_what_the_disk_has_wrong_does_not(tmp_path: Path) -> None:
    handset = Handset(Host(tmp_path))
    assert (handset.volume, handset.played(ONE)) == (7, ONE)
    handset.turn(5)
    assert handset.played(ONE) == b"\xf5\x01" * 4  # 501: 6 dB less
    assert Handset(Host(tmp_path)).volume == 5
    (tmp_path / "volume").write_text("loud")
    assert Handset(Host(tmp_path)).volume == 7
    (tmp_path / "volume").write_text("99")
    assert Handset(Host(tmp_path)).volume == 10


@pytest.mark.parametrize("volume", [-1, 11])
def test_there_is_no_other_volume(tmp_path: Path, volume: int) -> None:
    handset = Handset(Host(tmp_path))
    with pytest.raises(ConfigError, match="take 0 to 10"):
        handset.turn(volume)
    assert handset.volume == 7


def test_a_muted_phone_sends_silence_as_long_as_what_was_said(tmp_path: Path) -> None:
    handset = Handset(Host(tmp_path))
    assert handset.spoken(ONE) == ONE
    handset.muted = True
    assert handset.spoken(ONE) == bytes(8)
