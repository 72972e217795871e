"""`ringfence ca serve`, `user`, `challenge`: the portal, who may enter, and phones by SCEP."""

import argparse
import asyncio
import getpass
import logging
import signal
import ssl
import sys
from datetime import timedelta
from pathlib import Path

from ringfence.cli import ca_passphrase
from ringfence.config.codecs import Secret
from ringfence.errors import ComponentError, ConfigError
from ringfence.policy import hostname
from ringfence.policy.network import host_and_port
from ringfence.provider import authority, ca, challenge, waiting
from ringfence.provider.portal import users
from ringfence.provider.portal.app import Desk
from ringfence.provider.portal.mail import Post
from ringfence.provider.portal.server import Doors, serve

SMTP = 25
MOST_SCEP_DAYS = 3650


def serve_portal(arguments: argparse.Namespace) -> None:
    """Serve until told to stop."""
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    folder: Path = arguments.dir
    tls = _tls(arguments)
    passphrase = ca_passphrase.held(arguments.passphrase_file, folder)
    desk = Desk(folder, passphrase, _post(arguments), secure=tls is not None)
    scep = (arguments.scep_port, _life(arguments), arguments.scep_hold)
    doors = Doors(arguments.bind, arguments.port, tls, *scep)

    def ready(port: int, scep_port: int | None) -> None:
        scheme = "https" if tls else "http"
        also = f", SCEP alone on http port {scep_port}" if scep_port else ""
        print(f"ca.ready: {scheme} on port {port}{also}", flush=True)

    async def until_told() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel if task else loop.stop)
        await serve(desk, doors, ready)

    try:
        asyncio.run(until_told())
    except asyncio.CancelledError:
        return


def user(arguments: argparse.Namespace) -> None:
    """Let someone in at the portal, or no more."""
    authority.certificate(arguments.dir / f"{authority.SERVER_ROOT}.crt")
    if arguments.remove:
        users.remove(arguments.dir, arguments.name)
        print(f"{arguments.name} may not log in any more; a session ends within the hour")
        return
    if arguments.password_file:
        password = _secret(arguments.password_file, "--password-file")
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password of {arguments.name}: ")
        if password != getpass.getpass("Once more: "):
            raise ConfigError("password", "the two are not the same")
    else:
        raise ConfigError("password", "none was given", "--password-file FILE")
    users.put(arguments.dir, arguments.name, password)
    print(f"{arguments.name} may log in")


def give_challenge(arguments: argparse.Namespace) -> None:
    """Print a password by which one phone gets a certificate of its own key by SCEP."""
    from ringfence.cli.ca_verbs import device

    authority.certificate(arguments.dir / f"{authority.SERVER_ROOT}.crt")
    print(challenge.make(arguments.dir, device(arguments), ca.now()))


def list_requests(arguments: argparse.Namespace) -> None:
    """Print the SCEP requests that wait for a decision."""
    authority.certificate(arguments.dir / f"{authority.SERVER_ROOT}.crt")
    for one in waiting.waiting(arguments.dir):
        print(f"{one.name[:16]}  key {one.key[:16]}  says it is {one.subject}")


def decide(arguments: argparse.Namespace) -> None:
    """Issue what a waiting request asks for, or forget it."""
    from ringfence.cli.ca_verbs import device

    folder: Path = arguments.dir
    one = waiting.take(folder, arguments.request)
    if arguments.refuse:
        waiting.refuse(folder, one)
        print(f"{one.name[:16]}: forgotten")
        return
    terms = ca.Enrolment(device(arguments), "custom", _life(arguments), "SCEP, approved by hand")
    passphrase = ca_passphrase.held(arguments.passphrase_file, folder)
    made = waiting.approve(folder, one, terms, ca.now(), passphrase)
    print(f"{one.name[:16]}: issued {made.serial_number:x}; the phone gets it at its next poll")


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if not arguments.certificate:
        literal = hostname.address(arguments.bind)
        if literal is None or not literal.is_loopback:
            reason = f"{arguments.bind} is not this machine alone, and passwords are asked for"
            raise ConfigError("--bind", reason, "give --certificate and --key, or --bind 127.0.0.1")
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(arguments.certificate, arguments.key)
    except OSError as error:
        said = getattr(error, "reason", None) or error.strerror or str(error)
        raise ComponentError(f"file {arguments.certificate}", str(said)) from error
    return made


def _life(arguments: argparse.Namespace) -> timedelta:
    if not 0 < arguments.scep_days <= MOST_SCEP_DAYS:
        raise ConfigError("--scep-days", f"needs a number from 1 to {MOST_SCEP_DAYS}")
    return timedelta(days=arguments.scep_days)


def _post(arguments: argparse.Namespace) -> Post | None:
    if not arguments.smtp:
        return None
    try:
        host, port = host_and_port(arguments.smtp, SMTP)
    except ValueError as error:
        raise ConfigError("--smtp", str(error)) from None
    password = ""
    if arguments.smtp_password_file:
        password = _secret(arguments.smtp_password_file, "--smtp-password-file")
    return Post(
        host,
        port,
        arguments.smtp_from,
        arguments.smtp_plain,
        str(arguments.smtp_ca or ""),
        arguments.smtp_user or "",
        Secret(password),
    )


def _secret(file: Path, what: str) -> str:
    return ca_passphrase.first_line(file, what).decode(errors="replace")
