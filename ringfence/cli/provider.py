"""`ringfence provider`: the provider's provisioning server."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.cli import (
    CANNOT,
    DONE,
    FINDINGS,
    provider_acs,
    provider_firmware,
    provider_inventory,
    sentence,
)
from ringfence.errors import ComponentError, ConfigError

if TYPE_CHECKING:
    from ringfence.provider.server import Files

HTTPS = 443
MOST_WORKERS = 64


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_serve(verbs)
    for server in ("nginx", "apache"):
        _add_config(verbs, server)
    provider_firmware.add(verbs)
    provider_acs.add(verbs)
    provider_inventory.add(verbs)


def _add_config(verbs: provider_inventory.Verbs, server: str) -> None:
    said = f"write a configuration of {server.capitalize()} for profiles"
    verb = verbs.add_parser(f"{server}-config", help=said, description=sentence(said))
    verb.add_argument("name", metavar="NAME", help="of the server, as phones call it")
    _add_files(verb)
    verb.add_argument("--port", type=_port, default=HTTPS, help="TCP port (443)")
    what = verb.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--behind", type=Path, metavar="SOCKET", help="that of `provider serve --behind`"
    )
    what.add_argument("--root", type=Path, help="folder of profiles, each called MAC.xml")
    verb.add_argument("--out", "-o", type=Path, metavar="FILE", help="standard output by default")


def _add_files(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--ca-dir", type=Path, required=True, help="folder of `ringfence ca init`")
    verb.add_argument(
        "--certificate", type=Path, help="the server's certificate; CA_DIR/server.crt"
    )
    verb.add_argument("--key", type=Path, help="its private key; CA_DIR/server.key")


def _add_serve(verbs: provider_inventory.Verbs) -> None:
    serve = verbs.add_parser("serve", help="serve profiles to phones that show their certificate")
    serve.add_argument(
        "--dir",
        type=Path,
        required=True,
        help="folder of templates: MAC.xml, PRODUCT.xml, default.xml",
    )
    _add_files(serve)
    serve.add_argument("--bind", help="address to listen on; every one of this machine")
    serve.add_argument("--port", type=_port, default=HTTPS, help="TCP port; 443, 0 for any")
    serve.add_argument(
        "--behind",
        type=Path,
        metavar="SOCKET",
        help="Unix socket of nginx or Apache, which then ends TLS; see `provider nginx-config`",
    )
    serve.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="processes behind the port (1)"
    )
    _add_inventory(serve)
    _add_policies(serve)


def _add_inventory(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--data",
        type=Path,
        help="folder of `ringfence provider init`: groups, values and secrets for templates;"
        " what was seen of phones, and what they send, is kept there",
    )
    serve.add_argument(
        "--firmware",
        type=Path,
        metavar="DIR",
        help="folder of `provider firmware publish`, for phones under /firmware/",
    )
    serve.add_argument(
        "--manage",
        type=_address,
        metavar="[ADDRESS:]PORT",
        help="page, API and metrics of the inventory, by HTTPS for whoever has a token; on"
        " 127.0.0.1 where there is no address",
    )


def _add_policies(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--activation",
        nargs="?",
        const="",
        metavar="RULE",
        help="tell phones that nobody has provisioned where their profile is, at /activation: by"
        " the value profile_rule of phone or group, else RULE, https://SERVER/$MA.xml",
    )
    serve.add_argument(
        "--unlisted",
        choices=("serve", "refuse"),
        default="serve",
        help="what phones get that have a certificate and are not in the inventory (serve)",
    )
    serve.add_argument(
        "--generic",
        choices=("refuse", "bootstrap", "agent"),
        default="bootstrap",
        help="what phones get that share the generic certificate: nothing; the templates of"
        " DIR/generic, the same for each (bootstrap, the default); or those, for the MAC address"
        " that their User-Agent claims, which any of them can forge (agent)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run one verb; return 0, 1 where something was refused, 3 where something fails."""
    try:
        if arguments.verb == "serve":
            return _serve(arguments)
        if arguments.verb in ("nginx-config", "apache-config"):
            _configure(arguments)
            return DONE
        if arguments.verb == "firmware":
            provider_firmware.run(arguments)
            return DONE
        if arguments.verb == "acs":
            return provider_acs.run(arguments)
        from ringfence.cli import provider_verbs

        provider_verbs.run(arguments)
    except ConfigError as error:
        print(f"ringfence provider: {error}", file=sys.stderr)
        return CANNOT if arguments.verb == "serve" else FINDINGS
    except ComponentError as error:
        print(f"ringfence provider: {error}", file=sys.stderr)
        return CANNOT
    return DONE


def _serve(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from ringfence.provider import workers
    from ringfence.provider.journal import Journal
    from ringfence.provider.profiles import GenericPolicy
    from ringfence.provider.server import Server, Serving
    from ringfence.provider.tally import Tallies

    logging.basicConfig(handlers=[Journal(sys.stdout.buffer)], level=logging.INFO)
    _check_activation(arguments)
    files = _files(arguments)
    server = Server(
        Serving(
            files=files,
            policy=GenericPolicy(arguments.generic),
            bind=arguments.bind,
            port=arguments.port,
            behind=arguments.behind,
            inventory=arguments.data,
            unlisted=arguments.unlisted == "serve",
            firmware=arguments.firmware,
            activation=arguments.activation,
        )
    )
    tallies = Tallies(arguments.workers)
    serving: list[Callable[[], Coroutine[None, None, None]]] = [
        partial(server.serve, tallies.row(number)) for number in range(arguments.workers)
    ]
    if arguments.manage:
        if arguments.data is None:
            raise ConfigError("--manage", "there is nothing to manage", "say where with --data")
        from ringfence.provider.manage.server import Management

        management = Management(files, arguments.manage, arguments.data, tallies)
        serving.append(management.serve)
        print(f"provider.manage: {management.where}", flush=True)
    print(f"provider.ready: {server.where}", flush=True)
    # A line a request: nothing is collected for it that the format leaves out.
    # Source: Python's logging HOWTO, Optimization.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    journals = [Journal(sys.stdout.buffer) for _ in serving]
    jobs = [partial(_job, *one) for one in zip(serving, journals, strict=True)]
    workers.run(jobs, lambda number: journals[number].flush())
    return DONE


def _files(arguments: argparse.Namespace) -> "Files":
    from ringfence.provider.authority import CLIENT_ROOT
    from ringfence.provider.server import Files

    folder: Path = arguments.ca_dir
    return Files(
        templates=arguments.dir,
        certificate=arguments.certificate or folder / "server.crt",
        key=arguments.key or folder / "server.key",
        client_root=folder / f"{CLIENT_ROOT}.crt",
        revoked=folder / f"{CLIENT_ROOT}.crl",
    )


def _check_activation(arguments: argparse.Namespace) -> None:
    """Refuse what the activation server could not answer with."""
    if arguments.activation is None:
        return
    if arguments.data is None:
        raise ConfigError("--activation", "there is no inventory", "say where with --data")
    from ringfence.policy.activation import check_rule

    try:
        if arguments.activation:
            check_rule(arguments.activation)
    except ValueError as error:
        raise ConfigError("--activation", str(error), "write https://SERVER/$MA.xml") from None


def _job(serve: Callable[[], Coroutine[None, None, None]], journal: logging.Handler) -> None:
    """Be one process: serve until told to stop."""
    logging.basicConfig(handlers=[journal], level=logging.INFO, force=True)
    try:
        asyncio.run(_until_told(serve()))
    finally:
        logging.shutdown()


def _configure(arguments: argparse.Namespace) -> None:
    """Write the configuration of another server."""
    from ringfence.provider import proxies
    from ringfence.provider.authority import CLIENT_ROOT
    from ringfence.provider.files import write

    folder: Path = arguments.ca_dir
    revoked = folder / f"{CLIENT_ROOT}.crl"
    site = proxies.Site(
        name=arguments.name,
        certificate=arguments.certificate or folder / "server.crt",
        key=arguments.key or folder / "server.key",
        client_root=folder / f"{CLIENT_ROOT}.crt",
        revoked=revoked if revoked.exists() else None,
        port=arguments.port,
        root=arguments.root,
        socket=arguments.behind,
    )
    for file in (site.certificate, site.key, site.client_root):
        if not file.is_file():
            raise ComponentError(f"file {file}", "is missing")
    text = (proxies.nginx if arguments.verb == "nginx-config" else proxies.apache)(site)
    if arguments.out:
        write(arguments.out, text.encode(), 0o644)
    else:
        print(text, end="")


async def _until_told(serving: Coroutine[None, None, None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel if task else loop.stop)
    with suppress(asyncio.CancelledError):
        await serving


def _count(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and 1 <= int(text[:4]) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"write a number from 1 to {MOST_WORKERS}")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    try:
        return str(ip_address(address.strip("[]") or "127.0.0.1")), _port(port)
    except ValueError:
        raise argparse.ArgumentTypeError("write 8443, 10.0.0.1:8443 or [::1]:8443") from None


def _port(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= 5 and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError("write a number from 0 to 65535")
    return int(text)
