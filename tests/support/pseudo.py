"""The language that nobody speaks: whatever is not in it has escaped translation."""

import gettext
import importlib.util
import io
from functools import cache
from pathlib import Path
from types import ModuleType

from ringfence.messages.language import Language

ROOT = Path(__file__).parent.parent.parent
CODE = "qps"


@cache
def catalogues() -> ModuleType:
    """Return the module that keeps the catalogues, `make messages`."""
    spec = importlib.util.spec_from_file_location("messages", ROOT / "scripts/messages.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pseudo() -> Language:
    return Language(CODE, gettext.GNUTranslations(io.BytesIO(catalogues().pseudo())))
