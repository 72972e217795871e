"""`ringfence lab`: a provider's network in namespaces, with a phone in it."""

import argparse
import difflib
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.cli import CANNOT, DONE, FINDINGS, USAGE, sentence
from ringfence.errors import ComponentError
from ringfence.lab.place import DEFAULT, Place, environment
from ringfence.lab.story import ending, line, of_acs
from ringfence.lab.topology import NODES, PHONE, PROXY

if TYPE_CHECKING:
    from ringfence.lab.launch import Order


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, purpose: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=purpose, description=sentence(purpose))
        made.add_argument("--name", default=DEFAULT, help="which lab, where there are several")
        return made

    _add_up(verb("up", "boot a lab and a phone in it, and tell what was proven"))
    verb("status", "say where the lab's nodes are and how its phone is doing").add_argument(
        "--json", action="store_true"
    )
    shell = verb("shell", "run a command in a node of the lab; its exit code is passed on")
    shell.add_argument("node", choices=[node.name for node in (*NODES, PROXY)])
    shell.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    phone = verb("phone", "run a verb of `ringfence phone` on the lab's phone: dial, answer, …")
    phone.add_argument("words", nargs=argparse.REMAINDER, metavar="VERB ...")
    breaking = verb("break", "break something, show what the phone does, and put it back")
    breaking.add_argument(
        "breakage", nargs="?", metavar="NAME", help="what, or its beginning; none lists all"
    )
    breaking.add_argument("--list", action="store_true", help="list what can be broken")
    breaking.add_argument("--json", action="store_true")
    verb("down", "end the lab and remove everything it left")


def _add_up(up: argparse.ArgumentParser) -> None:
    up.add_argument("--json", action="store_true", help="print JSON at the end")
    up.add_argument("--config", type=Path, help="cfg.xml to serve to the phone, not the lab's own")
    up.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="capture the phone's interface into a pcapng file that holds the TLS keys to read it",
    )
    up.add_argument(
        "--mediasec",
        choices=("client", "server"),
        default="",
        help="agree on media plane security: the phone's first line asks for it, or the registrar",
    )
    up.add_argument(
        "--zero-touch",
        action="store_true",
        help="let DHCP name no profile: the phone asks its activation server",
    )
    up.add_argument(
        "--dot1x",
        choices=("off", "eap-tls", "eap-fast"),
        default="off",
        help="let the switch block the phone until a RADIUS server knows it by this method",
    )
    up.add_argument(
        "--proxy",
        choices=("off", "manual", "pac", "wpad"),
        default="off",
        help="let only an HTTP proxy lead to the provisioning server, found by one of these ways",
    )
    up.add_argument(
        "--vpn",
        action="store_true",
        help="put the phone into the tunnel of a VPN server, at every boot",
    )
    up.add_argument("--tr069", action="store_true", help="let an ACS manage the phone")
    up.add_argument("--ldap", action="store_true", help="give the phone an LDAP directory")


def run(arguments: argparse.Namespace) -> int:
    """Run one verb."""
    try:
        return _VERBS[arguments.verb](arguments, Place(arguments.name))
    except ComponentError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return FINDINGS if arguments.verb == "up" else CANNOT


def _up(arguments: argparse.Namespace, place: Place) -> int:
    from ringfence.lab.launch import launch

    steps: list[Mapping[str, Any]] = []

    def tell(step: Mapping[str, Any]) -> None:
        steps.append(step)
        if not arguments.json:
            print(line(step), flush=True)

    if reason := _lacking() or _unfit(arguments):
        tell(_failed("machine", reason))
        good = False
    elif arguments.config and not arguments.config.is_file():
        tell(_failed("config", f"{arguments.config} is no file"))
        good = False
    else:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, _interrupt)
        try:
            good = launch(place, _order(arguments, place), tell)
        except KeyboardInterrupt:
            print("ringfence: interrupted; nothing is left", file=sys.stderr)
            return 128 + signal.SIGINT
        except ComponentError as error:
            if arguments.json:
                tell(_failed("lab", str(error)))
                print(json.dumps(_booted(steps, good=False), indent=2))
            raise
    if arguments.json:
        runs = place.record() is not None
        document = _booted(steps, good=good) | (_document(place) if runs else {})
        print(json.dumps(document, indent=2))
    else:
        managed = any(step["step"] == "acs" for step in steps)
        print("\n".join(_last_words(place, good=good, managed=managed)))
    return DONE if good else FINDINGS


def _order(arguments: argparse.Namespace, place: Place) -> "Order":
    from ringfence.lab.launch import Order

    trace = _trace(arguments.trace) if arguments.trace else None
    file = str(arguments.config.resolve()) if arguments.config else None
    password = secrets.token_urlsafe(9) + "-4Aa"
    order = Order(str(place.folder), file, password, trace, arguments.mediasec)
    by, port = ("" if word == "off" else word for word in (arguments.proxy, arguments.dot1x))
    order = order._replace(zero_touch=arguments.zero_touch, proxy=by, vpn=arguments.vpn)
    order = order._replace(tr069=arguments.tr069)
    return order._replace(dot1x=port, ldap=arguments.ldap)


def _booted(steps: Sequence[Mapping[str, Any]], *, good: bool) -> dict[str, Any]:
    failed = next((step["step"] for step in steps if not step["ok"]), None)
    return {"schema": 1, "registered": good, "failed": failed, "steps": steps}


def _lacking() -> str:
    """Return what this machine lacks, and what installs it; empty where it is all there."""
    from ringfence.lab.machine import Verdict, checks, distribution, install_line

    found = checks()
    lacking = [check for check in found if check.verdict is Verdict.MISSING]
    if not lacking:
        return ""
    remedy = install_line(found, distribution(), root=os.geteuid() == 0)
    reason = "; ".join(f"{check.name} is missing: {check.detail}" for check in lacking)
    return reason + (f"; {remedy}" if remedy else "")


def _unfit(arguments: argparse.Namespace) -> str:
    """Return why this machine cannot do what was asked for besides; empty where it can."""
    from ringfence.lab import access, directory, proxy, vpn

    if arguments.dot1x != "off" and (missing := access.lacking(arguments.dot1x)):
        return missing
    lacking = proxy.lacking() if arguments.proxy != "off" else ""
    lacking = lacking or (vpn.lacking() if arguments.vpn else "")
    return lacking or (directory.lacking() if arguments.ldap else "")


def _trace(file: Path) -> int:
    """Return the descriptor of the trace's file, which the caller has been told about loudly."""
    from ringfence.runtime.host_trace import open_trace
    from ringfence.runtime.trace import banner

    handle = open_trace(file)
    print(banner(file.resolve()), file=sys.stderr, flush=True)
    return handle


def _failed(step: str, reason: str) -> Mapping[str, Any]:
    return {"step": step, "ok": False, "reason": reason, "seconds": 0.0, "data": {}}


def _interrupt(number: int, _: object) -> None:
    for again in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    raise KeyboardInterrupt


def _last_words(place: Place, *, good: bool, managed: bool) -> list[str]:
    record = place.record()
    if record is None:
        return ["", "The lab could not be started; nothing is left."]
    if not good:
        return ["", "The lab runs, but not as it should. ringfence lab down ends it."]
    phone = str(_document(place)["phone_address"])
    login = f"user {record.login}, password {record.password}"
    words = ending(_program(), place.name, record.page_url, login, phone)
    if managed:
        from ringfence.lab.acs import FOLDER

        words = [*of_acs(_program(), place.name, str(FOLDER)), *words]
    return words


def _program() -> str:
    """Return how ringfence can be called again from here."""
    if shutil.which("ringfence"):
        return "ringfence"
    called = Path(sys.argv[0])
    if called.name != "ringfence":
        return f"{sys.executable} -m ringfence"
    return str(called)


def _status(arguments: argparse.Namespace, place: Place) -> int:
    document = _document(place)
    if arguments.json:
        print(json.dumps(document, indent=2))
        return DONE
    for name, node in document["nodes"].items():
        print(f"{name:10}{', '.join(node['addresses']) or 'no address'}")
    print(f"page      {document['page_url']}")
    if document["break"]:
        print(f"break     {document['break']} is under way")
    if port := document["port"]:
        print(f"port      {port['port']} open for {', '.join(port['open']) or 'nobody'}")
    for what in document["mended"]:
        print(f"mended    {what}")
    for what in document["broken"]:
        print(f"BROKEN    not true yet: {what} ({document['reason']})")
    if (phone := document["phone"]) is None:
        print("PHONE     does not run")
        phone = {}
    if trace := phone.get("trace"):
        state = f"ended, {trace['ended']}" if trace["ended"] else "TLS KEYS ARE BEING WRITTEN"
        print(f"TRACE     {state}: {trace['file']}")
    for entry in filter(lambda entry: entry["used"], phone.get("lines", [])):
        state = "registered" if entry["registered"] else f"not registered: {entry['reason']}"
        words = filter(None, (entry["transport"], entry["suite"], state))
        print(f"line {entry['n']:<5}{' '.join(words)}")
    return DONE


def _document(place: Place) -> dict[str, Any]:
    """Return where everything is, asked of the kernel and of the phone.

    Raises:
        ComponentError: the lab does not run.

    """
    from ringfence.lab import door
    from ringfence.runtime.control import ask

    nodes = {node.name: {"addresses": place.addresses(node.name)} for node in NODES}
    told = next(door.Call(place.folder, {"verb": "status"}).heard())
    own = nodes[PHONE.name]["addresses"]
    record = place.record()
    return {
        "name": place.name,
        "phone_address": next((address for address in own if "." in address), None),
        "page_url": record.page_url if record else None,
        "nodes": nodes,
        "phone": ask(place.phone, {"verb": "status"}),
        **{key: told.get(key) for key in ("break", "mended", "broken", "reason", "port")},
    }


def _break(arguments: argparse.Namespace, place: Place) -> int:
    from ringfence.lab.breaks import telling
    from ringfence.lab.breaks.table import BREAKS

    titles = {name: entry.title for name, entry in BREAKS.items()}
    name = arguments.breakage
    if arguments.list or not name:
        print(
            json.dumps(titles, indent=2)
            if arguments.json
            else "\n".join(telling.overview(titles, _program()))
        )
        return DONE
    begun = [title for title in titles if title.startswith(name)]
    if name not in titles and len(begun) == 1:
        (name,) = begun
    if name not in titles:
        near = difflib.get_close_matches(name, titles, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else "ringfence lab break lists them"
        print(f"ringfence: no break {name[:40]!r}; {hint}", file=sys.stderr)
        return USAGE
    return _broken(arguments, place, name, titles[name])


def _broken(arguments: argparse.Namespace, place: Place, name: str, title: str) -> int:
    from ringfence.lab import door
    from ringfence.lab.breaks import telling

    place.join(PHONE.name, [])  # says so where no lab runs
    call = door.Call(place.folder, {"verb": "break", "name": name})
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        call.hang_up()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    parts: list[Mapping[str, Any]] = []
    for told in call.heard():
        if refused := told.get("refused"):
            print(f"ringfence: lab: {refused}", file=sys.stderr)
            return 128 + signal.SIGINT if stopped else CANNOT
        if told["part"] == "end":
            break
        parts.append(told)
        if not arguments.json:
            lines = telling.heading(name, title) if len(parts) == 1 else []
            print("\n".join([*lines, *telling.part(told)]), flush=True)
    if arguments.json:
        end = {key: value for key, value in told.items() if key not in ("part", "text")}
        document = {"schema": 1, "break": name, "title": title, **end, "parts": parts}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(telling.ending(told)))
    if told["interrupted"]:
        return 128 + signal.SIGINT
    return DONE if told["withstood"] and told["restored"] else FINDINGS


def _shell(arguments: argparse.Namespace, place: Place) -> int:
    command = arguments.command
    if command[:1] and command[0].startswith("--name"):  # argparse takes it for the command's
        late = argparse.ArgumentParser(prog="ringfence lab shell", usage="shell NODE -- COMMAND")
        late.add_argument("--name")
        late.add_argument("command", nargs=argparse.REMAINDER)
        found = late.parse_args(command)
        place, command = Place(found.name), found.command
    command = command[1:] if command[:1] == ["--"] else command
    words = place.join(arguments.node, command or [os.environ.get("SHELL", "/bin/sh")])
    sys.stdout.flush()
    os.execvpe(words[0], words, environment())  # noqa: S606 - an argument vector, no shell


def _phone(arguments: argparse.Namespace, place: Place) -> int:
    from ringfence.cli import main

    place.join(PHONE.name, [])  # says so where no lab runs
    if arguments.words[:1] in ([], ["run"]):
        print("ringfence: name what the lab's phone is to do: status, dial, …", file=sys.stderr)
        return USAGE
    verb, *more = arguments.words
    return main(["phone", verb, "--state", str(place.phone), *more])


def _down(arguments: argparse.Namespace, place: Place) -> int:
    if not place.folder.exists():
        print(f"ringfence: no lab {place.name} is here", file=sys.stderr)
        return DONE
    place.stop()
    return DONE


_VERBS: Mapping[str, Callable[[argparse.Namespace, Place], int]] = {
    "up": _up,
    "status": _status,
    "shell": _shell,
    "phone": _phone,
    "break": _break,
    "down": _down,
}
