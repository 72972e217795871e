"""Voice > User."""

from ringfence.config.catalog.values import PhoneBackground
from ringfence.config.codecs import Number, Text
from ringfence.config.parameter import Access, Level, Section, Status, Tab

_SERVICES = Section("Supplementary Services", "phone-facts 1.6", access=Access.WRITE, level=Level.USER)
_SCREEN = Section("Screen", "phone-facts 1.1", access=Access.WRITE, level=Level.USER)

_BEHIND = Section("Screen", "ADR 51", status=Status.OBEYED)
URL = Text(255, "URL of http, https or tftp")


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
        "Idle time after which the screen goes dark; 0 for never.",
        label="Display Off Idle Timeout (mins)",
        codec=Number(0, 1440, "min"),
        status=Status.OBEYED,
    )
    inactivity_timer: int = _SCREEN.row(
        0,
        "Inactivity_Timer_m_",
        "Idle time after which the screen asks for the user password; 0 for never.",
        label="Inactivity Timer(m)",
        codec=Number(0, 1440, "min"),
        status=Status.OBEYED,
    )
    phone_background: PhoneBackground = _BEHIND.row(
        PhoneBackground.DEFAULT, "Phone_Background", "What the screen shows behind its rows: nothing, a picture or a logo from a server."
    )
    picture_download_url: str = _BEHIND.row(
        "",
        "Picture_Download_URL",
        "Address of the picture, a BMP, JPEG or PNG; it is made to fit the screen.",
        codec=URL,
        aliases=("BMP_Picture_Download_URL",),
    )
    logo_url: str = _BEHIND.row("", "Logo_URL", "Address of the logo, a BMP, JPEG or PNG.", codec=URL)
    text_logo: str = _BEHIND.row("", "Text_Logo", "Words at the top of the idle screen.", codec=Text(48, display=True))
