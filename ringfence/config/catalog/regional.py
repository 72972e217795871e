"""Voice > Regional: the few rows that the other chapters name."""

from ringfence.config.codecs import Text
from ringfence.config.parameter import Section, Status, Tab
from ringfence.config.spoken import LanguageName

_CODES = Section("Vertical Service Activation Codes", "phone-facts 1.6", status=Status.OBEYED)
_LANGUAGE = Section("Language", "ADR 42")
_TIME = Section("Time", "phone-facts 1.1, 3.1")
CODE = Text(32)


class Regional(Tab, frozen=True, kw_only=True):
    """Parameters of the Regional tab."""

    secure_all_call_act_code: str = _CODES.row(
        "*16", "Secure_All_Call_Act_Code", "Dialled alone, sets Secure Call Setting to Yes.", codec=CODE
    )
    secure_no_call_act_code: str = _CODES.row(
        "*17", "Secure_No_Call_Act_Code", "Dialled alone, sets Secure Call Setting to No.", codec=CODE
    )
    secure_one_call_act_code: str = _CODES.row(
        "*18", "Secure_One_Call_Act_Code", "Dialled before a number or alone, offers SRTP in the next call.", codec=CODE
    )
    secure_one_call_deact_code: str = _CODES.row(
        "*19", "Secure_One_Call_Deact_Code", "Dialled before a number or alone, offers no SRTP in the next call.", codec=CODE
    )

    language_selection: str = _LANGUAGE.row(
        "English-US",
        "Language_Selection",
        "Language of the phone screen, and of the web page for a browser that asks for none; any other name is English.",
        codec=LanguageName(),
        status=Status.OBEYED,
    )
    dictionary_server_script: str = _LANGUAGE.row(
        "",
        "Dictionary_Server_Script",
        "Where the words of further languages are: serv=https://SERVER/PATH/;d1=Spanish;x1=es.xml.",
        codec=Text(1024, "serv=URL;d1=LANGUAGE;x1=FILE;...", display=True),
        status=Status.OBEYED,
        source="ADR 51",
    )

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
