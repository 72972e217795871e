"""The inventory: what it keeps, what it refuses, and that a change is whole or not there."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.inventory import database, devices, texts, tokens, uploads
from ringfence.provider.inventory.database import Inventory, create
from ringfence.provider.inventory.devices import Device, Group, Visit
from ringfence.provider.inventory.schema import METADATA

MAC, OTHER = "000e08abcdef", "000e08abcdee"


@pytest.fixture(scope="module")
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inventory") / "data"
    create(folder)
    return folder


@pytest.fixture
def folder(initial: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(initial, tmp_path / "data"))


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    return Inventory(folder)


def put(inventory: Inventory, device: Device) -> None:
    with inventory.changing("me", "device set", device.mac) as connection:
        devices.put(connection, device)


def test_the_steps_of_the_migration_make_the_tables_that_the_program_knows(
    folder: Path, tmp_path: Path
) -> None:
    METADATA.create_all(create_engine(f"sqlite:///{tmp_path}/straight.sqlite"))

    def tables(path: Path) -> dict[str, set[tuple[object, ...]]]:
        with sqlite3.connect(path) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: {
                    *connection.execute(f"SELECT * FROM pragma_table_info('{name}')"),
                    *connection.execute(f"SELECT * FROM pragma_foreign_key_list('{name}')"),
                    *connection.execute(f"SELECT name FROM pragma_index_list('{name}')"),
                }
                for (name,) in names
                if name != "alembic_version"
            }

    assert tables(folder / "inventory.sqlite") == tables(tmp_path / "straight.sqlite")


def test_only_the_owner_may_use_what_is_in_the_folder(folder: Path) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "inventory.sqlite": 0o600,
        "provider.json": 0o600,
        "secrets.key": 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_glance_sees_a_change_of_another_process_at_once(
    inventory: Inventory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "GLANCE_TIME", 3600.0)
    before = inventory.glance()
    assert before == inventory.glance()
    put(Inventory(folder), Device(MAC))
    assert inventory.glance() == (before or 0) + 1
    assert (folder / "changed").stat().st_mode & 0o777 == 0o600


def test_a_change_without_a_stamp_is_seen_a_little_later(
    inventory: Inventory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "GLANCE_TIME", 0.0)
    before = inventory.glance()
    with sqlite3.connect(folder / "inventory.sqlite") as other:
        other.execute("UPDATE generation SET number = number + 1")
    assert inventory.glance() == (before or 0) + 1


def test_a_device_is_what_was_put_and_a_visit_is_kept_beside_it(inventory: Inventory) -> None:
    device = Device(MAC, "Desk 12", "", {"user": "1001"})
    put(inventory, device)
    visit = Visit(MAC, "CP-8841-3PCC", "1", 10, "192.0.2.1", "ab", 99, "v1", 10)
    with inventory.noting() as connection:
        devices.saw(connection, [visit, Visit(OTHER, seen=5)])
    with inventory.reading() as connection:
        known = devices.find(connection, MAC)
        assert known == devices.Known(device, visit)
        assert [(k.device.mac, k.listed) for k in devices.listed(connection)] == [
            (OTHER, False),
            (MAC, True),
        ]
        assert [k.device.mac for k in devices.listed(connection, part="desk")] == [MAC]
        assert [k.device.mac for k in devices.listed(connection, part="%")] == [OTHER, MAC]
        assert [k.device.mac for k in devices.listed(connection, after=OTHER)] == [MAC]


def test_a_visit_without_a_profile_leaves_the_version_and_an_old_one_changes_nothing(
    inventory: Inventory,
) -> None:
    first = Visit(MAC, seen=10, version="v1", version_at=10)
    refused = Visit(MAC, seen=20, error="403", error_at=20)
    with inventory.noting() as connection:
        for visit in (first, refused, Visit(MAC, seen=15, version="v0", version_at=15)):
            devices.saw(connection, [visit])
        known = devices.find(connection, MAC)
    assert known
    seen = known.visit
    assert (seen.seen, seen.version, seen.version_at, seen.error) == (20, "v1", 10, "403")


@pytest.mark.parametrize(
    "device",
    [
        Device("xyz"),
        Device(MAC, group="nobody"),
        Device(MAC, values={"a b": "1"}),
        Device(MAC, values={"a": "x" * 4097}),
        Device(MAC, values={"a": "line\nbreak"}),
        Device(MAC, values={f"a{n}": "1" for n in range(257)}),
        Device(MAC, name="nul\0"),
    ],
)
def test_what_no_profile_could_carry_is_refused_and_leaves_no_history(
    inventory: Inventory, device: Device
) -> None:
    with pytest.raises(ConfigError):
        put(inventory, device)
    with inventory.reading() as connection:
        assert (devices.listed(connection), devices.history(connection)) == ([], [])
        assert inventory.generation(connection) == 0


def test_every_change_has_a_line_of_history_with_its_number(inventory: Inventory) -> None:
    with inventory.changing("me", "group set", "sales", "a=1") as connection:
        devices.put_group(connection, Group("sales", {"a": "1"}))
    put(inventory, Device(MAC, group="sales"))
    with inventory.reading() as connection:
        lines = devices.history(connection)
        assert [(each.number, each.who, each.action, each.subject) for each in lines] == [
            (2, "me", "device set", MAC),
            (1, "me", "group set", "sales"),
        ]
        assert inventory.generation(connection) == 2
        assert devices.groups(connection) == [Group("sales", {"a": "1"}, 1)]


def test_a_group_with_devices_stays(inventory: Inventory) -> None:
    with inventory.changing("me", "group set", "sales") as connection:
        devices.put_group(connection, Group("sales"))
    put(inventory, Device(MAC, group="sales"))
    with (
        pytest.raises(ConfigError, match="'sales' has 1 devices"),
        inventory.changing("me", "group remove", "sales") as connection,
    ):
        devices.remove_group(connection, "sales")
    put(inventory, Device(MAC))
    with inventory.changing("me", "group remove", "sales") as connection:
        devices.remove_group(connection, "sales")
        assert devices.groups(connection) == []


def keep(inventory: Inventory, text: str, mac: str = MAC) -> None:
    with inventory.changing("me", "secret set", mac) as connection:
        devices.put_secret(connection, inventory.keys, mac, "password", text)


def kept(inventory: Inventory, mac: str = MAC) -> dict[str, str]:
    with inventory.reading() as connection:
        return devices.secrets(connection, inventory.keys, mac)


def test_a_secret_is_nowhere_in_the_folder_in_clear_text(
    inventory: Inventory, folder: Path
) -> None:
    put(inventory, Device(MAC))
    keep(inventory, "correct horse")
    assert kept(inventory) == {"password": "correct horse"}
    held = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"correct horse" not in held


def test_a_secret_that_was_moved_or_changed_does_not_open(
    inventory: Inventory, folder: Path
) -> None:
    for mac in (MAC, OTHER):
        put(inventory, Device(mac))
        keep(inventory, mac, mac)
    with sqlite3.connect(folder / "inventory.sqlite") as connection:
        connection.execute(
            "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE mac = ?) WHERE mac = ?",
            (MAC, OTHER),
        )
    assert kept(inventory) == {"password": MAC}
    with pytest.raises(ComponentError, match=f"secret of {OTHER}/password: was changed or moved"):
        kept(inventory, OTHER)


def test_after_a_rotation_the_old_key_opens_nothing_and_a_running_server_goes_on(
    inventory: Inventory, folder: Path, tmp_path: Path
) -> None:
    put(inventory, Device(MAC))
    keep(inventory, "hush")
    old = (folder / "secrets.key").read_text()
    serving = Inventory(folder)
    assert kept(serving) == {"password": "hush"}
    inventory.keys.add()
    assert kept(Inventory(folder)) == {"password": "hush"}
    with inventory.changing("me", "rotate-key", "secrets") as connection:
        assert devices.seal_anew(connection, inventory.keys) == 1
    assert inventory.keys.forget() == 1
    assert old.strip() not in (folder / "secrets.key").read_text()
    assert kept(serving) == {"password": "hush"}
    (folder / "secrets.key").write_text(old)
    with pytest.raises(ComponentError, match=r"its key is not in .*secrets\.key"):
        kept(Inventory(folder))


@pytest.mark.parametrize(
    ("rights", "text", "said"),
    [
        (0o640, None, "others may use it; chmod 600 it"),
        (0o600, "", "holds no keys; restore it from a backup"),
        (0o600, "zz\n", "holds no keys"),
        (0o600, "00\n", "holds no keys"),
    ],
)
def test_a_key_file_that_others_may_read_or_that_is_none_is_not_used(
    inventory: Inventory, folder: Path, rights: int, text: str | None, said: str
) -> None:
    put(inventory, Device(MAC))
    if text is not None:
        (folder / "secrets.key").write_text(text)
    (folder / "secrets.key").chmod(rights)
    with pytest.raises(ComponentError, match=said):
        keep(inventory, "hush")


def test_secrets_go_with_their_device(inventory: Inventory) -> None:
    put(inventory, Device(MAC))
    keep(inventory, "hush")
    with inventory.changing("me", "device remove", MAC) as connection:
        devices.remove(connection, MAC)
    put(inventory, Device(MAC))
    assert kept(inventory) == {}


def test_a_template_has_versions_and_the_last_counts(inventory: Inventory) -> None:
    with inventory.changing("me", "template put", "default.xml") as connection:
        assert texts.put(connection, "default.xml", "one", "me") == 1
        assert texts.put(connection, "default.xml", "two", "me") == 2
        held = texts.current(connection, "default.xml")
        assert (held and held.text, texts.version(connection, "default.xml", 1).text) == (
            "two",
            "one",
        )
        texts.remove(connection, "default.xml", "me")
        assert texts.current(connection, "default.xml") is None
        assert texts.every(connection) == []
        assert texts.put(connection, "default.xml", "four", "me") == 4


@pytest.mark.parametrize("name", ["", "/x.xml", "../x.xml", "a//b", ".hidden", "x" * 256, "a b"])
def test_a_template_has_the_name_of_a_file_below_the_folder(
    inventory: Inventory, name: str
) -> None:
    with (
        pytest.raises(ConfigError, match="template"),
        inventory.changing("me", "template put", name) as connection,
    ):
        texts.put(connection, name, "text", "me")


def test_a_token_counts_until_it_is_revoked_and_is_not_in_the_database(
    inventory: Inventory, folder: Path
) -> None:
    with inventory.changing("me", "token add", "prom") as connection:
        made, text = tokens.add(connection, "prom", tokens.Role.READ)
        assert tokens.judge(connection, text) == made
        for wrong in ("", text[:-1], text + "x", f"rf_{made.id}_", "rf__x", f"xx_{made.id}_x"):
            assert tokens.judge(connection, wrong) is None
    secret = text.removeprefix(f"rf_{made.id}_")
    assert 20 < len(secret) < len(text)
    assert secret.encode() not in (folder / "inventory.sqlite").read_bytes()
    with inventory.changing("me", "token revoke", "prom") as connection:
        tokens.revoke(connection, "prom")
        assert tokens.judge(connection, text) is None
    with (
        pytest.raises(ConfigError, match="is none that counts"),
        inventory.changing("me", "token revoke", "prom") as connection,
    ):
        tokens.revoke(connection, "prom")


def test_roles_allow_what_is_below_them() -> None:
    metrics, read, write = tokens.Role
    assert [role.allows(read) for role in (metrics, read, write)] == [False, True, True]
    assert [role.allows(write) for role in (metrics, read, write)] == [False, False, True]


def test_ten_uploads_of_each_kind_are_kept_of_each_device(inventory: Inventory) -> None:
    report, problem = uploads.Kind.REPORT, uploads.Kind.PROBLEM
    with inventory.noting() as connection:
        for number in range(12):
            uploads.add(connection, MAC, report, f"report {number}", b"%d" % number)
        last = uploads.add(connection, MAC, problem, "prt", b"trouble")
        uploads.add(connection, OTHER, report, "other", b"")
    with inventory.reading() as connection:
        of_mac = uploads.every(connection, MAC)
        assert [each.name for each in of_mac if each.kind is report] == [
            f"report {number}" for number in range(11, 1, -1)
        ]
        assert uploads.body(connection, last) == b"trouble"
        assert len(uploads.every(connection)) == 12


def test_a_newer_inventory_is_left_alone(folder: Path) -> None:
    with sqlite3.connect(folder / "inventory.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with (
        pytest.raises(ComponentError, match="version 9999, and this Ringfence knows 0002"),
        Inventory(folder).reading(),
    ):
        pass


def test_an_older_inventory_is_brought_up_to_date(tmp_path: Path, folder: Path) -> None:
    (folder / "inventory.sqlite").write_bytes(b"")
    with Inventory(folder).reading() as connection:
        assert devices.listed(connection) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from ringfence.provider.inventory import devices
from ringfence.provider.inventory.database import Inventory
inventory = Inventory(Path(sys.argv[1]))
for number in range(1000):
    with inventory.changing("me", "device set", "x") as connection:
        for mac in range(20):
            devices.put(connection, devices.Device(f"{mac:012x}", str(number)))
    print(number, flush=True)
"""


def test_a_change_that_was_killed_is_whole_or_not_there(folder: Path) -> None:
    for rounds in range(1, 4):
        words = (sys.executable, "-c", KILLED, str(folder))
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for _ in range(rounds * 2):
                acknowledged = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
        with Inventory(folder).reading() as connection:
            named = {each.device.name for each in devices.listed(connection)}
            assert len(named) == 1
            assert int(named.pop()) >= acknowledged
