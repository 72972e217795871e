"""An XSI server for the lab: directories and call log by the public schema, both kinds of login.

Usage: `python -m ringfence.lab.xsi ADDRESS PORT [CERTIFICATE KEY]`; without a certificate it
speaks HTTP. It prints `ready`, then a line for each request: who asked, and for what. A user has
the password `login-secret`, or SIP user `sip-USER` with the password `sip-secret`.
"""

import asyncio
import base64
import binascii
import fnmatch
import os
import re
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from aiohttp import web

from ringfence.protocols.sip.digest import Credentials, Guard, Nonces, Verdict
from ringfence.protocols.xsi import ACTIONS, CALL_LOGS, DIRECTORIES, LISTS, SPACE

Person = tuple[str, str, str, str]
"""First name, last name, number, extension."""
LOGIN, SIP = "login-secret", "sip-secret"
REALM = "BroadWorks"
PEOPLE = (
    ("Ada", "Lovelace", "+44 20 7946 0815", "1815"),
    ("Grace", "Hopper", "+1 202 555 0106", "1906"),
    ("Alan", "Turing", "", "1912"),
    *(("Clerk", f"Number {n}", "", str(3000 + n)) for n in range(1, 121)),
)
CALLS = {
    "missed": (("Grace", "1906", "2026-11-23T12:30:00.000Z"),),
    "received": (("Ada & Co <x>", "1815", "2026-11-23T11:00:00.000Z"),),
    "placed": (("", "1912", "2026-11-22T09:15:00.000Z"),),
}
_SIP = re.compile(r'BroadWorksSIP basic="([^"]*)", ?sipUser="([^"]*)"')


class Users:
    """Judges who asks."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._nonces = Nonces(os.urandom(32))

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return what asks for a login; None for who has given a right one."""
        user, given = request.match_info["user"], request.headers.get("Authorization", "")
        guard = Guard(REALM.encode(), Credentials(user, LOGIN))
        source = (request.remote or "").encode()
        verdict, _ = guard.judge([given.encode()], b"GET", source, self._nonces, time.monotonic())
        known = _decoded(given.removeprefix("Basic ")) == f"{user}:{LOGIN}"
        if (found := _SIP.fullmatch(given)) is not None:
            parts = tuple(map(_decoded, found.groups()))
            known = parts == (f"{user}:{SIP}", f"sip-{user}")
        if known or verdict is Verdict.ACCEPTED:
            print(f"known: {user} by {given.split()[0]}", flush=True)
            return None
        answer = web.Response(status=401)
        nonce = self._nonces.make(source, time.monotonic())
        offers = [f'Basic realm="{REALM}"', "BroadWorksSIP"]
        if not self._secure:
            offers += [value.decode() for value in guard.challenges(nonce)]
        for value in offers:
            answer.headers.add("WWW-Authenticate", value)
        return answer


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def directory(name: str, query: Mapping[str, str]) -> str:
    """Return the document of a directory, as much of it as a search asks for."""
    found = [one for one in PEOPLE if _matches(one, query)]
    start, count = int(query.get("start", "1")), int(query.get("results", "50"))
    part = found[start - 1 : start - 1 + count]
    tag = "entry" if name == "Personal" else "commonPhoneEntry"
    named = "firstName" in DIRECTORIES[name]
    entries = "".join(_person(one) if named else _entry(tag, one) for one in part)
    inner = {"Enterprise": "enterpriseDirectory", "Group": "groupDirectory"}.get(name)
    if inner:
        entries = f"<{inner}>{entries}</{inner}>"
    return _document(
        f'<{name} xmlns="{SPACE}"><startIndex>{start}</startIndex>'
        f"<numberOfRecords>{len(part)}</numberOfRecords>"
        f"<totalAvailableRecords>{len(found)}</totalAvailableRecords>{entries}</{name}>"
    )


def _matches(one: Person, query: Mapping[str, str]) -> bool:
    first, last, number, extension = one
    held = {
        "firstName": (first,),
        "lastName": (last,),
        "name": (f"{first} {last}",),
        "number": (number, extension),
    }
    return all(
        any(fnmatch.fnmatchcase(text.lower(), pattern) for text in texts)
        for name, texts in held.items()
        if (pattern := query.get(name, "").removesuffix("/i").lower())
    )


def _person(one: Person) -> str:
    first, last, number, extension = map(escape, one)
    listed = f"<number>{number}</number>" if number else ""
    return (
        f"<directoryDetails><userId>{extension}@telco.test</userId><firstName>{first}</firstName>"
        f"<lastName>{last}</lastName><groupId>G1</groupId>{listed}"
        f"<extension>{extension}</extension></directoryDetails>"
    )


def _entry(tag: str, person: Person) -> str:
    first, last, _, extension = map(escape, person)
    return f"<{tag}><name>{first} {last}</name><number>{extension}</number></{tag}>"


def call_log() -> str:
    """Return the document of the call log."""
    return _document(f'<{CALL_LOGS} xmlns="{SPACE}">{"".join(_lists())}</{CALL_LOGS}>')


def _lists() -> Iterator[str]:
    for name in LISTS:
        calls = "".join(
            f"<callLogsEntry><countryCode>1</countryCode><phoneNumber>{number}</phoneNumber>"
            f"<name>{escape(who)}</name><time>{at}</time></callLogsEntry>"
            for who, number, at in CALLS[name]
        )
        yield f"<{name}>{calls}</{name}>"


def _document(root: str) -> str:
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>{root}'


def application(*, secure: bool) -> web.Application:
    """Return the server."""
    users = Users(secure=secure)

    async def answer(request: web.Request) -> web.Response:
        if refusal := users.refusal(request):
            return refusal
        print(f"asked: {request.rel_url.raw_path_qs}", flush=True)
        name = request.match_info["name"]
        if name != CALL_LOGS and name not in DIRECTORIES:
            return web.Response(status=404)
        text = call_log() if name == CALL_LOGS else directory(name, request.query)
        return web.Response(body=text.encode("latin-1"), content_type="text/xml")

    made = web.Application()
    made.router.add_get(ACTIONS + "{user}/directories/{name}", answer)
    return made


async def serve(address: str, port: int, context: ssl.SSLContext | None) -> None:
    """Serve until killed."""
    runner = web.AppRunner(application(secure=context is not None), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, port, ssl_context=context).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


def main(address: str, port: str, *files: str) -> None:
    """Serve until killed."""
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    asyncio.run(serve(address, int(port), context))


if __name__ == "__main__":
    main(*sys.argv[1:])
