"""The language that a phone speaks, as cfg.xml names it."""

from ringfence.config.codecs import Text
from ringfence.messages import _
from ringfence.messages.language import NAMES, is_known


class LanguageName(Text, frozen=True):
    """A language by its name or code; a phone of the field has more, so that none is refused."""

    limit: int = 512

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of the languages that this phone speaks."""
        return tuple(NAMES)

    def describe(self) -> str:
        """Return the names."""
        return "|".join(self.choices)

    def doubt(self, text: str) -> str:
        """Return a warning where the phone may speak English for want of the language."""
        if is_known(text):
            return ""
        return _("is no language of this phone, which speaks English unless a dictionary has it")
