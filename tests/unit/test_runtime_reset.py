"""The factory reset: what stays, what goes, and what a reset that was cut short still does."""

from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin
from ringfence.runtime import reset
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory

FACTORY = {"device.json", "device.crt", "device.key", "provider-root.crt", "lock"}
OWN = {
    "settings-00000007.json",
    "settings-00000008.json",
    "custom-ca.crt",
    "custom-ca.json",
    "custom-device.pem",
    "custom-device.json",
    "custom-device.key",
    "reboots.json",
    "connection-request-port",
    "web.crt",
    "web.key",
    ".settings-00000009.json.77.tmp",
    "what-nobody-foresaw",
}


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """Return the folder of a phone that has been in use."""
    for name in FACTORY | OWN:
        (tmp_path / name).write_text(name)
    (tmp_path / "device.json").write_text('{"mac":"000e08abcdef","interface":"eth0"}')
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.proves("PRV-23")
def test_only_what_the_factory_put_there_stays(used: Path) -> None:
    host = Host(used)
    reset.begin(host)
    assert reset.finish(host)
    assert names(used) == FACTORY
    assert (used / "device.key").read_text() == "device.key"


def test_a_phone_that_nobody_resets_keeps_everything(used: Path) -> None:
    assert not reset.finish(Host(used))
    assert names(used) == FACTORY | OWN


def test_a_reset_that_was_decided_hides_the_settings_before_they_are_gone(tmp_path: Path) -> None:
    host = Host(tmp_path)
    Memory(host, "11.3").submit({"GPP_A": Change("x")}, Origin.PAGE)
    reset.begin(host)
    assert Memory(host, "11.3").snapshot.settings == virgin("11.3")


def test_a_value_that_is_set_after_the_decision_outlives_the_reset(used: Path) -> None:
    reset.begin(Host(used))
    assert main(["phone", "set", "--state", str(used), "GPP_A=new"]) == 0
    assert not reset.finish(Host(used))
    assert Memory(Host(used), "11.3").snapshot.settings.provisioning.gpp_a == "new"


def test_a_phone_that_does_not_run_is_reset_by_its_folder(
    used: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phone", "factory-reset", "--yes", "--state", str(used)]) == 0
    assert capsys.readouterr().out == "The phone is as it left the factory.\n"
    assert names(used) == FACTORY


@pytest.mark.parametrize("said", ["", "y", "no", "yes"])
def test_nothing_is_done_unless_somebody_says_yes(
    used: Path, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: bool(said), raising=False)
    monkeypatch.setattr("builtins.input", lambda _: said)
    code = main(["phone", "factory-reset", "--state", str(used)])
    if said == "yes":
        assert (code, names(used)) == (0, FACTORY)
    else:
        assert (code, names(used)) == (1, FACTORY | OWN)
        assert "nothing was done; answer yes, or say --yes" in capsys.readouterr().err


def test_a_folder_that_is_no_phones_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert main(["phone", "factory-reset", "--yes", "--state", str(tmp_path)]) == 1
    assert "no phone has ever run there" in capsys.readouterr().err
    assert names(tmp_path) == {"letter.txt"}
