"""A box on the way to the directory that says the directory cannot do TLS.

Usage: `python -m ringfence.lab.stripper ADDRESS PORT SERVER PORT`. It passes everything on as it
is, but answers a request for StartTLS itself, and with a refusal. It prints `ready`, then one
line for each thing it did, and what it could read.
"""

import asyncio
import sys

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.ldap import ber, message

REFUSAL = (ber.integer(2, ber.ENUMERATED), ber.octets(""), ber.octets("unsupported"))
LARGEST = 65536


class Stripper:
    """The box."""

    def __init__(self, address: str, port: int, server: tuple[str, int]) -> None:
        self._at = (address, port)
        self._server = server

    async def serve(self) -> None:
        """Serve until killed."""
        listener = await asyncio.start_server(self._one, *self._at)
        print("ready", flush=True)
        await listener.serve_forever()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_connection(*self._server)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(behind, writer))
                group.create_task(self._listen(reader, writer, onward))
        except* OSError:
            pass
        writer.close()
        onward.close()

    async def _listen(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        onward: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(LARGEST):
            if message.STARTTLS_OID.encode() in data:
                print("stripped: StartTLS", flush=True)
                writer.write(_refusal(data))
            else:
                print(f"read: {len(data)} bytes{_seen(data)}", flush=True)
                onward.write(data)
        onward.close()


def _refusal(request: bytes) -> bytes:
    number = ber.Contents(request).inside(ber.SEQUENCE).number()
    refused = ber.element(message.Kind.EXTENDED_DONE, *REFUSAL)
    return ber.element(ber.SEQUENCE, ber.integer(number), refused)


def _seen(data: bytes) -> str:
    """Return what kind of request was read; nothing where it is TLS."""
    try:
        whole = ber.Contents(data).inside(ber.SEQUENCE)
        whole.number()
        return f", {message.Kind(whole.next()[0]).name}"
    except (RemoteProtocolError, ValueError):
        return ""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(LARGEST):
        writer.write(data)
    writer.close()


def main(address: str, port: str, server: str, behind: str) -> None:
    """Serve until killed."""
    asyncio.run(Stripper(address, int(port), (server, int(behind))).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
