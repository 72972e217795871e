"""A proxy that wants to read along: its PAC file leads to itself, and it answers for everyone.

Usage: `python -m ringfence.lab.meddler ADDRESS CERTIFICATE KEY`. Whoever asks at port 80 gets the
PAC file; at port 3128 every CONNECT is granted, and the certificate shown inside. It prints
`ready`, then what it was asked and what it could read.
"""

import asyncio
import ssl
import sys

PATIENCE = 5.0
"""Seconds that a client has for each thing."""
PORT = 3128


class Meddler:
    """Both servers."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        self._address = address
        self._context = context

    async def serve(self) -> None:
        """Serve until killed."""
        files = await asyncio.start_server(self._file, self._address, 80)
        await asyncio.start_server(self._tunnel, self._address, PORT)
        print("ready", flush=True)
        await files.serve_forever()

    async def _file(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _head(reader)
        print(f"file: {_line(head)!r}", flush=True)
        text = f'function FindProxyForURL(u, h) {{ return "PROXY {self._address}:{PORT}"; }}'
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _head(reader)
        login = b"\r\nproxy-authorization:" in head.lower()
        print(f"asked: {_line(head)!r}, {'with' if login else 'without'} a login", flush=True)
        read, why = 0, "the tunnel was closed"
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            async with asyncio.timeout(PATIENCE):
                await writer.start_tls(self._context)
                read = len(await reader.read(4096))
        except ssl.SSLError as error:
            why = f"refused: {(error.reason or str(error)).replace('_', ' ').lower()}"
        except (TimeoutError, OSError) as error:
            why = str(error) or "nothing came"
        print(f"inside: {read} bytes of a request; {why}", flush=True)
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""


def _line(head: bytes) -> str:
    return head.split(b"\r\n", 1)[0].decode(errors="replace")


def main(address: str, certificate: str, key: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asyncio.run(Meddler(address, context).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
