"""A second HTTPS server of the provider, which gives everyone the same prepared answer.

Usage: `python -m ringfence.lab.canned ADDRESS PORT CERTIFICATE KEY ANSWER`; the last is a file
with a whole HTTP response. Prints `ready`, then a line for each request.
"""

import asyncio
import ssl
import sys
from pathlib import Path

PATIENCE = 5.0
"""Seconds that a client has for its request."""


async def serve(address: str, port: int, context: ssl.SSLContext, answer: bytes) -> None:
    """Answer everyone; never returns."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                line = head.split(b"\r\n", 1)[0].decode(errors="replace")
                print(f"asked: {line!r}", flush=True)
                writer.write(answer)
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, address, port, ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


def main(address: str, port: str, certificate: str, key: str, answer: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asyncio.run(serve(address, int(port), context, Path(answer).read_bytes()))


if __name__ == "__main__":
    main(*sys.argv[1:])
