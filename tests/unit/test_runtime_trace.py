"""The file of a trace and the keys: who may read it, what is left of a killed writer."""

import os
import ssl
import stat
from pathlib import Path

import pytest

from ringfence.config.settings import Settings
from ringfence.errors import ComponentError
from ringfence.policy.applications import SIP, WEB_SERVER
from ringfence.policy.tls import policy_for
from ringfence.runtime.host import Host
from ringfence.runtime.host_trace import KeyLog, TraceFile, open_trace
from ringfence.runtime.state import Facts
from ringfence.runtime.tls import client_context, server_context
from ringfence.runtime.trace import banner
from tests.support.certificates import authority, leaf


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_trace_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        TraceFile(tmp_path / "new.pcapng")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new.pcapng") == 0o600


def test_a_file_that_others_could_read_is_closed_to_them_and_emptied(tmp_path: Path) -> None:
    file = tmp_path / "old.pcapng"
    file.write_bytes(b"x" * 100)
    file.chmod(0o644)
    made = TraceFile(file)
    assert (mode(file), file.stat().st_size, made.size) == (0o600, 0, 0)
    assert made.name == str(file)


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "theirs.pcapng"
    file.write_bytes(b"x")
    os.chown(file, 12345, 12345)
    with pytest.raises(ComponentError, match="belongs to another user"):
        TraceFile(file)
    assert file.read_bytes() == b"x"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "fifo")
    for path, reason in {
        tmp_path / "link": "is a symbolic link",
        tmp_path / "fifo": "is not a regular file",
        tmp_path: "Is a directory",
        tmp_path / "none" / "file": "No such file or directory",
        Path("/dev/full"): "is not a regular file",
        Path("a\0b"): "embedded null byte",
    }.items():
        with pytest.raises(ComponentError, match=reason):
            TraceFile(path)
    assert not (tmp_path / "target").exists()


def test_a_file_that_a_phone_writes_is_not_taken_from_it(tmp_path: Path) -> None:
    first = TraceFile(tmp_path / "one")
    first.append(b"whole")
    with pytest.raises(ComponentError, match="another phone writes it"):
        TraceFile(tmp_path / "one")
    os.close(open_trace(tmp_path / "one"))
    assert (tmp_path / "one").read_bytes() == b"whole"


def test_the_next_life_goes_on_behind_the_last_whole_block(tmp_path: Path) -> None:
    made = TraceFile(tmp_path / "one")
    made.append(b"whole")
    made.overwrite(made.size, b"torn by a kill")  # what a write that never returned leaves
    made.trim()
    made.append(b", next")
    made.overwrite(0, b"W")
    assert (tmp_path / "one").read_bytes() == b"Whole, next"


def test_keys_are_taken_once_and_reach_no_disk() -> None:
    keys = KeyLog()
    with open(keys.path, "ab") as library:
        library.write(b"CLIENT_RANDOM 1 2\n")
        library.flush()
        assert keys.take() == b"CLIENT_RANDOM 1 2\n"
        library.write(b"CLIENT_RANDOM 3 4\n")
    assert [keys.take(), keys.take()] == [b"CLIENT_RANDOM 3 4\n", b""]
    assert os.readlink(keys.path).startswith("/memfd:")


def test_without_a_trace_no_context_gives_keys_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(wanted))
    files = leaf(authority(), dns=["x.test"]).save(tmp_path, "x")
    client = client_context(policy_for(SIP, Settings(), Facts()))
    server = server_context(policy_for(WEB_SERVER, Settings(), Facts()), *files)
    assert Host(tmp_path).key_log == ""
    assert [made.keylog_filename for made in (client, server)] == [None, None]
    assert ssl.create_default_context().keylog_filename == str(wanted)  # others would


def test_the_banner_names_the_file_and_the_danger() -> None:
    text = banner("/tmp/x.pcapng")
    assert "the keys of every TLS connection of this phone are being written to" in text
    assert "/tmp/x.pcapng" in text
    assert max(map(len, text.splitlines())) < 100
