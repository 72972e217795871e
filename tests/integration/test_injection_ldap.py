"""What people type for the directory, as slapd itself has read it."""

import re

import pytest

from ringfence.lab.slapd import BASE, CLIENT_DN
from tests.support import metacharacters
from tests.support.ldap_net import PLAIN, Wire, wire

__all__ = ["wire"]

TYPED = (*metacharacters.EACH, *metacharacters.GRAVE, *metacharacters.words(8, 16))
VALUE = r"((?:[^*()\\]|\\[0-9A-F]{2})*)"
"""An assertion value as slapd writes it. Source: RFC 4515 section 3."""


def meant(value: str) -> str:
    """Return the text that a value of slapd's log stands for."""
    return re.sub(r"\\(..)", lambda found: chr(int(found[1], 16)), value).encode("latin-1").decode()


def spelt(word: str) -> str:
    """Return a word as the rule of these attributes compares it: in either case, blanks as one."""
    return " ".join(word.lower().split())


@pytest.mark.proves("APP-01")
def test_slapd_reads_what_was_typed_as_one_value_of_the_filter(wire: Wire) -> None:
    directory = wire.slapd(PLAIN)
    own = {
        "LDAP_Last_Name_Filter": "(sn=$VALUE*)",
        "LDAP_First_Name_Filter": "(&(cn=*$VALUE)(ou=x))",
    }
    asked = [{"word": word, "by": by} for word in TYPED for by in ("last", "first")]
    told = wire.searches(f"ldap://{PLAIN}", asked, **own)
    assert {one["result"] for one in told} == {"success"}
    log = directory.server.wait_for(" closed", len(asked))
    filters = re.findall(r'SRCH base="(.*?)" scope=2 deref=0 filter="(.*)"\n', log)
    assert {base for base, _ in filters} == {BASE}
    forms = (rf"\(sn={VALUE}\*\)", rf"\(&\(cn=\*{VALUE}\)\(ou=x\)\)")
    for at, (_, written) in enumerate(filters):
        found = re.fullmatch(forms[at % 2], written)
        assert found, written
        assert meant(found[1]) == spelt(TYPED[at // 2])
    assert len(filters) == len(asked)


@pytest.mark.proves("APP-01")
def test_slapd_reads_a_name_as_one_name_or_refuses_it(wire: Wire) -> None:
    directory = wire.slapd(PLAIN)
    own = {"LDAP_Auth_Method": "Simple", "LDAP_Prompt_For_Empty_Credentials": "Yes"}
    people = ("uid=a\\2Cb\\22\\3Bc\\3D*()#,dc=telco,dc=test", f'{CLIENT_DN}" method=0', "*)(uid=*")
    asked = [{"word": "l", "user": name, "password": "x"} for name in people]
    reasons = [one["reason"] for one in wire.searches(f"ldap://{PLAIN}", asked, **own)]
    assert "invalidCredentials (49)" in reasons[0]
    assert all("invalidDNSyntax (34)" in one for one in reasons[1:])
    (bound,) = re.findall(r'BIND dn="(.*)" method=128', directory.server.wait_for(" closed", 3))
    assert bound == "uid=a\\2Cb\\22\\3Bc\\3D*()#,dc=telco,dc=test"
    base = {"LDAP_Search_Base": f'{BASE}" scope=0 filter="(x=*)'}
    assert "invalidDNSyntax (34)" in wire.search(f"ldap://{PLAIN}", **base)["reason"]
