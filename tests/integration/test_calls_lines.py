"""Lines of two providers on one phone that talk at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.desk import NAME, OURS, PROXY, ROOT, THEIRS, Desk
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.pjsua import Pjsua
from tests.support.tones import assert_heard

OTHER, OTHER_NAME = "10.99.0.8", "sip.other.test"
SECOND_PEER, SECOND_TONE = "10.99.0.21", 1000
OTHER_ROOT = authority("Another Provider")
OTHER_USERS = {"2001": "pw2001", "2003": "pw2003"}


def line(n: int, proxy: str, user: str, transport: str) -> dict[str, str]:
    """Return the settings of one line."""
    names = {"Proxy": proxy, "User_ID": user, "Password": f"pw{user}", "SIP_Transport": transport}
    return {f"{name}_{n}_": text for name, text in names.items()}


@pytest.fixture
def other(desk: Desk, tmp_path: Path) -> Iterator[Kamailio]:
    """Yield the registrar of another provider, whose certificate names it alone."""
    desk.outside.address("eth0", f"{OTHER}/24", f"{SECOND_PEER}/24")
    folder = tmp_path / "other"
    folder.mkdir()
    certificate, key = leaf(OTHER_ROOT, dns=[OTHER_NAME]).save(folder, "sip")
    registrar = Registrar(OTHER, OTHER_NAME, OTHER_USERS, Path(certificate), Path(key))
    made = Kamailio(desk.outside, folder, registrar)
    yield made
    made.close()


@pytest.fixture
def phone(desk: Desk) -> LinePhone:
    desk.phone.know(NAME, PROXY)
    desk.phone.know(OTHER_NAME, OTHER)
    desk.phone.trust(ROOT.pem, OTHER_ROOT.pem)
    return desk.phone


@pytest.mark.proves("CALL-01", "CALL-06")
def test_two_lines_talk_at_once_each_as_its_own_settings_have_it(
    desk: Desk, phone: LinePhone, other: Kamailio, component: list[str], tmp_path: Path
) -> None:
    phone.set(**line(1, NAME, "1001", "UDP"), **line(2, OTHER_NAME, "2001", "TLS"))
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    first = desk.baresip()
    second = second_peer(desk.outside, tmp_path)
    component.append(second.version)
    try:
        second.wait_registered()
        desk.call_out(first)
        second.dial(f"sip:2001@{OTHER_NAME}")
        phone.wait_call(line=2, state="ringing")
        phone.command("answer")
        second.wait_talking()
        assert phone.wait_call(line=2, state="established", received=[">=", 60])["srtp"]
        assert phone.wait_call(line=1, state="established")["srtp"] == ""
        phone.command("hold", call="1")
        phone.wait_call(line=1, state="held")
        before = phone.wait_call(line=2)["received"]
        phone.wait_call(line=2, state="established", received=[">=", before + 30])
        phone.command("hangup", call="2")
        _, heard_there = second.wait_over()
        phone.command("resume")
        phone.wait_call(line=1, state="established")
        first.hang_up()
        _, heard = first.wait_over()
        phone.wait_call(gone=True)
    finally:
        second.stop()
    assert heard
    assert heard_there
    assert_heard(heard, OURS, SECOND_TONE)
    assert_heard(heard_there, OURS, THEIRS)
    assert_heard(recording(desk, 1), THEIRS, SECOND_TONE)
    assert_heard(recording(desk, 2), SECOND_TONE, THEIRS)


def second_peer(space: Namespace, folder: Path) -> Pjsua:
    """Start a PJSIP telephone of the other provider that takes nothing but SRTP."""
    return Pjsua(
        space,
        folder / "second",
        SECOND_PEER,
        user="2003",
        password="pw2003",
        domain=OTHER_NAME,
        proxy=f"sip:{OTHER}:5061;transport=tls;lr",
        transport="TLS",
        srtp="mandatory",
        codecs=["PCMU"],
        hertz=SECOND_TONE,
    )


def recording(desk: Desk, n: int) -> Path:
    (found,) = desk.recorded.glob(f"*-ext{n}.wav")
    return found
