"""Certificate, then device, then template; and what a User-Agent is worth.

Source: PS-04; phone-facts 2.9.
"""

import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from ringfence.provider.identity import DeviceIdentity, Shown, claimed, shown
from ringfence.provider.profiles import Client, GenericPolicy, Profiles
from tests.support.certificates import CLIENT, authority, leaf

MAC, OTHER = "000e08abcdef", "000e08abcdee"
AGENT = f"Cisco-CP-7832-3PCC/11.0.1 ({MAC})"


OWN = Shown(DeviceIdentity("CP-8841-3PCC", "1", MAC), 0xA, 0)
GENERIC = Shown(DeviceIdentity("cisco.com", "ciscogeneric", ""), 0xA, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "generic").mkdir()
    (tmp_path / "default.xml").write_text("own {{ mac }}")
    (tmp_path / "generic" / "default.xml").write_text("generic {{ mac }}{{ serial }}{{ product }}")
    return tmp_path


def ask(
    folder: Path, policy: GenericPolicy, who: Shown | None, path: str, agent: str = AGENT
) -> tuple[int, str, str]:
    client = Client(who, agent)
    answer = Profiles(folder, policy, {0xB}.__contains__).answer(path, client)
    return answer.status, answer.body.decode(), answer.who


@pytest.mark.parametrize("policy", GenericPolicy)
def test_an_individual_certificate_opens_its_own_under_every_policy(
    folder: Path, policy: GenericPolicy
) -> None:
    who = f"{MAC} CP-8841-3PCC 1"
    assert ask(folder, policy, OWN, f"/{MAC}.xml") == (200, f"own {MAC}", who)
    other = f"Cisco-CP-7832-3PCC/11.0.1 ({OTHER})"
    assert ask(folder, policy, OWN, f"/{OTHER}.xml", other)[0] == 403
    assert ask(folder, policy, None, f"/{MAC}.xml")[::2] == (403, "no device certificate")


@pytest.mark.parametrize(
    ("policy", "path", "agent", "answer"),
    [
        (GenericPolicy.REFUSE, f"/{MAC}.xml", AGENT, (403, "generic, refused")),
        (GenericPolicy.BOOTSTRAP, f"/{MAC}.xml", AGENT, (200, "generic, bootstrap")),
        (GenericPolicy.BOOTSTRAP, f"/{OTHER}.xml", "", (200, "generic, bootstrap")),
        (GenericPolicy.BOOTSTRAP, "/nothing.xml", "", (404, "generic, bootstrap")),
        (GenericPolicy.AGENT, f"/{MAC}.xml", AGENT, (200, f"generic, says it is {MAC}")),
        (GenericPolicy.AGENT, f"/{OTHER}.xml", AGENT, (403, f"generic, says it is {MAC}")),
        (GenericPolicy.AGENT, f"/{MAC}.xml", "curl", (403, "generic, says it is nobody")),
        (GenericPolicy.AGENT, "/default.xml", AGENT, (403, f"generic, says it is {MAC}")),
    ],
)
def test_generic_phones_get_what_the_policy_says(
    folder: Path, policy: GenericPolicy, path: str, agent: str, answer: tuple[int, str]
) -> None:
    assert ask(folder, policy, GENERIC, path, agent)[::2] == answer


def test_a_bootstrap_profile_has_nothing_of_one_phone(folder: Path) -> None:
    assert ask(folder, GenericPolicy.BOOTSTRAP, GENERIC, f"/{MAC}.xml")[1] == "generic "
    said = ask(folder, GenericPolicy.AGENT, GENERIC, f"/{MAC}.xml")[1]
    assert said == f"generic {MAC}CP-7832-3PCC"


def test_without_a_generic_folder_generic_phones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "default.xml").write_text("own {{ mac }}")
    for policy in GenericPolicy:
        assert ask(tmp_path, policy, GENERIC, f"/{MAC}.xml")[::2] == (403, "generic, refused")


def test_a_certificate_that_names_two_phones_is_nobodys(folder: Path) -> None:
    macs = ((NameOID.SURNAME, MAC), (NameOID.SERIAL_NUMBER, OTHER))
    names = ((NameOID.ORGANIZATIONAL_UNIT_NAME, "CP-8841-3PCC"), *macs)
    subject = [x509.NameAttribute(*name) for name in names]
    made = leaf(authority(), subject=subject, usage=CLIENT)
    both = shown(x509.load_der_x509_certificate(made.der))
    for policy in GenericPolicy:
        assert ask(folder, policy, both, f"/{MAC}.xml")[0] == 403


def test_a_revoked_certificate_opens_nothing(folder: Path) -> None:
    revoked = replace(OWN, number=0xB)
    who = f"{MAC} CP-8841-3PCC 1, revoked"
    assert ask(folder, GenericPolicy.AGENT, revoked, f"/{MAC}.xml")[::2] == (403, who)
    shared = replace(GENERIC, number=0xB)
    asked = ask(folder, GenericPolicy.BOOTSTRAP, shared, f"/{MAC}.xml")
    assert asked[::2] == (403, "generic, revoked")


def test_a_finished_profile_is_looked_at_again_after_five_milliseconds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked: set[int] = set()
    clock = iter((0.100, 0.104, 0.106, 0.107, 0.110, 0.112))
    monkeypatch.setattr("ringfence.provider.profiles.time.monotonic", lambda: next(clock))
    profiles = Profiles(folder, GenericPolicy.REFUSE, revoked.__contains__)
    asked = (f"/{MAC}.xml", Client(OWN))
    made = profiles.answer(*asked)
    assert profiles.at_hand(*asked) == made
    (folder / "default.xml").write_text("other")
    os.utime(folder / "default.xml", (1, 1))
    assert profiles.at_hand(*asked) == made
    assert profiles.at_hand(*asked) is None
    made = profiles.answer(*asked)
    assert made.body == b"other"
    assert profiles.at_hand(*asked) == made
    revoked.add(OWN.number)
    assert profiles.at_hand(*asked) == made
    assert profiles.at_hand(*asked) is None


@pytest.mark.parametrize(
    ("agent", "product", "mac"),
    [
        ("Cisco-CP-7832-3PCC/11.0.1 (00562b043615)", "CP-7832-3PCC", "00562b043615"),
        (f"Ringfence/0.1.0 ({MAC})", "", MAC),
        (f"Ringfence/0.1.0 ({MAC.upper()})", "", MAC),
        (f"Ringfence/0.1.0 {MAC}", "", ""),
        (f"x ({MAC}) y ({OTHER})", "", ""),
        (f"x ({MAC}) y ({MAC})", "", MAC),
        ("../CP-8841-3PCC (000e08abcdef00)", "", ""),
        ("", "", ""),
    ],
)
def test_a_user_agent_names_one_phone_or_none(agent: str, product: str, mac: str) -> None:
    assert claimed(agent) == DeviceIdentity(product, "", mac)
