"""Where a start finds its modules, and that it never runs what was compiled of another source."""

import importlib
import importlib.resources
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ringfence.cli import finder

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
        "from ringfence.cli import finder; finder.install(); finder.install()\n"
        "import json, logging, sys\n"
        "print(json.dumps([type(one).__name__ for one in sys.meta_path]))"
    )
    root = Path(str(finder.__file__)).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout).count("Finder") == 1


def test_a_missing_module_is_there_again_afterwards() -> None:
    name = "this"
    sys.modules.pop(name, None)
    with finder.missing(name), pytest.raises(ImportError):
        importlib.import_module(name)
    assert importlib.util.find_spec(name)
    with finder.missing("os"):
        assert importlib.import_module("os") is os
