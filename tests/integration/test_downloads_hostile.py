"""Servers and pictures that are out to harm: a clear word, bounded memory, and calls go on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.downloads import A_RECORDS, QUIET, TITLES, look, named, put, wait
from tests.support.hostile import liar
from tests.support.phone import PATIENCE, RunningPhone
from tests.support.pictures import BOMBS, noise, picture
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import NAME, Net, submit

__all__ = ["dnsmasq", "liar", "net", "nginx"]

GROWTH = 32 << 10
"""KiB by which the phone may grow. Source: issue 8, hostile servers."""
LIES = {
    "endless": "exceeds",
    "huge": "exceeds",
    "cut": "broken answer",
    "short": "broken answer",
    "garbage": "no HTTP answer",
    "loop": "more than 5 redirects",
    "packed": "it came packed by gzip, which was not asked for",
    "bomb": "refused",
    "noise": "refused",
}


def resident(phone: RunningPhone) -> int:
    """Return the most memory that the phone has had, in KiB."""
    (child,) = phone.children()
    words = Path(f"/proc/{child}/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1])


@pytest.mark.proves("APP-08")
def test_servers_that_lie_keep_what_is_shown_and_cost_no_memory(
    net: Net, dnsmasq: StartDnsmasq, liar: str, component: list[str]
) -> None:
    dnsmasq(*A_RECORDS)
    phone = net.boot(**QUIET, **named("dictionary", f"{liar}/drip"))
    before = resident(phone)
    for key in ("picture", "logo"):
        for kind, said in LIES.items():
            submit(phone, **named(key, f"{liar}/{kind}"))
            wait(phone, f"{TITLES[key]} Last", said)
    wait(phone, "Dictionary Last", "not whole after 20 s")
    for kind, said in {**LIES, "noise": "XML", "bomb": "XML"}.items():
        submit(phone, **named("dictionary", f"{liar}/{kind}"))
        wait(phone, "Dictionary Last", said.replace("refused", ""))
    assert resident(phone) - before < GROWTH
    assert phone.status()["features"]["downloads"]["health"] == "Failed"


@pytest.mark.proves("APP-08")
def test_pictures_that_are_bombs_end_in_their_process(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx()
    put(server)
    large = picture("BMP", (900, 900))
    for name, data in {**{name: data for name, (data, _) in BOMBS.items()}, "large": large}.items():
        folder = server.root / name.replace(" ", "-")
        folder.mkdir()
        (folder / "wall.jpg").write_bytes(data)
    phone = net.boot(**QUIET, **named("picture"))
    wait(phone, "Picture Last", "good")
    before, shown = resident(phone), look(phone)["behind"]["digest"]
    for name, (_, said) in BOMBS.items():
        if said:
            submit(phone, **named("picture", f"https://{NAME}/{name.replace(' ', '-')}"))
            told = wait(phone, "Picture Last", "the picture is refused: ")
            assert said in told["Picture Last"]
    submit(phone, **named("picture", f"https://{NAME}/large"))
    wait(phone, "Picture Last", "exceeds 2097152 bytes")
    assert look(phone)["behind"]["digest"] == shown
    assert resident(phone) - before < GROWTH
    submit(phone, **named("picture", f"https://{NAME}/inflates"))
    assert "64 x 64 of PNG" in wait(phone, "Picture Last", "good")["Picture Shown"]


def decoders(phone: RunningPhone) -> Iterator[int]:
    """Yield the processes of the phone that decode a picture now."""
    (child,) = phone.children()
    for task in Path(f"/proc/{child}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for word in task.read_text().split():
                if b"picture_child" in Path(f"/proc/{word}/cmdline").read_bytes():
                    yield int(word)


@pytest.mark.proves("APP-08")
def test_a_decoder_that_is_killed_is_told_of_and_the_next_one_works(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx()
    put(server)
    (server.root / "wall.jpg").write_bytes(noise((800, 800)))
    phone = net.boot(**QUIET)
    until, told = time.monotonic() + PATIENCE, ""
    for n in range(9999):
        assert time.monotonic() < until, told
        submit(phone, **named("picture", f"https://{NAME}/{'./' * (n % 30)}"))
        while not (found := list(decoders(phone))) and time.monotonic() < until:
            pass  # until it is there
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        told = wait(phone, "Picture Last", "/")["Picture Last"]
        if "was ended by SIGKILL" in told:
            break
    submit(phone, **named("logo"))
    wait(phone, "Logo Last", "good")
    assert not list(decoders(phone))
