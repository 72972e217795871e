"""`ringfence phone`: run one phone, and talk to it."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ringfence.cli import ALONE, CANNOT, DONE, FINDINGS, phone_run, phone_set, printable, sentence
from ringfence.cli.phone_keys import add_screen
from ringfence.cli.phone_set import NOT_RUNNING
from ringfence.errors import ComponentError, ConfigError, RingfenceError

Verb = Callable[[str, str], argparse.ArgumentParser]
"""Declares a verb, given its word and its purpose."""

_WHICH = "number of the call (default: the one there is)"
_CALLS = {
    "answer": "answer the call that rings",
    "hangup": "end a call, or refuse it",
    "hold": "hold a call",
    "resume": "take a held call back",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, purpose: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=purpose, description=sentence(purpose))
        made.add_argument("--state", type=Path, required=True, help="folder of the phone")
        return made

    phone_run.add_options(verb("run", ALONE["phone run"]))
    get = verb("get", "print the value of a parameter; a secret as ***")
    get.add_argument("tag", metavar="TAG")
    set_ = verb("set", "store values; done only when they survive a power cut")
    set_.add_argument("values", nargs="*", metavar="TAG=VALUE")
    set_.add_argument(
        "--stdin", action="store_true", help="read TAG=VALUE lines from standard input, for secrets"
    )
    set_.add_argument(
        "--confirm-within",
        type=phone_set.seconds,
        metavar="SECONDS",
        default=0,
        help="undo the change unless `ringfence phone confirm` comes in time",
    )
    verb("confirm", "let changes stand that are undone otherwise")
    status = verb("status", "print how every feature is doing")
    status.add_argument("--json", action="store_true")
    verb("report", "send the configuration, without its secrets, where Report_Rule says")
    problem = verb("problem-report", "make a problem report, and send it as PRT_Upload_Rule says")
    problem.add_argument("--out", type=Path, metavar="FILE", help="write it there; send nothing")
    resync = verb("resync", "fetch the profile now")
    resync.add_argument("rule", nargs="?", default="", help="profile rule to use this once")
    upgrade = verb("upgrade", "look for firmware now")
    upgrade.add_argument("rule", nargs="?", default="", help="upgrade rule to use this once")
    upgrade.add_argument(
        "--headset",
        dest="kind",
        action="store_const",
        const="headset",
        default="",
        help="for a headset; it is stored only",
    )
    verb("reboot", "restart the phone's processes")
    vpn = verb("vpn", "switch the VPN on or off: the phone restarts, and makes one attempt")
    vpn.add_argument("switch", choices=("on", "off"))
    add_screen(verb("screen", "show the phone's screen, in this terminal or once"))
    _add_life(verb)
    _add_calls(verb)
    _add_directory(verb)


def _add_life(verb: Verb) -> None:
    activate = verb("activate", "let the activation server know the code that the provider gave")
    activate.add_argument("code", nargs="?", metavar="CODE", help="asked for where it is left out")
    reset = verb("factory-reset", "make the phone what it was when it left the factory")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    certificate = verb("certificate", "install the custom device certificate by file, or delete it")
    certificate.add_argument("action", choices=("add", "delete"))
    certificate.add_argument("file", nargs="?", type=Path, help="PKCS#12 file with its key")
    certificate.add_argument(
        "--password-file", type=Path, metavar="FILE", help="extract password (default: none)"
    )


def _add_calls(verb: Verb) -> None:
    dial = verb("dial", "place a call")
    dial.add_argument("target", metavar="URI", help="number, user@domain or SIP URI")
    dial.add_argument(
        "--line", default="", metavar="N", help="extension to call from (default: the first)"
    )
    for name, purpose in _CALLS.items():
        verb(name, purpose).add_argument("call", nargs="?", default="", metavar="CALL", help=_WHICH)
    mute = verb("mute", "send silence instead of what the microphone hears, in every call")
    mute.add_argument("switch", nargs="?", choices=("on", "off"), default="on")
    volume = verb("volume", "print or set how loud calls are played")
    volume.add_argument("level", nargs="?", default="", metavar="LEVEL", help="0 to 10, up, down")
    conference = verb("conference", "let the other sides of two calls hear each other")
    conference.add_argument("call", nargs="?", default="", metavar="CALL", help=_WHICH)
    conference.add_argument("with", nargs="?", default="", metavar="CALL", help="the other one")
    transfer = verb("transfer", "have the other side call somebody else, and leave the call")
    transfer.add_argument(
        "target", metavar="URI", help="number, user@domain, SIP URI; call:N for the end of call N"
    )
    transfer.add_argument("call", nargs="?", default="", metavar="CALL", help=_WHICH)
    dtmf = verb("dtmf", "send key presses")
    dtmf.add_argument("digits", metavar="DIGITS", help="of 0123456789*#ABCD")
    dtmf.add_argument("call", nargs="?", default="", metavar="CALL", help=_WHICH)


def _add_directory(verb: Verb) -> None:
    directory = verb("directory", "find people and their numbers in the LDAP directory")
    directory.add_argument("word", nargs="?", default="", metavar="WORD", help="what to search for")
    directory.add_argument("--by", default="", help="way to search: last, first, item3, item4, all")
    directory.add_argument("--user", default="", help="sign in as, in place of who is configured")
    directory.add_argument(
        "--password-file", type=Path, metavar="FILE", help="password of that user"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run one verb."""
    try:
        return _VERBS[arguments.verb](arguments)
    except RingfenceError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return FINDINGS


def _status(arguments: argparse.Namespace) -> int:
    from ringfence.runtime.control import ask

    reply = ask(arguments.state, {"verb": "status"})
    if reply is None:
        print(f"ringfence: {NOT_RUNNING}", file=sys.stderr)
        return CANNOT
    if arguments.json:
        print(json.dumps(reply, indent=2, ensure_ascii=False))
        return DONE
    for name, feature in reply["features"].items():
        print(f"{name}: {feature['health']}")
        for label, text in feature["rows"]:
            print(f"    {label}: {printable(text)}")  # servers had their say in it
    return DONE


def _command(arguments: argparse.Namespace) -> int:
    from ringfence.runtime.control import ask

    names = ("rule", "kind", "target", "line", "call", "with", "digits", "switch", "level")
    words = {name: text for name in names if (text := getattr(arguments, name, ""))}
    reply = ask(arguments.state, {"verb": "command", "name": arguments.verb, "arguments": words})
    if reply is None:
        print(f"ringfence: {NOT_RUNNING}", file=sys.stderr)
        return CANNOT
    print(json.dumps(reply, ensure_ascii=False))
    return FINDINGS if reply.get("result") == "failure" else DONE


def _directory(arguments: argparse.Namespace) -> int:
    from ringfence.cli.ca_passphrase import first_line
    from ringfence.runtime.control import ask

    words = {name: getattr(arguments, name) for name in ("word", "by", "user")}
    if arguments.password_file:
        words["password"] = first_line(arguments.password_file, "--password-file").decode()
    reply = ask(arguments.state, {"verb": "command", "name": "directory", "arguments": words})
    if reply is None:
        print(f"ringfence: {NOT_RUNNING}", file=sys.stderr)
        return CANNOT
    print(json.dumps(reply, ensure_ascii=False))
    return FINDINGS if reply["result"] == "failure" else DONE


def _activate(arguments: argparse.Namespace) -> int:
    from ringfence.runtime.control import ask

    code = arguments.code
    if code is None:
        code = input("Activation code: ") if sys.stdin.isatty() else sys.stdin.readline(80)
    request = {"verb": "command", "name": "activate", "arguments": {"code": code}}
    reply = ask(arguments.state, request)
    if reply is None:
        print(f"ringfence: {NOT_RUNNING}", file=sys.stderr)
        return CANNOT
    if reply["result"] == "success":
        print(f"Activated: {reply['url']} was applied.")
        return DONE
    known = "Activated, but no profile was applied: " if reply.get("activated") else ""
    print(f"ringfence: {known}{reply['reason']}", file=sys.stderr)
    return FINDINGS


def _factory_reset(arguments: argparse.Namespace) -> int:
    from ringfence.runtime import reset
    from ringfence.runtime.control import ask
    from ringfence.runtime.host import Host

    host = Host(arguments.state)
    if not host.names("lock"):
        raise ComponentError(f"folder {arguments.state}", "no phone has ever run there")
    if not arguments.yes and not _confirmed(
        "Settings, history, custom CA and custom certificate of this phone will be gone."
    ):
        raise ConfigError("factory-reset", "nothing was done", "answer yes, or say --yes")
    request: dict[str, object] = {"verb": "command", "name": "factory-reset", "arguments": {}}
    if ask(arguments.state, request) is None:
        if host.lock(wait=2.0):
            reset.begin(host)
            reset.finish(host)
        elif ask(arguments.state, request) is None:
            raise ComponentError("phone", "it is starting or stopping; try again")
    print("The phone is as it left the factory.")
    return DONE


def _confirmed(warning: str) -> bool:
    """Return whether somebody at the terminal says yes; where nobody can, nobody does."""
    if not sys.stdin.isatty():
        return False
    print(warning, file=sys.stderr)
    return input("Go on? (yes/no) ").strip().lower() == "yes"


def _certificate(arguments: argparse.Namespace) -> int:
    import base64

    from ringfence.cli.ca_passphrase import first_line
    from ringfence.provider.files import read
    from ringfence.runtime.control import ask

    words = {"action": arguments.action}
    if arguments.action == "add":
        if arguments.file is None:
            raise ConfigError("FILE", "is missing", "name a PKCS#12 file")
        words["file"] = base64.b64encode(read(arguments.file)).decode()
        if arguments.password_file:
            words["password"] = first_line(arguments.password_file, "--password-file").decode()
    reply = ask(arguments.state, {"verb": "command", "name": "certificate", "arguments": words})
    if reply is None:
        print(f"ringfence: {NOT_RUNNING}", file=sys.stderr)
        return CANNOT
    print(reply["told"])
    return DONE


def _problem_report(arguments: argparse.Namespace) -> int:
    from ringfence.runtime.control import ask
    from ringfence.runtime.host import Host

    out: Path | None = arguments.out
    words = {"keep": "yes"} if out else {}
    request = {"verb": "command", "name": "problem-report", "arguments": words}
    reply = ask(arguments.state, request, timeout=120.0)
    if reply is None:
        print(f"ringfence: {NOT_RUNNING}", file=sys.stderr)
        return CANNOT
    if out and reply["file"]:
        Host(out.parent).write(out.name, Host(arguments.state).read(str(reply["file"])))
    print(json.dumps(reply, ensure_ascii=False))
    return FINDINGS if reply["result"] == "failure" else DONE


def _screen(arguments: argparse.Namespace) -> int:
    from ringfence.cli.phone_screen import run_screen

    return run_screen(arguments)


_VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": phone_run.run,
    "get": phone_set.get,
    "set": phone_set.store,
    "status": _status,
    "resync": _command,
    "upgrade": _command,
    "report": _command,
    "problem-report": _problem_report,
    "reboot": _command,
    "screen": _screen,
    "vpn": _command,
    "confirm": _command,
    "activate": _activate,
    "factory-reset": _factory_reset,
    "certificate": _certificate,
    "directory": _directory,
    "dial": _command,
    "transfer": _command,
    "dtmf": _command,
    "mute": _command,
    "volume": _command,
    "conference": _command,
    **dict.fromkeys(_CALLS, _command),
}
