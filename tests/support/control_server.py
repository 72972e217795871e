"""A control server by aiohttp: `python -m tests.support.control_server PORT [CRT KEY]`.

Each line of its input goes to the phone as a message (`bytes HEX` as a binary one, `raw HEX` past
WebSocket, `flood HEX` so without end); each message of the phone is a line of its output. A
handshake may be refused: `/403`.
"""

import asyncio
import ssl
import sys

from aiohttp import WSMsgType, web

FULL = 1 << 20
"""Bytes that wait to be sent."""


async def flood(transport: asyncio.Transport, data: bytes) -> None:
    """Send without end, as fast as it is taken; say when a MiB has been."""
    sent, told = 0, False
    while not transport.is_closing():
        waiting = transport.get_write_buffer_size()
        if waiting < FULL:
            transport.write(data)
            sent += len(data)
        if sent - waiting > FULL and not told:
            told = True
            print("flooded", flush=True)
        await asyncio.sleep(0.001)


async def serve(port: int, *certificate: str) -> None:
    """Serve until the input ends."""
    lines = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    floods: list[asyncio.Task[None]] = []
    phones: list[tuple[web.WebSocketResponse, web.Request]] = []

    async def phone(request: web.Request) -> web.StreamResponse:
        if request.path == "/403":
            return web.Response(status=403)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        print(f"connected {request.path_qs} {request.headers['User-Agent']}", flush=True)
        phones[:] = [(socket, request)]
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                print(f"said {message.data}", flush=True)
        print(f"closed {socket.close_code}", flush=True)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", phone)
    runner = web.AppRunner(app)
    await runner.setup()
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    await web.TCPSite(runner, port=port, ssl_context=context).start()
    print("ready", flush=True)
    while line := (await lines.readline()).decode().rstrip("\n"):
        kind, _, rest = line.partition(" ")
        socket, request = phones[0]
        if kind == "bytes":
            await socket.send_bytes(bytes.fromhex(rest))
        elif kind == "raw" and request.transport:
            request.transport.write(bytes.fromhex(rest))
        elif kind == "flood" and request.transport:
            floods.append(loop.create_task(flood(request.transport, bytes.fromhex(rest) * 20_000)))
        elif kind == "close":
            await socket.close(code=1001, message=b"going away")
        else:
            await socket.send_str(line)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
