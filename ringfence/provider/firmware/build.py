"""An image from a package: the same sources and the same Python give the same bytes."""

import importlib.util
import io
import marshal
import zipfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

import ringfence
from ringfence.errors import ComponentError
from ringfence.policy.image import MANIFEST, NAME, SCHEMA, START, Manifest

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time that an archive can name."""
MARSHAL = 2
"""The last format that does not depend on how often an object happens to be referred to."""
UNCHECKED = (1).to_bytes(4, "little")
"""Flags of bytecode that is used without a look at the source. Source: PEP 552."""
MAIN = b"import sys\n\nfrom ringfence.cli import main\n\nsys.exit(main())\n"


def build() -> tuple[Manifest, bytes]:
    """Return an image of the package that runs, and its manifest.

    Raises:
        ComponentError: it is not installed as a package, or a file cannot be read.

    """
    package = Path(ringfence.__file__).parent
    if not package.is_dir():
        raise ComponentError("image", "this Ringfence is an image itself; build from a package")
    held = _installed()
    needed = tuple(sorted(text for text in held.requires or () if "extra ==" not in text))
    python = str(held.metadata["Requires-Python"])
    manifest = Manifest(SCHEMA, NAME, ringfence.__version__, python, needed)
    return manifest, archive(package, manifest)


def archive(package: Path, manifest: Manifest) -> bytes:
    """Return the image of a folder.

    Bytecode lies beside each source, because nothing could be written beside it later; another
    Python passes over it.

    Raises:
        ComponentError: a file cannot be read, or is not Python.

    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        _add(out, START, MAIN)
        _add(out, MANIFEST, manifest.encoded())
        for path in sorted(package.rglob("*")):
            inside = path.relative_to(package)
            hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
            if hidden or not path.is_file():
                continue
            name = f"{NAME}/{inside.as_posix()}"
            try:
                data = path.read_bytes()
                if path.suffix == ".py":
                    _add(out, f"{name}c", _bytecode(data, name))
            except (OSError, SyntaxError, ValueError) as error:
                raise ComponentError(f"file {path}", str(error)) from error
            _add(out, name, data)
    return made.getvalue()


def _bytecode(source: bytes, name: str) -> bytes:
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    digest = importlib.util.source_hash(source)
    return importlib.util.MAGIC_NUMBER + UNCHECKED + digest + marshal.dumps(code, MARSHAL)


def _add(out: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, wherever it is built
    out.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)


def _installed() -> Distribution:
    """Return what pip wrote about the package; a checkout may lie beside an older note."""
    for found in distributions(name=NAME):
        if found.read_text("METADATA"):
            return found
    raise ComponentError("image", "Ringfence is not installed here; pip install it first")
