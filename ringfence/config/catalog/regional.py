"""Voice > Regional: the few rows that the other chapters name."""

from ringfence.config.codecs import Text
from ringfence.config.parameter import Section, Status, Tab

_CODES = Section("Vertical Service Activation Codes", "phone-facts 1.6")
_TIME = Section("Time", "phone-facts 1.1, 3.1")
CODE = Text(32)


class Regional(Tab, frozen=True, kw_only=True):
    """Parameters of the Regional tab."""

    secure_all_call_act_code: str = _CODES.row("*16", "Secure_All_Call_Act_Code", "Makes every call secure.", codec=CODE)
    secure_no_call_act_code: str = _CODES.row("*17", "Secure_No_Call_Act_Code", "Makes no call secure.", codec=CODE)
    secure_one_call_act_code: str = _CODES.row("*18", "Secure_One_Call_Act_Code", "Makes the next call secure.", codec=CODE)
    secure_one_call_deact_code: str = _CODES.row("*19", "Secure_One_Call_Deact_Code", "Makes the next call not secure.", codec=CODE)

    set_local_date: str = _TIME.row(
        "",
        "Set_Local_Date__mm_dd_yyyy_",
        "Date to set.",
        label="Set Local Date (mm/dd/yyyy)",
        codec=Text(10, "mm/dd/yyyy", r"\d{1,2}/\d{1,2}/\d{4}"),
    )
    ignore_dhcp_time_offset: bool = _TIME.row(
        True, "Ignore_DHCP_Time_Offset", "Ignores the time offset of the DHCP server.", status=Status.OBEYED
    )
