"""Carry connections from a listening socket of the host to the phone, through its firewall.

A listening socket belongs to the network in which it was made; this process lives in the lab's
PC, so that what it forwards arrives at the phone like any browser of the lab.
Usage: `python -m ringfence.lab.relay DESCRIPTOR STATE`, with the phone's state folder.
"""

import asyncio
import contextlib
import socket
import sys
from pathlib import Path

from ringfence.errors import ComponentError
from ringfence.runtime.control import ask

CONNECT_TIME = 5.0
"""Seconds that the phone has to accept."""


def web_server(state: Path) -> tuple[str, str, int]:
    """Return scheme, address and port of the phone's page, as the phone has them now.

    Raises:
        ComponentError: no phone runs, or it has no lease.

    """
    status = ask(state, {"verb": "status"})
    lease = (status or {}).get("lease") or {}
    if not lease.get("address"):
        raise ComponentError("phone", "it has no address")
    words = [
        (ask(state, {"verb": "get", "tag": tag}) or {}).get("text", "")
        for tag in ("Enable_Protocol", "Web_Server_Port")
    ]
    return words[0].lower(), str(lease["address"]), int(words[1])


async def serve(listener: socket.socket, state: Path) -> None:
    """Forward every connection, until cancelled."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIME):
                _, address, port = await asyncio.to_thread(web_server, state)
                far_reader, far_writer = await asyncio.open_connection(address, port)
        except (OSError, ValueError, ComponentError) as error:
            print(f"relay: {type(error).__name__} {error}", file=sys.stderr)
            writer.transport.abort()
            return
        with contextlib.closing(writer), contextlib.closing(far_writer):
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, far_writer))
                group.create_task(_pump(far_reader, writer))

    server = await asyncio.start_server(one, sock=listener)
    async with server:
        await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def main(descriptor: str, state: str) -> None:
    """Serve until killed."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(socket.socket(fileno=int(descriptor)), Path(state)))


if __name__ == "__main__":
    main(*sys.argv[1:])
