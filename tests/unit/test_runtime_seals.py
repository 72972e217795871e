"""What is kept of the passwords of accounts: on the disk, in the snapshot, and after a change."""

import asyncio
import hashlib
import os
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ringfence.config import unconfirmed
from ringfence.config.codecs import Secret
from ringfence.config.sealed import Sealed, read
from ringfence.config.snapshot import Change, Origin, Stored
from ringfence.runtime import seals
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory
from ringfence.runtime.seals import hashed, matches
from ringfence.runtime.store import Store

ADMIN, USER = "Correct-horse-1", "Battery-staple-2"
REALM = "CP-8841-3PCC 000e08abcdef"


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(Host(tmp_path), "11.3", REALM)


def put(memory: Memory, origin: Origin = Origin.PROFILE, /, **texts: str) -> None:
    assert memory.submit({tag: Change(text) for tag, text in texts.items()}, origin) == []


def kept(memory: Memory, tag: str = "Admin_Password") -> Sealed:
    found = read(memory.snapshot.stored[tag].text)
    assert found
    return found


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def test_no_file_has_a_password_and_each_can_be_checked(memory: Memory, tmp_path: Path) -> None:
    put(memory, Admin_Password=ADMIN, User_Password=USER)
    put(memory, Host_Name="desk")
    assert ADMIN.encode() not in on_disk(tmp_path)
    assert USER.encode() not in on_disk(tmp_path)
    again = Memory(Host(tmp_path), "11.3", REALM).snapshot.settings.system
    assert matches(again.admin_password, ADMIN)
    assert matches(again.user_password, USER)
    assert not matches(again.admin_password, USER)
    assert not matches(again.user_password, "")


def test_the_hash_is_argon2id_as_others_read_it(memory: Memory) -> None:
    put(memory, Admin_Password=ADMIN)
    phc = kept(memory).phc
    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    Argon2id.verify_phc_encoded(ADMIN.encode(), phc)
    with pytest.raises(InvalidKey):
        Argon2id.verify_phc_encoded(USER.encode(), phc)


def test_two_phones_keep_nothing_alike_of_one_password(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        memory = Memory(Host(tmp_path / name), "11.3", f"phone {name}")
        put(memory, Admin_Password=ADMIN)
        made.append(kept(memory))
    assert made[0].phc != made[1].phc
    assert made[0].sha256 != made[1].sha256


def test_a_resync_that_repeats_a_password_changes_nothing(tmp_path: Path) -> None:
    put(Memory(Host(tmp_path), "11.3", REALM), Admin_Password=ADMIN, User_Password=USER)
    for _ in range(2):
        memory = Memory(Host(tmp_path), "11.3", REALM)
        before, files = memory.snapshot, on_disk(tmp_path)
        put(memory, Admin_Password=ADMIN, User_Password=USER)
        put(memory, Admin_Password=ADMIN, User_Password=USER)
        assert (memory.snapshot is before, on_disk(tmp_path)) == (True, files)
    put(memory, User_Password=ADMIN)
    assert matches(memory.snapshot.settings.system.user_password, ADMIN)


def test_digest_has_its_hashes_only_while_programs_use_the_account(memory: Memory) -> None:
    put(memory, Admin_Password=ADMIN, User_Password=USER)
    data = f"admin:{REALM}:{ADMIN}".encode()
    assert kept(memory).digests == {
        b"SHA-256": hashlib.sha256(data).hexdigest().encode(),
        b"MD5": hashlib.md5(data, usedforsecurity=False).hexdigest().encode(),
    }
    assert kept(memory, "User_Password").digests == {}
    put(memory, Origin.PAGE, Enable_Direct_Action_Url="No")
    assert (kept(memory).digests, kept(memory).realm) == ({}, "")
    assert memory.snapshot.origin("Admin_Password") is Origin.PROFILE
    assert matches(memory.snapshot.settings.system.admin_password, ADMIN)
    put(memory, Enable_Direct_Action_Url="Yes", Admin_Password=ADMIN)
    assert len(kept(memory).digests) == 2
    local = {"CISCO_XML_EXE_Enable": "Yes", "CISCO_XML_EXE_Auth_Mode": "Local Credential"}
    put(memory, **local, User_Password=USER)
    assert len(kept(memory, "User_Password").digests) == 2


def test_a_store_of_clear_passwords_is_sealed_for_good(tmp_path: Path) -> None:
    store = Store(Host(tmp_path))
    stored = {
        "Admin_Password": Stored(ADMIN, Origin.PAGE),
        "User_Password": Stored(USER, Origin.PROFILE),
        "Host_Name": Stored("desk", Origin.PAGE),
    }
    before = {"User_Password": Stored("Former-staple-3", Origin.PROFILE), "Domain": None}
    waits = unconfirmed.encode(unconfirmed.Unconfirmed(120.0, before))
    for _ in range(2):
        store.save(stored, {unconfirmed.INTENT: waits})
    memory = Memory(Host(tmp_path), "11.3", REALM)
    memory.settle()
    for clear in (ADMIN, USER, "Former-staple-3"):
        assert clear.encode() not in on_disk(tmp_path)
    assert matches(memory.snapshot.settings.system.admin_password, ADMIN)
    assert memory.snapshot.origin("Admin_Password") is Origin.PAGE
    assert memory.snapshot.settings.system.host_name == "desk"
    memory.undo()
    assert matches(memory.snapshot.settings.system.user_password, "Former-staple-3")


def test_no_generation_of_the_store_keeps_a_clear_password(tmp_path: Path) -> None:
    store = Store(Host(tmp_path))
    for _ in range(2):
        store.save({"Admin_Password": Stored(ADMIN, Origin.PAGE)}, {})
    Memory(Host(tmp_path), "11.3", REALM).settle()
    assert len(list(tmp_path.glob("settings-*.json"))) == 2
    assert ADMIN.encode() not in on_disk(tmp_path)


def test_nobody_hands_in_a_hash_in_place_of_a_password(memory: Memory) -> None:
    put(memory, Admin_Password=ADMIN)
    forged = Sealed(hashed("mine", b"x" * 16)).text
    for text in (forged, "sealed nonsense"):
        errors = memory.submit({"Admin_Password": Change(text)}, Origin.ACS)
        assert [error.parameter for error in errors] == ["Admin_Password"]
    assert matches(memory.snapshot.settings.system.admin_password, ADMIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ADMIN,
        "sealed ",
        f"sealed {ADMIN}",
        "sealed $argon2id$v=19$m=4194304,t=9,p=1$c2FsdA$aGFzaA",
    ],
)
def test_what_cannot_be_checked_opens_nothing(text: str) -> None:
    assert not matches(Secret(text), ADMIN)
    assert not matches(Secret(text), text)
    assert not matches(Secret(text), "")


def test_a_password_that_is_refused_is_refused_as_before(memory: Memory) -> None:
    for text in ("has a blank", "x" * 128, "control\x01"):
        errors = memory.submit({"Admin_Password": Change(text)}, Origin.PROFILE)
        assert [error.parameter for error in errors] == ["Admin_Password"]
    assert "Admin_Password" not in memory.snapshot.stored
    put(memory, Admin_Password=ADMIN)
    put(memory, Admin_Password="")
    assert not memory.snapshot.settings.system.admin_password


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_what_a_hash_took_of_memory_is_given_back_whichever_thread_made_it() -> None:
    hashed("Battery-staple-2", bytes(16))
    before = resident()
    threads = [
        threading.Thread(target=hashed, args=("Battery-staple-2", bytes(16))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert resident() - before < 10 << 20


def test_a_new_password_is_hashed_beside_everything_else(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[threading.Thread] = []

    def watched(text: str, salt: bytes) -> str:
        where.append(threading.current_thread())
        return hashed(text, salt)

    monkeypatch.setattr(seals, "hashed", watched)
    change = {"User_Password": Change(" Battery-staple-3 ")}
    asyncio.run(memory.prepare({**change, "Admin_Password": Change("a b"), "Domain": Change("a")}))
    assert memory.submit(change, Origin.PAGE, whole=True) == []
    assert len(where) == 1
    assert where[0] is not threading.main_thread()
    monkeypatch.undo()
    assert matches(memory.snapshot.settings.system.user_password, "Battery-staple-3")


def test_what_was_hashed_for_one_password_is_not_taken_for_another(memory: Memory) -> None:
    asyncio.run(memory.prepare({"User_Password": Change("Battery-staple-3")}))
    changes = {"User_Password": Change("Other-one-4"), "Admin_Password": Change("Battery-staple-3")}
    assert memory.submit(changes, Origin.PAGE, whole=True) == []
    system = memory.snapshot.settings.system
    assert matches(system.user_password, "Other-one-4")
    assert matches(system.admin_password, "Battery-staple-3")
    assert read(system.admin_password.reveal()) != read(system.user_password.reveal())
