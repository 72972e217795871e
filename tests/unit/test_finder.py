"""Where a start finds its modules, and that it never runs what was compiled of another source."""

import importlib
import importlib.resources
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ringfence import finder

ENDING = importlib.util.cache_from_source("x.py").rpartition("/x")[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a package `ringfence`, of which nothing was loaded, and a finder for it."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "ringfence"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    others = [one for one in sys.meta_path if not isinstance(one, finder.Finder)]
    monkeypatch.setattr(sys, "meta_path", [finder.Finder(str(tmp_path), ENDING), *others])
    inside = tmp_path / "ringfence" / "inside"
    inside.mkdir(parents=True)
    for package in (inside.parent, inside):
        (package / "__init__.py").write_text("")
    (inside / "thing.py").write_text("SAID = 'one'\n")
    yield tmp_path
    for name in [one for one in sys.modules if one.partition(".")[0] == "ringfence"]:
        del sys.modules[name]


def anew() -> ModuleType:
    for name in ("ringfence.inside.thing", "ringfence.inside", "ringfence"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module("ringfence.inside.thing")


def quick(module: ModuleType) -> bool:
    return type(module.__loader__).__module__ == finder.__name__


def test_what_is_compiled_is_found_without_looking_around(folder: Path) -> None:
    assert not quick(anew())  # and Python compiled it meanwhile
    thing = anew()
    assert (quick(thing), thing.SAID) == (True, "one")
    inside = folder / "ringfence" / "inside"
    assert thing.__file__ == str(inside / "thing.py")
    assert thing.__cached__ == importlib.util.cache_from_source(thing.__file__)
    assert sys.modules["ringfence.inside"].__path__ == [str(inside)]
    assert inspect.getsource(thing) == "SAID = 'one'\n"
    assert importlib.resources.files("ringfence.inside").joinpath("thing.py").is_file()


def test_a_source_of_another_time_or_size_is_compiled_anew(folder: Path) -> None:
    anew()
    source = folder / "ringfence" / "inside" / "thing.py"
    known = source.stat()
    source.write_text("SAID = 'three'\n")
    os.utime(source, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert anew().SAID == "three"
    source.write_text("SAID = 'seven'\n")
    os.utime(source, (0, known.st_mtime + 5))
    assert anew().SAID == "seven"
    assert (quick(anew()), anew().SAID) == (True, "seven")


def test_what_another_python_compiled_or_somebody_cut_off_is_passed_over(folder: Path) -> None:
    thing = anew()
    compiled = Path(str(thing.__cached__))
    whole = compiled.read_bytes()
    for broken in (b"\x00\x00\r\n" + whole[4:], whole[:10], b""):
        compiled.write_bytes(broken)
        thing = anew()
        assert (quick(thing), thing.SAID) == (False, "one")


def test_a_module_without_its_source_is_left_to_python(folder: Path) -> None:
    anew()
    (folder / "ringfence" / "inside" / "thing.py").unlink()
    with pytest.raises(ModuleNotFoundError):
        anew()


def test_a_tree_that_was_moved_says_where_it_is_now(folder: Path) -> None:
    anew()
    moved = folder / "moved"
    moved.mkdir()
    (folder / "ringfence").rename(moved / "ringfence")
    known = finder.Finder(str(moved), ENDING)
    assert known.find_spec("ringfence.inside.thing") is None


def test_others_are_left_to_python(folder: Path) -> None:
    known = finder.Finder(str(folder), ENDING)
    assert known.find_spec("msgspec") is None
    assert known.find_spec("ringfence_of_somebody_else") is None
    assert known.find_spec("ringfence.nothing") is None


def test_no_folder_that_a_phone_is_started_in_replaces_pythons_library(tmp_path: Path) -> None:
    (tmp_path / "logging.py").write_text("raise SystemExit('a stranger')\n")
    code = (
        "from ringfence import finder; finder.install(); finder.install()\n"
        "import json, logging, sys\n"
        "print(json.dumps([type(one).__name__ for one in sys.meta_path]))"
    )
    root = Path(str(finder.__file__)).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout).count("Finder") == 1


def test_what_loads_with_a_stand_in_leaves_the_module_to_the_next(folder: Path) -> None:
    (folder / "needs.py").write_text(
        "try:\n    import this\nexcept ImportError:\n    this = None\n"
    )
    sys.modules.pop("this", None)
    for taken in (None, ModuleType("that")):
        finder.load_with("needs", {"this": taken})
        assert sys.modules.pop("needs").this is taken
        assert "this" not in sys.modules
    sys.modules["this"] = ModuleType("this")
    finder.load_with("needs", {"this": None})
    assert sys.modules.pop("needs").this is sys.modules.pop("this")


def seldom(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    anew()
    monkeypatch.setattr(finder, "SELDOM", frozenset(("ringfence.inside.thing",)))
    thing = anew()
    assert importlib.import_module("ringfence.inside.thing") is thing
    return thing


def test_a_module_that_is_seldom_used_is_loaded_once_somebody_uses_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = seldom(folder, monkeypatch)
    assert type(thing) is not ModuleType
    assert thing.SAID == "one"
    assert type(thing) is ModuleType
    assert quick(thing)
    assert inspect.getsource(thing) == "SAID = 'one'\n"


def test_who_asks_while_another_thread_loads_waits_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate = threading.Event(), threading.Event()
    monkeypatch.setitem(sys.modules, "gate", ModuleType("gate"))
    vars(sys.modules["gate"]).update(began=began, gate=gate)
    (folder / "ringfence" / "inside" / "thing.py").write_text(
        "import gate\ngate.began.set()\nSAID = gate.gate.wait(10) and 'at last'\n"
    )
    gate.set()
    anew()  # compiles it
    for event in (began, gate):
        event.clear()
    monkeypatch.setattr(finder, "SELDOM", frozenset(("ringfence.inside.thing",)))
    thing = anew()
    heard: list[str] = []
    threads = [threading.Thread(target=lambda: heard.append(thing.SAID)) for _ in range(2)]
    threads[0].start()
    assert began.wait(10)
    threads[1].start()
    gate.set()
    for thread in threads:
        thread.join(10)
    assert heard == ["at last", "at last"]
