"""What each proxy mode requires, refused on the one write path that page and cfg.xml share."""

import pytest

from ringfence.config.catalog.values import ProxyMode
from ringfence.config.cfgxml import read
from ringfence.config.settings import Settings
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import Severity

ORIGINS = (Origin.PROFILE, Origin.PAGE, Origin.COMMAND, Origin.ACS)
PROXY = {"Proxy_Mode": "Manual", "Proxy_Host": "a.telco.test"}
AUTH = "Proxy_Server_Requires_Authentication"


def given(texts: dict[str, str]) -> dict[str, Change]:
    return {tag: Change(text) for tag, text in texts.items()}


def held(**texts: str) -> Snapshot:
    snapshot, errors = submit(Snapshot(Settings()), given(texts), Origin.PROFILE)
    assert not errors
    return snapshot


@pytest.mark.proves("PXY-07")
@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("texts", "fields", "reason"),
    [
        ({"Proxy_Mode": "Manual"}, ["Proxy_Host"], "Proxy_Mode is Manual"),
        (
            {"Proxy_Mode": "Manual", "Proxy_Port": "0"},
            ["Proxy_Host", "Proxy_Port"],
            "Proxy_Mode is Manual",
        ),
        (PROXY | {"Proxy_Port": "0"}, ["Proxy_Port"], "Proxy_Mode is Manual"),
        (PROXY | {AUTH: "Yes"}, ["Proxy_Username", "Proxy_Password"], f"{AUTH} is Yes"),
        (PROXY | {AUTH: "Yes", "Proxy_Username": "u"}, ["Proxy_Password"], f"{AUTH} is Yes"),
        (PROXY | {AUTH: "Yes", "Proxy_Password": "p"}, ["Proxy_Username"], f"{AUTH} is Yes"),
        (
            {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "No"},
            ["PAC_URL"],
            "Proxy_Mode is Auto without WPAD",
        ),
    ],
)
def test_what_a_mode_lacks_is_named_and_nothing_of_the_proxy_is_taken(
    origin: Origin, texts: dict[str, str], fields: list[str], reason: str
) -> None:
    before = held()
    after, errors = submit(before, given(texts | {"Syslog_Server": "log.telco.test"}), origin)
    assert [error.parameter for error in errors] == fields
    assert all(error.reason.startswith(f"is empty, and {reason}; ") for error in errors)
    assert after.settings.system.proxy_mode is ProxyMode.OFF
    assert not {*texts} & {*after.stored}
    assert after.settings.system.syslog_server == "log.telco.test"  # its neighbour is untouched


@pytest.mark.proves("PXY-07")
@pytest.mark.parametrize(
    "texts",
    [
        {"Proxy_Mode": "Off"},
        {"Proxy_Mode": "Auto"},
        {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "No", "PAC_URL": "http://p/pac"},
        PROXY,
        PROXY | {AUTH: "Yes", "Proxy_Username": "u", "Proxy_Password": "p"},
        {AUTH: "Yes"},
        {"Use_Auto_Discovery__WPAD_": "No"},
        {"Proxy_Mode": "Auto", AUTH: "Yes"},
    ],
)
def test_what_a_mode_does_not_need_may_be_missing(texts: dict[str, str]) -> None:
    assert set(held(**texts).stored) == set(texts)


@pytest.mark.proves("PXY-07")
def test_a_field_that_is_needed_cannot_be_emptied() -> None:
    before = held(**PROXY)
    after, errors = submit(before, given({"Proxy_Host": ""}), Origin.PAGE)
    assert [error.parameter for error in errors] == ["Proxy_Host"]
    assert after is before


def test_a_new_user_never_meets_the_old_host() -> None:
    before = held(**PROXY)
    texts = {"Proxy_Host": "http://b", AUTH: "Yes", "Proxy_Username": "u"}
    after, errors = submit(before, given(texts), Origin.PROFILE)
    assert [error.parameter for error in errors] == ["Proxy_Host", "Proxy_Password"]
    assert after.settings.system.proxy_username == ""
    assert after.settings.system.proxy_host == "a.telco.test"


def test_other_parameters_are_not_held_up_by_what_the_proxy_lacks() -> None:
    before = Snapshot(held(**PROXY).settings)
    after, errors = submit(before, given({"Syslog_Server": "log"}), Origin.PAGE)
    assert (after.settings.system.syslog_server, errors) == ("log", [])


@pytest.mark.proves("PXY-07")
def test_a_file_is_told_so_at_its_line() -> None:
    document = read(
        b"<flat-profile>\n<Proxy_Mode>Manual</Proxy_Mode>\n<Proxy_Host/>\n</flat-profile>"
    )
    before = Snapshot(Settings())
    _, errors = submit(before, document.changes(before), Origin.PROFILE)
    (found,) = document.positioned(errors)
    assert (found.severity, found.rule, found.tag, found.line) == (
        Severity.ERROR,
        "proxy-incomplete",
        "Proxy_Host",
        3,
    )
    assert found.remedy == "fill it in, or set Proxy_Mode to Off"
