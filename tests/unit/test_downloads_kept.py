"""What the phone keeps of a download: whole, or not at all."""

from pathlib import Path

import pytest

from ringfence.features.downloads.kept import Kept, load, save
from ringfence.protocols.dictionary import Words
from ringfence.protocols.http_cache import Validators
from ringfence.runtime.host import Host
from ringfence.runtime.picture import Picture

MADE = Picture(b"\x89PNG\n\x00", 8, 6, "BMP, 8 x 6", "0011")
KEPT = Kept("ab", "wall.jpg", 7.5, 12, MADE, Validators('"1"', "then"))


@pytest.mark.parametrize("content", [MADE, Words("es", {"Back": "Atrás"}, 2)])
def test_what_is_kept_is_what_was_saved(tmp_path: Path, content: Picture | Words) -> None:
    one = Kept("ab", "wall.jpg", 7.5, 12, content, Validators('"1"', "then"), "Spanish")
    save(Host(tmp_path), "download-x", one)
    assert load(Host(tmp_path), "download-x") == one
    assert (tmp_path / "download-x").stat().st_mode & 0o777 == 0o600


@pytest.mark.proves("APP-08")
def test_what_is_not_as_it_was_written_is_not_kept(tmp_path: Path) -> None:
    host, file = Host(tmp_path), tmp_path / "download-x"
    assert load(host, "download-x") is None
    save(host, "download-x", KEPT)
    whole = file.read_bytes()
    for spoilt in (
        whole[:-1],
        whole.replace(b"wall.jpg", b"wall.png"),
        whole.partition(b"\n")[2],
        b"",
        b"\n" * 99,
    ):
        file.write_bytes(spoilt)
        assert load(host, "download-x") is None
    file.unlink()
    file.mkdir()
    assert load(host, "download-x") is None
