"""What the page takes from a browser, and what it tells the browser never to do."""

import asyncio
import ipaddress
from collections.abc import Mapping, MutableMapping
from urllib.parse import parse_qsl

from aiohttp import web

from ringfence.errors import RemoteProtocolError

LARGEST_BODY = 256 * 1024
"""Bytes of a form; all sixteen extensions together have less."""
MOST_FIELDS = 2000
BODY_TIME = 10.0
"""Seconds that a form may take to arrive."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "Server": "Ringfence",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def harden(headers: MutableMapping[str, str], *, secure: bool) -> None:
    """Set the headers that every answer carries."""
    headers.update(HEADERS)
    if secure:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"


def cookie(request: web.Request) -> str:
    """Return the name of the session cookie; the prefix binds it to this host and to HTTPS."""
    return "__Host-session" if request.secure else "session"


def check_origin(request: web.Request) -> None:
    """Refuse a form that another site sent.

    Raises:
        RemoteProtocolError: the browser names another origin than the one it speaks to.

    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    own = f"{request.scheme}://{request.host}"
    if site not in ("same-origin", "none") or request.headers.get("Origin", own) != own:
        raise RemoteProtocolError("This form was sent by another site. Nothing was stored.", 403)


def check_literal_host(request: web.Request) -> None:
    """Refuse a request that reached us by a name.

    Before there is a password, a foreign site could otherwise let its own name resolve to the
    phone and set one.

    Raises:
        RemoteProtocolError: the host in the address is neither an IP address nor `localhost`.

    """
    name = host_name(request).strip("[]")
    if name == "localhost":
        return
    try:
        ipaddress.ip_address(name)
    except ValueError:
        raise RemoteProtocolError(
            "Open the page by the phone's IP address to set this.", 403
        ) from None


def host_name(request: web.Request) -> str:
    """Return the host that the browser asked for, without its port; IPv6 keeps its brackets."""
    name, _, port = request.host.rpartition(":")
    return name if name and port.isdigit() else request.host


async def form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form.

    Raises:
        RemoteProtocolError: it is not a form, too large, too slow, or not UTF-8.

    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise RemoteProtocolError("Only forms are read here.", 415)
    try:
        async with asyncio.timeout(BODY_TIME):
            body = await request.read()
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except TimeoutError:
        raise RemoteProtocolError("The form took too long to arrive.", 408) from None
    except web.HTTPRequestEntityTooLarge:
        raise RemoteProtocolError("The form is too large.", 413) from None
    except ConnectionError:
        raise RemoteProtocolError("The form never arrived whole.", 400) from None
    except ValueError:
        raise RemoteProtocolError("The form cannot be read.", 400) from None
    return dict(pairs)
