"""Ask a server for TLS, and for nothing else: for diagnosis."""

import asyncio
from collections.abc import Callable

from ringfence.errors import NetworkError
from ringfence.protocols.xmpp.session import Login, Session, StartTls
from ringfence.runtime.egress import Stream


async def starttls(
    stream: Stream, domain: str, now: Callable[[], float], timeout: float = 5.0
) -> None:
    """Return once the server of a domain waits for the handshake.

    Raises:
        PolicyError: it offers no TLS, or refuses it.
        RemoteProtocolError: it does not speak XMPP.
        NetworkError: the connection broke, or no answer came in `timeout` seconds.

    """
    session = Session(Login("", domain, "", ""), "", now(), secure=False)
    try:
        async with asyncio.timeout(timeout):
            while not isinstance(session.next_event(), StartTls):
                await stream.write(session.data_to_send())
                session.receive_data(await stream.read(), now())
    except TimeoutError:
        raise NetworkError(f"no answer to STARTTLS in {timeout:g} s") from None
