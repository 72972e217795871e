"""The servers that a lab lacks: XML service, location and control server, Prosody and XSI."""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from ringfence.lab.topology import INFRASTRUCTURE, REGISTRAR_NAME

WEB, XSI, XMPP = 8443, 8444, 5223
PATIENCE = 30.0


async def serve(provider: Path) -> None:
    """Be XML service, location server and control server; have all servers used on demand."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(provider))
    phones: list[web.WebSocketResponse] = []

    async def menu(request: web.Request) -> web.Response:
        items = "".join(
            f"<MenuItem><Name>Item {n}</Name><URL>Dial:{n}</URL></MenuItem>" for n in range(80)
        )
        return web.Response(text=f"<CiscoIPPhoneMenu><Title>Day</Title>{items}</CiscoIPPhoneMenu>")

    async def held(request: web.Request) -> web.Response:
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        uri = f"https://{REGISTRAR_NAME}/place/1"
        text = '<locationResponse xmlns="urn:ietf:params:xml:ns:geopriv:held">'
        text += f'<locationUriSet expires="{end}"><locationURI>{uri}</locationURI>'
        text += "</locationUriSet></locationResponse>"
        return web.Response(text=text, content_type="application/held+xml")

    async def control(request: web.Request) -> web.WebSocketResponse:
        phone = web.WebSocketResponse()
        await phone.prepare(request)
        phones[:] = [phone]
        async for _ in phone:
            pass
        return phone

    app = web.Application()
    app.add_routes([web.get("/menu.xml", menu), web.post("/held", held)])
    app.router.add_get("/control", control)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, INFRASTRUCTURE, WEB, ssl_context=context).start()
    bob = await asyncio.to_thread(writer, provider / "provider-root.crt")
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    reader = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: reader, sys.stdin)
    number = 0
    while await lines.readline():
        number += 1
        request = {"id": number, "path": "/api/Call/v1/Status", "arguments": {}}
        await phones[0].send_str(json.dumps(request))
        to = f"1001@{REGISTRAR_NAME}"
        bob.sendall(f"<message to='{to}' type='chat'><body>{number}</body></message>".encode())
        asking = asyncio.get_running_loop().create_task(asyncio.to_thread(manage))
        asking.add_done_callback(lambda done: done.result())


def manage() -> None:
    """Have the ACS read an object, by a connection request and a session of its own."""
    words = ("provider", "acs", "get", "--dir", "/run/lab/acs", "Device.ManagementServer.")
    run = (sys.executable, "-m", "ringfence", *words)
    subprocess.run(run, capture_output=True, timeout=PATIENCE, check=True)


def certificate(provider: Path) -> tuple[Path, Path]:
    return provider / f"{REGISTRAR_NAME}.crt", provider / f"{REGISTRAR_NAME}.key"


def writer(roots: Path) -> ssl.SSLSocket:
    """Return the connection of somebody who writes to the phone, once Prosody lets him in."""
    from tests.support.prosody import signed_in

    until = time.monotonic() + PATIENCE
    while True:
        try:
            return signed_in(INFRASTRUCTURE, REGISTRAR_NAME, str(roots))
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def servers(provider: Path) -> Iterator[None]:
    """Run Prosody and the XSI server beside what `serve` is."""
    from tests.support.prosody import PASSWORD, configuration

    crt, key = certificate(provider)
    with tempfile.TemporaryDirectory(prefix="prosody-") as place:
        folder = Path(place)
        config = folder / "prosody.cfg.lua"
        tls = f'certificate = "{crt}", key = "{key}"'
        config.write_text(configuration(folder, INFRASTRUCTURE, REGISTRAR_NAME, tls))
        for user in ("1001", "bob"):
            words = ("prosodyctl", "--config", str(config), "register", user, REGISTRAR_NAME)
            subprocess.run((*words, PASSWORD), check=True, capture_output=True)
        xsi = (sys.executable, "-m", "ringfence.lab.xsi", INFRASTRUCTURE, str(XSI), crt, key)
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with (
            subprocess.Popen(("prosody", "--config", str(config), "-F"), **quiet) as first,
            subprocess.Popen(xsi, **quiet) as second,
        ):
            try:
                yield
            finally:
                first.terminate()
                second.terminate()
