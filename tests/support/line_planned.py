"""Lines as they are planned from texts."""

from ringfence.config.settings import decode, virgin
from ringfence.features.line.home import Home
from ringfence.features.line.plan import LinePlan, plan
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Identity, Planned

LEASE = Lease("192.0.2.50", 24, "192.0.2.1", resolvers=("192.0.2.1",))


FACTS = Facts(Identity(mac="001122334455"), lease=LEASE, trust=Trust(("root",)))


LINE = {"Proxy_1_": "sip.telco.test", "User_ID_1_": "1001", "Password_1_": "pw1001"}


def planned(**texts: str) -> Planned[LinePlan]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, FACTS)


def line(**texts: str) -> LinePlan:
    return planned(**texts).plans["1"]


def home(**texts: str) -> Home:
    made = line(**{**LINE, **texts}).home
    assert made
    return made


def rules(**texts: str) -> list[str]:
    return [finding.rule for finding in planned(**texts).findings]
