"""What the page takes from a browser, and what it tells the browser never to do."""

import asyncio
import ipaddress
from collections.abc import Mapping, MutableMapping
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from ringfence.errors import RemoteProtocolError
from ringfence.messages import _
from ringfence.protocols import multipart

LARGEST_BODY = 256 * 1024
"""Bytes of a form or a cfg.xml; all parameters of sixteen extensions together have less."""
MOST_FIELDS = 2000
BODY_TIME = 10.0
"""Seconds that a body may take to arrive."""
CREDENTIALS = ("xuser=", "xpassword=")
"""Parts of a query that are credentials. Source: phone-facts 2.10."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; "
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
        raise RemoteProtocolError(_("This was sent by another site. Nothing was done."), 403)


def proves_origin(request: web.Request) -> bool:
    """Return whether a browser says that our own page, or nobody's, led it here.

    To be asked after `check_origin`. Browsers say so over HTTPS, and in whatever they post.
    """
    return "Sec-Fetch-Site" in request.headers or "Origin" in request.headers


def is_browser(request: web.Request) -> bool:
    """Return whether a browser sent a request, that any page may have told it to send."""
    agent = request.headers.get("User-Agent", "")
    return proves_origin(request) or agent.startswith("Mozilla/")


def query_text(request: web.Request) -> str:
    """Return the query as written, decoded, without credentials."""
    return unquote("&".join(part for part in _query(request) if not part.startswith(CREDENTIALS)))


def query_credentials(request: web.Request) -> tuple[str, str] | None:
    """Return account and password of a query; None where it has neither."""
    parts = [part for part in _query(request) if part.startswith(CREDENTIALS)]
    given = dict(part.split("=", 1) for part in parts)
    user, password = (unquote(given.get(name.rstrip("="), "")) for name in CREDENTIALS)
    return (user, password) if given else None


def _query(request: web.Request) -> list[str]:
    """Return the parts of the query as written.

    Raises:
        RemoteProtocolError: it has what no URL may have.

    """
    if not request.raw_path.isascii():
        raise RemoteProtocolError(_("This is no URL."), 400)
    return request.raw_path.partition("?")[2].split("&")


def words(status: int, text: str) -> web.Response:
    """Return the answer to a program that gets nothing else."""
    return web.Response(status=status, text=f"{text}\n")


def told_to_wait(answer: web.Response, seconds: float) -> web.Response:
    """Return an answer that says when to come again."""
    answer.headers["Retry-After"] = f"{seconds:.0f}"
    return answer


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
            _("Open the page by the phone's IP address to set this."), 403
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
        raise RemoteProtocolError(_("Only forms are read here."), 415)
    try:
        pairs = parse_qsl(
            (await body(request)).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise RemoteProtocolError(_("The form cannot be read."), 400) from None
    return dict(pairs)


async def form_with_files(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form that may have files, which go to `request["files"]`.

    Raises:
        RemoteProtocolError: as `form`.

    """
    request["files"] = {}
    if not request.content_type.startswith("multipart/"):
        return await form(request)
    try:
        parts = multipart.read(request.headers["Content-Type"], await body(request))
    except ValueError:
        raise RemoteProtocolError(_("The form cannot be read."), 400) from None
    request["files"] = parts
    return {name: data.decode(errors="replace") for name, data in parts.items() if name != "file"}


async def body(request: web.Request) -> bytes:
    """Return what was sent.

    Raises:
        RemoteProtocolError: it is too large, too slow, or never arrived whole.

    """
    try:
        async with asyncio.timeout(BODY_TIME):
            return await request.read()
    except TimeoutError:
        raise RemoteProtocolError(_("This took too long to arrive."), 408) from None
    except web.HTTPRequestEntityTooLarge:
        raise RemoteProtocolError(_("This is too large."), 413) from None
    except ConnectionError:
        raise RemoteProtocolError(_("This never arrived whole."), 400) from None
