"""Finds modules where they are known to be, at a third of what it costs to look for them.

A start loads three hundred modules. Python looks for each one in every folder of its path and asks
the kernel a dozen times; where our own are, and those of Python's own library, is known. What was
compiled counts by the same rule as ever: only with the time and the size of its source.
Source: PEP 3147, PEP 552.
"""

import marshal
import os
import sys
from _thread import RLock
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib._abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from types import CodeType, ModuleType

SELDOM = frozenset(
    (
        "asyncio.sslproto",
        "asyncio.staggered",
        "fnmatch",
        "inspect",
        "linecache",
        "locale",
        "msgspec.inspect",
        "msgspec.msgpack",
        "msgspec.toml",
        "msgspec.yaml",
        "ssl",
        "textwrap",
        "tokenize",
    )
)
"""What libraries import at their head, and what registers a phone never uses: those are read once
somebody asks for something of them."""

_HEAD = MAGIC_NUMBER + bytes(4)
"""How a compiled file begins that names the time and the size of its source."""
_LOADING = RLock()


class _Seldom(ModuleType):
    """A module of which nobody has asked for anything yet, but for what import itself asks."""

    def __getattribute__(self, name: str) -> object:
        """Return an attribute, once the module is loaded; another thread waits for that."""
        if name not in ("__class__", "__spec__"):
            with _LOADING:
                spec = self.__spec__
                if spec and isinstance(spec.loader, _SeldomLoader):
                    spec.loader.load(self, spec.name)
        return ModuleType.__getattribute__(self, name)


class _SeldomLoader(Loader):
    """Leaves a module for later."""

    def __init__(self, find: Callable[[], ModuleSpec | None]) -> None:
        self.find = find

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return nothing: it is a module like any other."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Have it loaded by whoever asks for something of it."""
        module.__class__ = _Seldom

    def load(self, module: ModuleType, name: str) -> None:
        """Make it what it would have been from the beginning.

        Raises:
            ImportError: there is no such module, or it cannot be loaded.

        """
        found = self.find()
        if not found or not found.loader:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        module.__spec__, module.__loader__, module.__file__ = found, found.loader, found.origin
        found.loader.exec_module(module)
        module.__class__ = ModuleType


class _Loader(SourceFileLoader):
    """Has read its module already, unless somebody asks for it anew."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code: CodeType | None = code

    def get_code(self, fullname: str) -> CodeType | None:
        """Return what the module does."""
        code, self._code = self._code, None
        return code or super().get_code(fullname)


class Finder:
    """Knows our own folder and that of Python's own library; whatever is new there it leaves."""

    def __init__(self, folder: str, ending: str) -> None:
        """Take the folder of our package, and how a compiled file ends."""
        self._folders = dict.fromkeys(sys.stdlib_module_names, os.path.dirname(os.__file__))
        self._folders[__name__.partition(".")[0]] = folder
        self._ending = ending

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module that is compiled, else nothing: then Python looks for it."""
        if name in SELDOM:
            return ModuleSpec(
                name,
                _SeldomLoader(lambda: self._found(name) or PathFinder.find_spec(name, path)),
            )
        return self._found(name)

    def _found(self, name: str) -> ModuleSpec | None:
        folder = self._folders.get(name.partition(".")[0])
        if folder is None:
            return None
        place = f"{folder}/{name.replace('.', '/')}"
        above, _, last = place.rpartition("/")
        return self._known(name, f"{place}.py", f"{above}/__pycache__/{last}") or self._known(
            name, f"{place}/__init__.py", f"{place}/__pycache__/__init__", [place]
        )

    def _known(
        self, name: str, source: str, compiled: str, inside: list[str] | None = None
    ) -> ModuleSpec | None:
        compiled += self._ending
        try:
            data = _read(compiled)
            state = os.stat(source)
        except OSError:
            return None
        if data[:16] != _HEAD + _word(int(state.st_mtime)) + _word(state.st_size):
            return None
        code = marshal.loads(memoryview(data)[16:])  # noqa: S302 - as Python itself does
        if code.co_filename != source:  # compiled elsewhere, and brought here
            return None
        found = ModuleSpec(name, _Loader(name, source, code), origin=source)
        found.submodule_search_locations = inside
        found.cached, found.has_location = compiled, True
        return found


def install() -> None:
    """Have this process find our modules so, and those of Python's own library."""
    place, _, ending = cache_from_source("_/x.py").rpartition("/x")
    known = any(isinstance(one, Finder) for one in sys.meta_path)
    if place == "_/__pycache__" and not known and PathFinder in sys.meta_path:
        folder = os.path.dirname(os.path.dirname(__file__))
        sys.meta_path.insert(sys.meta_path.index(PathFinder), Finder(folder, ending))


def load_with(name: str, others: Mapping[str, object]) -> None:
    """Load a module while others that nobody has loaded yet are stood in for.

    `others` has what a module is to be taken for meanwhile: None for one that is not installed.
    """
    absent = [other for other in others if other not in sys.modules]
    for other in absent:
        sys.modules[other] = others[other]  # type: ignore[assignment]
    try:
        import_module(name)
    finally:
        for other in absent:
            del sys.modules[other]


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, os.fstat(handle).st_size)
    finally:
        os.close(handle)


def _word(number: int) -> bytes:
    return (number & 0xFFFFFFFF).to_bytes(4, "little")
