"""Regular expressions that are compiled when they are first used.

To compile one takes up to a millisecond; a start has a hundred of them in sight, and uses few.
"""

import re
from typing import Any, AnyStr, Generic, cast

_METHODS = ("fullmatch", "match", "search", "sub", "subn", "split", "findall", "finditer")


class Lazy(Generic[AnyStr]):
    """Becomes what `re.compile` returns at the first look at it."""

    def __init__(self, text: AnyStr, flags: int) -> None:
        self._text: AnyStr = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile; from then on the methods are found without coming here."""
        made = re.compile(self._text, self._flags)
        self.__dict__.update({method: getattr(made, method) for method in _METHODS})
        return getattr(made, name)


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a regular expression, to be used as what `re.compile` returns."""
    return cast("re.Pattern[AnyStr]", Lazy(text, flags))
