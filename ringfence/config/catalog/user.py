"""Voice > User."""

from ringfence.config.codecs import Number
from ringfence.config.parameter import Access, Level, Section, Status, Tab

_SERVICES = Section("Supplementary Services", "phone-facts 1.6", access=Access.WRITE, level=Level.USER)
_SCREEN = Section("Screen", "phone-facts 1.1", access=Access.WRITE, level=Level.USER)


class User(Tab, frozen=True, kw_only=True):
    """Parameters of the User tab."""

    secure_call_setting: bool = _SERVICES.row(
        False,
        "Secure_Call_Setting",
        "Offers SRTP in every call, which then fails where the other side cannot; lines may ask for more, or forbid it.",
        status=Status.OBEYED,
    )
    display_off_idle_timeout: int = _SCREEN.row(
        60,
        "Display_Off_Idle_Timeout__mins_",
        "Idle time after which the screen goes dark.",
        label="Display Off Idle Timeout (mins)",
        codec=Number(0, 1440, "min"),
    )
    inactivity_timer: int = _SCREEN.row(
        0,
        "Inactivity_Timer_m_",
        "Idle time after which the screen is locked; 0 for never.",
        label="Inactivity Timer(m)",
        codec=Number(0, 1440, "min"),
    )
