"""Who may see and change what on the phone's screen.

Source: phone-facts 1.2, System Configuration, 2.2 and 8; mission SCR-06.
"""

from collections.abc import Iterator

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.settings import Settings
from ringfence.messages import _
from ringfence.messages.language import Language, named
from ringfence.policy.emergency import emergency_numbers
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
    warnings: tuple[str, ...] = ()
    """What the idle screen warns of."""
    dark_after: int = 0
    """Seconds without a key and a call after which the display is off; 0 for never."""
    shut_after: int = 0
    """The same until the screen asks for the password; 0 for never."""
    helpers: frozenset[str] = frozenset()
    """Numbers that can be called for help from any screen."""


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
        tuple(_warnings(settings)),
        60 * settings.user.display_off_idle_timeout,
        60 * settings.user.inactivity_timer if system.user_password else 0,
        frozenset().union(*(emergency_numbers(ext.emergency_number) for ext in settings.ext)),
    )
    return Planned({"": made})


def _warnings(settings: Settings) -> Iterator[str]:
    """Yield what is not protected by a password. Source: phone-facts 1.2, System Configuration."""
    system = settings.system
    if system.display_password_warnings:
        if not system.admin_password:
            yield _("No administrator password is set.")
        if not system.user_password:
            yield _("No user password is set.")


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
    shut = f", asked for after {made.shut_after} s" if made.shut_after else ""
    dark = f"off after {made.dark_after} s" if made.dark_after else "never off"
    language = named(made.language, made.downloaded).code
    return f"screen: {changes}; {lock}{shut}; {dark}; {language}\n"
