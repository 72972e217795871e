"""`ringfence provider`: the provider's provisioning server."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from ringfence.cli import CANNOT, DONE, FINDINGS, provider_inventory
from ringfence.errors import ComponentError, ConfigError

HTTPS = 443


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_serve(verbs)
    provider_inventory.add(verbs)


def _add_serve(verbs: provider_inventory.Verbs) -> None:
    serve = verbs.add_parser("serve", help="serve profiles to phones that show their certificate")
    serve.add_argument(
        "--dir",
        type=Path,
        required=True,
        help="folder of templates: MAC.xml, PRODUCT.xml, default.xml",
    )
    serve.add_argument("--ca-dir", type=Path, required=True, help="folder of `ringfence ca init`")
    serve.add_argument(
        "--certificate", type=Path, help="the server's certificate; CA_DIR/server.crt"
    )
    serve.add_argument("--key", type=Path, help="its private key; CA_DIR/server.key")
    serve.add_argument("--bind", help="address to listen on; every one of this machine")
    serve.add_argument("--port", type=_port, default=HTTPS, help="TCP port; 443, 0 for any")
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
    from ringfence.provider.authority import CLIENT_ROOT
    from ringfence.provider.profiles import GenericPolicy
    from ringfence.provider.server import Files, serve

    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    folder: Path = arguments.ca_dir
    files = Files(
        templates=arguments.dir,
        certificate=arguments.certificate or folder / "server.crt",
        key=arguments.key or folder / "server.key",
        client_root=folder / f"{CLIENT_ROOT}.crt",
        revoked=folder / f"{CLIENT_ROOT}.crl",
    )

    policy = GenericPolicy(arguments.generic)

    def ready(port: int) -> None:
        print(f"provider.ready: https on port {port}", flush=True)

    async def until_told() -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel if task else loop.stop)
        await serve(files, policy, arguments.bind, arguments.port, ready)

    try:
        asyncio.run(until_told())
    except asyncio.CancelledError:
        return DONE
    return DONE


def _port(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= 5 and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError("write a number from 0 to 65535")
    return int(text)
