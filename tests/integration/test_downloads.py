"""Picture, logo and dictionary from nginx on the whole phone: believed, shown, kept, renewed."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from ringfence.runtime.control import ask
from tests.support.phone import RunningPhone
from tests.support.pictures import picture
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, SECOND, Net, Nginx, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "net", "nginx"]

OTHER = "pv2.telco.test"
A_RECORDS = (f"host-record={NAME},{FIRST}", f"host-record={OTHER},{SECOND}")
QUIET = {"Resync_On_Reset": "No"}
WALL = {"Phone_Background": "Download Picture", "Picture_Download_URL": f"https://{NAME}/wall.jpg"}
LOGO = {"Phone_Background": "Logo", "Logo_URL": f"https://{NAME}/logo.bmp"}
SPANISH = {
    "Language_Selection": "Spanish",
    "Dictionary_Server_Script": f"serv=https://{NAME}/;d0=English;x0=en.xml;d1=Spanish;x1=es.xml",
}
WORDS = """<?xml version="1.0" encoding="UTF-8"?>
<dictionary code="es"><phrase english="Applications">Aplicaciones</phrase>
<phrase english="Status">Estado</phrase><phrase english="Nobody says this">x</phrase>
<phrase english="Select">&lt;b&gt;Elegir</phrase>
<phrase english="Back">{self.__class__}</phrase></dictionary>"""
FILES = {"picture": WALL, "logo": LOGO, "dictionary": SPANISH}


def put(server: Nginx) -> None:
    for name, data in (
        ("wall.jpg", picture("JPEG", (1600, 1200))),
        ("logo.bmp", picture("BMP")),
        ("es.xml", WORDS.encode()),
    ):
        (server.root / name).write_bytes(data)
        (server.root / name).chmod(0o644)


def rows(status: dict[str, Any]) -> dict[str, str]:
    return dict(status["features"].get("downloads", {}).get("rows", ()))


def wait(phone: RunningPhone, label: str, words: str) -> dict[str, str]:
    """Return the rows once one of them has the words."""
    return rows(phone.until(lambda now: words in rows(now).get(label, "")))


def look(phone: RunningPhone) -> dict[str, Any]:
    answer = ask(phone.state, {"verb": "command", "name": "screen", "arguments": {}})
    assert answer is not None
    return answer


def shown(phone: RunningPhone, digest: str) -> Image.Image:
    arguments = {"digest": digest}
    answer = ask(phone.state, {"verb": "command", "name": "picture", "arguments": arguments})
    assert answer is not None
    return Image.open(io.BytesIO(base64.b64decode(answer["png"])))


@pytest.mark.proves("APP-08", "TLS-08")
def test_a_picture_and_a_logo_are_fetched_and_stand_behind_the_screen(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx()
    put(server)
    phone = net.boot(**QUIET, **WALL, Text_Logo="Ringfence & Co")
    told = wait(phone, "Picture Last", "good")
    assert f"good; TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384, {NAME}" in told["Picture Last"]
    assert told["Picture Server"] == f"https://{NAME}:443/wall.jpg"
    assert told["Picture Shown"].startswith("640 x 480 of JPEG, 1600 x 1200, ")
    seen = look(phone)
    assert (seen["behind"]["kind"], seen["behind"]["name"]) == ("picture", "wall.jpg")
    assert shown(phone, seen["behind"]["digest"]).size == (640, 480)
    text = Screen(phone).press("Home")
    assert "Ringfence & Co" in text
    assert "[wall.jpg]" in text
    submit(phone, **LOGO)
    assert wait(phone, "Logo Last", "good").keys().isdisjoint({"Picture Last", "Picture Shown"})
    assert look(phone)["behind"]["kind"] == "logo"
    assert [one.name for one in net.state.glob("download-*")] == ["download-logo"]
    submit(phone, Phone_Background="Default")
    phone.until(lambda now: not rows(now))
    assert look(phone)["behind"] is None
    assert not list(net.state.glob("download-*"))
    server.access.wait_for("GET /logo.bmp HTTP/1.1")
    assert server.access.text.count("|200|GET") == 2


@pytest.mark.proves("APP-08")
def test_the_screen_speaks_the_words_of_a_dictionary_and_english_where_they_end(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    put(nginx())
    phone = net.boot(**QUIET, **SPANISH)
    assert wait(phone, "Dictionary Last", "good")["Dictionary Words"].startswith("4 phrases, 1 sk")
    menu = Screen(phone).press("Home", "Applications")
    assert "Aplicaciones" in menu
    assert " Estado" in menu
    assert "[<b>Elegir" in menu  # words, and never markup
    assert "[Back" in menu  # what would read the phone's insides is skipped
    assert "Network configuration" in menu
    submit(phone, Language_Selection="German")
    assert "Anwendungen" in Screen(phone).press("Home", "Applications")
