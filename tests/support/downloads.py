"""What the tests of downloads share: files for nginx, and how to wait for what is told of them."""

import base64
import io
from typing import Any

from PIL import Image

from ringfence.runtime.control import ask
from tests.support.phone import RunningPhone
from tests.support.pictures import picture
from tests.support.provider_net import DNS, FIRST, NAME, SECOND, Nginx

OTHER = "pv2.telco.test"
THIRD = "pv3.telco.test"
A_RECORDS = (
    f"host-record={NAME},{FIRST}",
    f"host-record={OTHER},{SECOND}",
    f"host-record={THIRD},{DNS}",
)
QUIET = {"Resync_On_Reset": "No"}
WORDS = """<?xml version="1.0" encoding="UTF-8"?>
<dictionary code="es"><phrase english="Applications">Aplicaciones</phrase>
<phrase english="Status">Estado</phrase><phrase english="Nobody says this">x</phrase>
<phrase english="Select">&lt;b&gt;Elegir</phrase>
<phrase english="Back">{self.__class__}</phrase></dictionary>"""
TITLES = {"picture": "Picture", "logo": "Logo", "dictionary": "Dictionary"}


def named(key: str, base: str = f"https://{NAME}") -> dict[str, str]:
    """Return the values that have a file fetched from below a URL."""
    if key == "dictionary":
        script = f"serv={base}/;d0=English;x0=en.xml;d1=Spanish;x1=es.xml"
        return {"Language_Selection": "Spanish", "Dictionary_Server_Script": script}
    if key == "logo":
        return {"Phone_Background": "Logo", "Logo_URL": f"{base}/logo.bmp"}
    return {"Phone_Background": "Download Picture", "Picture_Download_URL": f"{base}/wall.jpg"}


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
    seen: dict[str, str] = {}

    def so(status: dict[str, Any]) -> bool:
        seen.clear()
        seen.update(rows(status))
        return words in seen.get(label, "")

    try:
        phone.until(so)
    except AssertionError:
        raise AssertionError(f"{label} never has {words!r}: {seen}") from None
    return seen


def look(phone: RunningPhone) -> dict[str, Any]:
    answer = ask(phone.state, {"verb": "command", "name": "screen", "arguments": {}})
    assert answer is not None
    return answer


def shown(phone: RunningPhone, digest: str) -> Image.Image:
    arguments = {"digest": digest}
    answer = ask(phone.state, {"verb": "command", "name": "picture", "arguments": arguments})
    assert answer is not None
    return Image.open(io.BytesIO(base64.b64decode(answer["png"])))
