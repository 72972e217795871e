"""Where syslog goes. Source: chapter, Syslog Server; phone-facts 1.2."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.features.syslog.plan import Server, SyslogPlan, plan
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.syslog import Severity
from ringfence.runtime.state import Facts, Identity

LEASE = Lease("10.0.0.2", 24, "10.0.0.1", resolvers=("10.0.0.53",))
IDENTITY = Identity(mac="000e08abcdef", serial="88012BA01234")


def planned(lease: Lease | None = LEASE, **texts: str) -> SyslogPlan | None:
    settings, errors = decode(texts, Settings())
    assert not errors
    return plan(settings, Facts(identity=IDENTITY, lease=lease)).plans.get("")


@pytest.mark.proves("LOG-03")
def test_without_a_syslog_server_there_is_no_plan() -> None:
    assert planned() is None
    assert planned(Debug_Server="10.0.0.9") is None


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("log.telco.test", Server("log.telco.test", 514)),
        ("10.0.0.9:5514", Server("10.0.0.9", 5514)),
        ("[fd00::9]:5514", Server("fd00::9", 5514)),
        ("fd00::9", Server("fd00::9", 514)),
    ],
)
def test_the_port_is_514_unless_it_is_written(text: str, server: Server) -> None:
    found = planned(Syslog_Server=text)
    assert found is not None
    assert found.servers == (server,)
    assert found.resolvers == ("10.0.0.53",)


def test_a_debug_server_hears_the_same() -> None:
    found = planned(Syslog_Server="10.0.0.9", Debug_Server="10.0.0.8")
    assert found is not None
    assert [server.host for server in found.servers] == ["10.0.0.9", "10.0.0.8"]


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("None", "10.0.0.2"),
        ("$MA", "000e08abcdef"),
        ("$MAU", "000E08ABCDEF"),
        ("$MAC", "00:0e:08:ab:cd:ef"),
        ("$SN", "88012BA01234"),
    ],
)
def test_the_identifier_names_the_phone(identifier: str, name: str) -> None:
    found = planned(Syslog_Server="10.0.0.9", Syslog_Identifier=identifier)
    assert found is not None
    assert found.name == name


def test_debug_level_is_the_least_important_message() -> None:
    found = planned(Syslog_Server="10.0.0.9", Debug_Level="ERROR")
    assert found is not None
    assert found.least is Severity.ERROR
