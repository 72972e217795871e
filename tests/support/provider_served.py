"""The provisioning server in this process, so that a test can set its limits."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ringfence.provider import server as provider_server
from ringfence.provider.profiles import GenericPolicy
from tests.support.certificates import leaf
from tests.support.provider_net import NAME, Net

Connection = Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]


@asynccontextmanager
async def served(files: provider_server.Files) -> AsyncIterator[Callable[..., Connection]]:
    """Serve in this process, with the limits as they are set now; return what connects to it."""
    what = provider_server.Serving(files, GenericPolicy.REFUSE, "127.0.0.1", 0)
    server = provider_server.Server(what)
    port = int(server.where.rpartition(" ")[2])
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        serving = group.create_task(server.serve())
        yield lambda **options: asyncio.open_connection("127.0.0.1", port, **options)
        serving.cancel()


def trusting() -> ssl.SSLContext:
    """Return the TLS of a client that believes any server."""
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


@pytest.fixture
def files(net: Net) -> provider_server.Files:
    """Return a server's files."""
    certificate, key = leaf(net.trust.servers, dns=[NAME]).save(net.folder, "server")
    root = net.folder / "client-root.crt"
    root.write_text(net.trust.devices.pem)
    return provider_server.Files(
        net.folder, Path(certificate), Path(key), root, net.folder / "client-root.crl"
    )
