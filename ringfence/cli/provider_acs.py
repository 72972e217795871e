"""`ringfence provider acs`: a small ACS, and what it is asked to have phones do."""

import argparse
import asyncio
import http.client
import json
import logging
import signal
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ringfence.cli import DONE, FINDINGS, sentence
from ringfence.cli.provider_inventory import Verbs
from ringfence.errors import ComponentError, ConfigError

PORT = 7547
"""TCP port of an ACS. Source: IANA, cwmp."""
STDIN_LIMIT = 1 << 20
"""Characters of standard input that are read."""
PATIENCE = 75.0
"""Seconds until the ACS must have answered; it gives up on a phone before."""
_ORDERS = {
    "get": ("read parameters, or all below an object", "PATH"),
    "names": ("list what is below an object", "PATH"),
    "attributes": ("say which parameters' changes are told", "PATH"),
    "set": ("set parameters, all or none", "PATH=VALUE"),
    "notify": ("have changes of parameters told", "PATH"),
    "methods": ("list the methods of the phone", ""),
    "reboot": ("restart the phone", ""),
    "factory-reset": ("make the phone what left the factory", ""),
    "schedule": ("have the phone call again", ""),
    "download": ("have the phone fetch firmware or a configuration", "URL"),
}


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    said = "manage phones by TR-069"
    parser = verbs.add_parser("acs", help=said, description="Manage phones by TR-069.")
    more = parser.add_subparsers(dest="acs", required=True, metavar="VERB")
    _add_serve(more)
    for name, purpose in (("devices", "list the phones"), ("informs", "list the phones' calls")):
        listing = more.add_parser(name, help=purpose, description=sentence(purpose))
        _add_folder(listing)
    for name, (purpose, words) in _ORDERS.items():
        verb = more.add_parser(name, help=purpose, description=sentence(purpose))
        _add_folder(verb)
        verb.add_argument("--device", default="", metavar="ID", help="phone; the only one")
        if words == "URL":
            verb.add_argument("url", metavar=words)
            kinds = ("firmware", "configuration")
            verb.add_argument("--kind", choices=kinds, default="firmware")
        elif words:
            many = "*" if name in ("names", "set") else "+"
            verb.add_argument("name", nargs=many, metavar=words, default=[])
        if name in ("set", "reboot", "schedule", "download"):
            verb.add_argument("--key", default="", help="word that the phone repeats")
        if name == "set":
            said = "read PATH=VALUE lines from standard input, for secrets"
            verb.add_argument("--stdin", action="store_true", help=said)
        if name == "notify":
            verb.add_argument("--level", choices=("off", "passive", "active"), default="active")
        if name == "schedule":
            verb.add_argument("--seconds", type=int, default=60)


def _add_folder(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--dir", type=Path, required=True, help="folder of `provider acs serve`")
    verb.add_argument("--json", action="store_true")


def _add_serve(more: Verbs) -> None:
    serve = more.add_parser("serve", help="hear phones", description="Hear phones.")
    serve.add_argument("--dir", type=Path, required=True, help="folder for socket and log")
    serve.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, default=PORT, help=f"TCP port ({PORT})")
    serve.add_argument("--certificate", type=Path, help="the server's certificate, for HTTPS")
    serve.add_argument("--key", type=Path, help="its private key")
    serve.add_argument("--client-root", type=Path, help="demand a device certificate below it")
    pair = "user:password in the first line"
    serve.add_argument("--login", type=Path, metavar="FILE", help=f"{pair}: of phones, here")
    serve.add_argument("--basic", action="store_true", help="ask for Basic, not Digest")
    serve.add_argument(
        "--request", type=Path, metavar="FILE", help=f"{pair}: of the ACS, at phones"
    )
    serve.add_argument("--page", type=int, metavar="PORT", help="show a page at 127.0.0.1")


def run(arguments: argparse.Namespace) -> int:
    """Run one verb; return 0, or 1 where the phone answered with a fault.

    Raises:
        ConfigError: something was refused.
        ComponentError: a file or a port fails, or no ACS runs.

    """
    if arguments.acs == "serve":
        _serve(arguments)
        return DONE
    if arguments.acs in ("devices", "informs"):
        _list(arguments, ask(arguments.dir, "GET", f"/{arguments.acs}"))
        return DONE
    told = ordered(arguments)
    if arguments.json:
        print(json.dumps(told, indent=2))
    else:
        from ringfence.provider.acs.orders import words

        print("\n".join(words(told)))
    return FINDINGS if "fault" in told else DONE


def ordered(arguments: argparse.Namespace) -> Any:
    """Return what a phone answered to a verb: `{"method", "answer"}` or `{"method", "fault"}`.

    Raises:
        ConfigError: the ACS or the phone refused.
        ComponentError: no ACS runs.

    """
    names = list(getattr(arguments, "name", []))
    if getattr(arguments, "stdin", False):
        names += [line for line in sys.stdin.read(STDIN_LIMIT).splitlines() if line.strip()]
    if arguments.acs == "set" and not names:
        raise ConfigError("PATH=VALUE", "is missing", "name what is to be set, or use --stdin")
    order = {"verb": arguments.acs, "device": arguments.device, "names": names}
    for field in ("key", "url", "kind", "level", "seconds"):
        if hasattr(arguments, field):
            order[field] = getattr(arguments, field)
    told = ask(arguments.dir, "POST", "/order", order)
    if error := told.get("error"):
        raise ConfigError("acs", str(error))
    return told


def _serve(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_passphrase import first_line
    from ringfence.protocols.sip.digest import Credentials
    from ringfence.provider.acs.server import Acs, Doors

    def pair(file: Path | None) -> Credentials | None:
        if file is None:
            return None
        line = first_line(file, str(file)).decode("utf-8", "replace")
        user, colon, password = line.strip().partition(":")
        if not (user and colon and password):
            raise ConfigError(str(file), "is not user:password")
        return Credentials(user, password)

    if (arguments.certificate is None) != (arguments.key is None):
        raise ConfigError("--certificate", "goes with --key")
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    doors = Doors(
        folder=arguments.dir,
        bind=arguments.bind,
        port=arguments.port,
        certificate=arguments.certificate,
        key=arguments.key,
        client_root=arguments.client_root,
        login=pair(arguments.login),
        basic=arguments.basic,
        asks_as=pair(arguments.request),
        page=arguments.page,
    )
    scheme = "https" if arguments.certificate else "http"

    def ready(port: int) -> None:
        print(f"acs.ready: {scheme}://{arguments.bind}:{port}/", flush=True)

    async def serve() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel if task else loop.stop)
        try:
            await Acs(doors).serve(ready)
        except asyncio.CancelledError:
            return

    asyncio.run(serve())


class _Local(http.client.HTTPConnection):
    """HTTP at a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("acs", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


def ask(folder: Path, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
    """Return what the ACS of a folder answers. Raises `ComponentError` where none runs."""
    from ringfence.provider.acs.server import SOCKET

    connection = _Local(folder / SOCKET)
    try:
        connection.request(method, path, json.dumps(body) if body else None)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ComponentError(f"the ACS of {folder}", f"does not answer: {error}") from error
    finally:
        connection.close()


def _list(arguments: argparse.Namespace, told: list[dict[str, Any]]) -> None:
    from ringfence.provider.acs.orders import ended

    if arguments.json:
        print(json.dumps(told, indent=2))
        return
    for each in told:
        at = each["last"] if "last" in each else each["at"]
        when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        name = each.get("id") or each.get("device")
        more = each.get("request_url") or ended(each.get("told", {})) or each.get("login", "")
        print(f"{when}  {name}  {', '.join(each['events'])}  {more}".rstrip())
