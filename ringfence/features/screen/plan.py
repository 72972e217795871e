"""Who may see and change what on the phone's screen.

Source: phone-facts 1.2, System Configuration, 2.2 and 8; mission SCR-06.
"""

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.settings import Settings
from ringfence.messages.language import Language, named
from ringfence.runtime.state import Facts, Planned


class ScreenPlan(Struct, frozen=True):
    """The rules of the screen."""

    obeys_access: bool
    """The access attribute of a parameter acts on the screen."""
    read_only: bool
    """Nothing can be changed on the screen."""
    password: Secret
    """Stands before whatever changes the phone; empty for none."""
    language: str = ""
    """Name of what the screen speaks."""
    downloaded: Language | None = None
    """What a dictionary server has for it."""
    text_logo: str = ""
    """Words at the top of the idle screen."""


def plan(settings: Settings, facts: Facts) -> Planned[ScreenPlan]:
    """Return the rules of the screen."""
    system = settings.system
    made = ScreenPlan(
        system.phone_ui_user_mode,
        system.phone_ui_readonly,
        system.user_password,
        settings.regional.language_selection,
        facts.language,
        _heading(settings),
    )
    return Planned({"": made})


def _heading(settings: Settings) -> str:
    """Return what stands above everything. Source: phone-facts 7, XMPP."""
    phone = settings.phone
    if phone.xmpp_enable and phone.display_xmpp_user_id_with_top_priority and phone.xmpp_user_id:
        return phone.xmpp_user_id
    return settings.user.text_logo


def show(made: ScreenPlan) -> str:
    """Return the plan in words."""
    changes = (
        "nothing can be changed"
        if made.read_only
        else "as each parameter's ua says"
        if made.obeys_access
        else "everything can be changed"
    )
    lock = "locked by the user password" if made.password else "no password"
    return f"screen: {changes}; {lock}; {named(made.language, made.downloaded).code}\n"
