"""The products that a server's certificate can be ordered for.

Source: chapter, Get a Signed Server Certificate, Select Product.
"""

import difflib
import re

from msgspec import Struct

from ringfence.errors import ConfigError
from ringfence.policy.certificate import printable


class Product(Struct, frozen=True):
    """One family of phones on the list."""

    name: str
    models: str
    """Which models and firmware belong to it, for people."""
    pattern: str
    """Regular expression of the names of its models."""

    def covers(self, model: str) -> bool:
        """Return whether a name is this family's, or one of its models."""
        known = model.casefold() == self.name.casefold()
        return known or bool(re.fullmatch(self.pattern, model, re.IGNORECASE | re.ASCII))


PRODUCTS = (
    Product("CP-68xx-3PCC", "6800 series multiplatform phones", r"CP-68\d\d-3PCC(-XU|-NA)?"),
    Product("CP-78xx-3PCC", "7800 series multiplatform phones", r"CP-78\d\d-3PCC"),
    Product("CP-88xx-3PCC", "8800 series multiplatform phones", r"CP-88\d\d(NR)?-3PCC"),
    Product("SPA5xx", "firmware 7.5.6 and newer", r"SPA5\d\d[A-Z]{0,2}"),
    Product("SPA1xx", "firmware 1.3.3 and newer", r"SPA1\d\d"),
    Product("SPA232D", "firmware 1.3.3 and newer", r"SPA232D"),
)
DEFAULT = "CP-88xx-3PCC"

_MODELS = ("CP-6841-3PCC", "CP-7841-3PCC", "CP-8841-3PCC", "SPA504G", "SPA112")
"""Names that people write, besides those of the families."""


def product(text: str) -> Product:
    """Return the family of the list that a text names, by itself or by one of its models.

    Raises:
        ConfigError: the list has no such family; it says which name is nearest, if any is.

    """
    for known in PRODUCTS:
        if known.covers(text):
            return known
    names = [known.name for known in PRODUCTS] + list(_MODELS)
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(text[:64].casefold(), folded, n=1, cutoff=0.5)
    remedy = "".join(f"the nearest is {folded[name]}; " for name in near)
    reason = f"{printable(text, 48)!r} is not on the list"
    raise ConfigError("product", reason, f"{remedy}`ringfence ca products` shows it")
