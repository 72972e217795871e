"""The phone's screen by scripts of keys, on a phone that runs in the lab."""

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command

PASSWORD = "open-Sesame-1"
OPEN = f"text:{PASSWORD},Sign in,wait:Signed in."
PATIENCE = 90.0
"""Seconds until a restart must be over: a script of keys that it interrupts waits for 30."""
ADMINISTRATION = "Home,Applications,wait:Applications,4"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Return a running lab whose second line is on TLS like the first, and challenges nobody."""
    made = Command(tmp_path_factory.mktemp("lab"))
    made.up()
    provide(made, "")
    yield made
    assert made.run("down").returncode == 0


@pytest.fixture
def kamailio(component: list[str]) -> None:
    """Name the registrar of the lab, as it names itself."""
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name == "kamailio"]


def phone(lab: Command, *words: str) -> subprocess.CompletedProcess[str]:
    ran = lab.run("phone", *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def screen(lab: Command, keys: str = "") -> str:
    """Press keys and return the screen."""
    return phone(lab, "screen", "--once", *(("--keys", keys) if keys else ())).stdout


@pytest.fixture(autouse=True)
def idle(lab: Command) -> Iterator[None]:
    """Leave nobody signed in, and no call."""
    yield
    features = (lab.status()["phone"] or {}).get("features", {})
    for label, _ in features.get("line", {}).get("rows", ()):
        if label.startswith("Call "):
            lab.run("phone", "hangup", label.removeprefix("Call "))
    if "2 Sign out" in screen(lab, ADMINISTRATION):
        screen(lab, "2")


@pytest.mark.proves("SCR-05")
def test_a_call_is_made_and_taken_from_the_screen(lab: Command, kamailio: None) -> None:
    lines = screen(lab, "Home,wait:2 1002            Registered\\, TLS")
    assert "1 1001            Registered, TLS" in lines
    ringing = screen(lab, "Home,Line1,text:1002,Call,wait:incoming call")
    assert "[Answer]" in ringing or "ringing" in ringing
    talking = screen(lab, "Line2,Answer,wait:SECURE CALL")
    assert talking.splitlines()[0].endswith("[LOCK] [SECURE CALL]")
    assert re.search(r"\[secure\] To 1002 +0:\d\d$", talking, re.MULTILINE)
    assert "[Hold]" in talking
    assert "Line 1: on hold" in screen(lab, "Line1,Hold,wait:Line 1: on hold")
    assert "Line 2: held by the other side" in screen(lab, "wait:held by the other side")
    screen(lab, "Resume,wait:Line 1: connected")
    assert "Line 2: connected" in screen(lab, "wait:Line 2: connected")
    muted = screen(lab, "Mute,wait:[MUTED]")
    assert "The microphone is off." in muted
    assert muted.splitlines()[0].endswith("[LOCK] [SECURE CALL] [MUTED]")
    assert "Volume 8 of 10" in screen(lab, "Louder,wait:Volume 8")
    assert "Volume 7 of 10" in screen(lab, "Softer,wait:Volume 7")
    assert "MUTED" not in screen(lab, "Mute,wait:The microphone is on.")
    over = screen(lab, "End call,wait:[Redial]")
    assert "SECURE CALL" not in over
    assert re.search("hung up|call ended", over)


@pytest.mark.proves("SCR-05")
def test_a_call_that_cannot_be_says_why_and_clear_signalling_is_not_called_secure(
    lab: Command, kamailio: None
) -> None:
    told = screen(lab, "Home,Line1,text:4711,Call,wait:(404)")
    assert "4711: nobody has this number (404)" in told
    screen(lab, "Home,Line1,text:1002,Call,wait:incoming call")
    told = screen(lab, "Line2,Decline,wait:declined")
    assert "declined" in told
    provide(lab, "", "UDP")
    screen(lab, "Home,wait:2 1002            Registered\\, UDP")
    told = screen(lab, "Line1,text:1002,Call,wait:incoming call,Answer,wait:Line 2: connected")
    assert "[secure] To 1002" in screen(lab, "wait:Line 1: connected")
    assert "SECURE CALL" not in told  # the keys of its other half travelled in clear text
    screen(lab, "Line1,End call,wait:[Redial]")
    provide(lab, "")


@pytest.mark.proves("SCR-05")
def test_a_missed_call_is_told_and_called_back(lab: Command, kamailio: None) -> None:
    screen(lab, "Home,Line1,text:1002,Call,wait:incoming call,Line1,End call")
    assert "1 missed call" in screen(lab, "Home,wait:missed call")
    rows = screen(lab, "Recents,wait:Recents")
    assert re.search(r" ! \d\d/\d\d \d\d:\d\d CP-8841", rows), rows
    assert re.search(r" > \d\d/\d\d \d\d:\d\d 1002 ", rows), rows
    assert "missed call" not in screen(lab, "Home")
    rows = screen(lab, "Recents,wait:Recents")
    (back,) = re.findall(r"(\d) ! ", rows)[:1]
    assert "To 1001" in screen(lab, f"{back},wait:To 1001")
    screen(lab, "End call,wait:[Redial]")


def provide(lab: Command, elements: str, transport: str = "TLS") -> None:
    """Put elements into the profile of the lab's provider, and let the phone fetch it.

    The second line challenges nobody, and the password of the user is known here.
    """
    elements += f"<User_Password>{PASSWORD}</User_Password><Auth_INVITE_2_>No</Auth_INVITE_2_>"
    elements += f"<SIP_Transport_2_>{transport}</SIP_Transport_2_>"
    state = lab.home / "ringfence" / "lab" / "default"
    (template,) = state.glob("provider/**/default.xml")
    text = template.read_text()
    template.write_text(text.replace("</flat-profile>", f"{elements}</flat-profile>"))
    try:
        phone(lab, "resync")
    finally:
        template.write_text(text)


def test_user_mode_hides_and_locks_what_the_access_attribute_says(lab: Command) -> None:
    provide(
        lab,
        '<Phone-UI-User-Mode ua="na">Yes</Phone-UI-User-Mode>'
        '<Primary_DNS ua="na"/><Gateway ua="ro">10.99.1.1</Gateway><NetMask ua="rw"/>',
    )
    entered = f"Home,Applications,wait:Applications,1,{OPEN},wait:IPv4,"
    form = screen(lab, f"{entered}Down,Down,Select,wait:Subnet mask")
    assert "DNS server 1" not in form
    assert "10.99.1.1 (locked)" in form
    assert "locked" in screen(lab, "Down,Down,Down,5,wait:has locked this setting")
    edited = screen(lab, "Up,text:255.255.255.0,Set,wait:Saved")
    assert "255.255.255.0" in edited
    assert phone(lab, "get", "NetMask").stdout == "255.255.255.0\n"


def test_what_changes_the_phone_stands_behind_the_user_password(lab: Command) -> None:
    assert "Factory reset" not in screen(lab, ADMINISTRATION)
    wrong = screen(lab, "text:guess,Sign in,wait:it is wrong")
    assert "Sign in" in wrong
    assert "guess" not in wrong
    opened = screen(lab, f"Clear,{OPEN}")
    assert "Factory reset" in opened
    away = screen(lab, "2,wait:Signed out.")
    assert "Signed out." in away
    assert "Sign in" in screen(lab, ADMINISTRATION)


def test_a_key_that_is_not_there_is_refused_in_one_line(lab: Command) -> None:
    ran = lab.run("phone", "screen", "--once", "--keys", "Home,Answer")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1].endswith("'Answer' is no key here; look at the screen")


ENTERED = f"Home,Applications,wait:Applications,{{n}},{OPEN},wait:"


def restarted(lab: Command) -> bool:
    """Return whether the phone has begun another life because somebody restarted it."""
    keys = "Home,Applications,2,wait:Reboot history,7,wait:Reboot Reason 1"
    ran = lab.run("phone", "screen", "--once", "--keys", keys)
    return ran.returncode == 0 and "User Triggered" in ran.stdout


@pytest.mark.proves("SCR-04")
def test_every_other_menu_of_the_chapter_does_what_it_says(lab: Command, kamailio: None) -> None:
    provide(lab, "<Phone-UI-User-Mode>No</Phone-UI-User-Mode>")
    form = screen(lab, f"{ENTERED.format(n=1)}HTTP proxy settings,5,wait:Proxy mode")
    assert "3128" in form
    screen(lab, "Down,Down,Down,text:proxy.telco.test,Set,wait:Saved")
    assert phone(lab, "get", "Proxy_Host").stdout == "proxy.telco.test\n"
    assert "Dual Mode" in screen(lab, "Back,2,wait:IP mode")
    assert "10.99.1.10" not in screen(lab, "Back,3,wait:Static IP")
    status = screen(lab, "Home,Applications,2,1,wait:Serial Number")
    assert "CP-8841-3PCC" in status
    screen(lab, "Home,Applications,5,wait:Send a problem report?,Submit")
    assert "The report is made." in screen(lab, "wait:The report is made.")
    changed = "text:open-Sesame-1,Down,text:Other-horse-9,Down,text:Other-horse-9"
    screen(lab, f"Home,Applications,4,1,{changed},Set,wait:Password set.")
    again = "Home,Applications,4,text:Other-horse-9,Sign in,wait:Factory reset"
    screen(lab, f"{again},3,text:https://pv.telco.test/no.xml,Resync,wait:HTTP status 403")
    lab.run(
        "phone", "screen", "--keys", "Home,Applications,4,5,wait:Restart the phone?,OK", "--once"
    )
    end = time.monotonic() + PATIENCE
    while not restarted(lab):
        assert time.monotonic() < end
    provide(lab, "")
    screen(lab, f"Home,Applications,4,{OPEN}")
    lab.run("phone", "screen", "--once", "--keys", "4,wait:Reset the phone?,OK")
    end = time.monotonic() + PATIENCE
    while lab.run("phone", "get", "Proxy_Host").stdout != "\n":
        assert time.monotonic() < end
