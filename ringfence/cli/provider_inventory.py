"""The words of `ringfence provider` for the inventory: devices, groups, templates and the rest."""

import argparse
from pathlib import Path
from typing import TypeAlias

from ringfence.cli import sentence

FOLDER = Path("ringfence-provider")

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    init = _verb(verbs, "init", "make an inventory")
    init.add_argument(
        "--database",
        default="",
        metavar="URL",
        help="postgresql://HOST/NAME or postgresql:///NAME?host=/run/postgresql; an SQLite file in"
        " DATA by default. The password is libpq's to find, in ~/.pgpass",
    )
    _add_devices(_noun(verbs, "device", "the phones, what they get, and what was seen of them"))
    _add_groups(_noun(verbs, "group", "phones that share a template or values"))
    _add_templates(_noun(verbs, "template", "templates of the inventory, with every version"))
    _add_secrets(_noun(verbs, "secret", "what a device's template knows and nothing ever shows"))
    _add_uploads(_noun(verbs, "upload", "reports and problem reports that phones sent"))
    _add_tokens(_noun(verbs, "token", "who may use the management page and API"))
    _add_activation(_noun(verbs, "activation", "codes that let a phone in, each once"))
    history = _verb(verbs, "history", "every change of the inventory, the latest first")
    history.add_argument("subject", nargs="?", default="", metavar="SUBJECT", help="MAC, group ...")
    _json(history)
    _verb(verbs, "rotate-key", "seal every secret with a new key, and forget the old one")


def _noun(verbs: Verbs, name: str, purpose: str) -> Verbs:
    return verbs.add_parser(name, help=purpose, description=sentence(purpose)).add_subparsers(
        dest="what", required=True, metavar="VERB"
    )


def _verb(verbs: Verbs, name: str, purpose: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=purpose, description=sentence(purpose))
    verb.add_argument(
        "--data", type=Path, default=FOLDER, help=f"folder of the inventory ({FOLDER})"
    )
    return verb


def _json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print JSON")


def _add_devices(verbs: Verbs) -> None:
    verb = _verb(verbs, "list", "list phones, also those that came by themselves")
    verb.add_argument("part", nargs="?", default="", metavar="PART", help="of MAC, name, group ...")
    _json(verb)
    verb = _verb(verbs, "show", "show one phone, its history and what it sent")
    verb.add_argument("mac", metavar="MAC")
    _json(verb)
    verb = _verb(verbs, "set", "list a phone, or change what is said of it")
    verb.add_argument("mac", metavar="MAC")
    verb.add_argument("--name", help="for people: a desk, a customer")
    verb.add_argument("--group", help="its group; empty for none")
    _values(verb)
    for name, purpose in (
        ("block", "give a phone nothing any more, whatever its certificate says"),
        ("unblock", "serve a phone again"),
        ("remove", "forget a phone and its secrets; its history stays"),
    ):
        _verb(verbs, name, purpose).add_argument("mac", metavar="MAC")


def _add_groups(verbs: Verbs) -> None:
    _json(_verb(verbs, "list", "list groups and their values"))
    verb = _verb(verbs, "set", "make a group, or change its values")
    verb.add_argument("name", metavar="GROUP")
    _values(verb)
    _verb(verbs, "remove", "forget a group without devices").add_argument("name", metavar="GROUP")


def _values(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--value",
        action="append",
        default=[],
        dest="values",
        metavar="NAME=TEXT",
        help="templates know it as values.NAME; NAME= alone takes it away; may be repeated",
    )


def _add_templates(verbs: Verbs) -> None:
    _json(_verb(verbs, "list", "list the templates of the inventory"))
    verb = _verb(verbs, "put", "add a version of a template, which counts at once")
    verb.add_argument("name", metavar="NAME", help="as the file would be called: default.xml")
    verb.add_argument("file", metavar="FILE", help="its text; - for standard input")
    verb = _verb(verbs, "get", "print a template")
    verb.add_argument("name", metavar="NAME")
    verb.add_argument("--version", type=int, metavar="N", help="an earlier one")
    _verb(verbs, "remove", "take a template out of use").add_argument("name", metavar="NAME")


def _add_secrets(verbs: Verbs) -> None:
    verb = _verb(verbs, "set", "keep a secret of a device, read from standard input")
    verb.add_argument("mac", metavar="MAC")
    verb.add_argument("name", metavar="NAME", help="templates know it as secrets.NAME")
    _verb(verbs, "list", "list the names of a device's secrets").add_argument("mac", metavar="MAC")
    verb = _verb(verbs, "remove", "forget a secret")
    verb.add_argument("mac", metavar="MAC")
    verb.add_argument("name", metavar="NAME")


def _add_uploads(verbs: Verbs) -> None:
    verb = _verb(verbs, "list", "list what phones sent")
    verb.add_argument("mac", nargs="?", default="", metavar="MAC")
    _json(verb)
    verb = _verb(verbs, "get", "write one of them into a file")
    verb.add_argument("number", type=int, metavar="NUMBER")
    verb.add_argument("--out", "-o", default="-", metavar="FILE", help="standard output by default")


def _add_tokens(verbs: Verbs) -> None:
    verb = _verb(verbs, "add", "make a token, and print it this once")
    verb.add_argument("label", metavar="LABEL", help="whose it is")
    verb.add_argument(
        "--role",
        choices=("metrics", "read", "write"),
        default="read",
        help="/metrics alone; all there is to read (the default); or changes too",
    )
    _json(_verb(verbs, "list", "list tokens"))
    verb = _verb(verbs, "revoke", "take a token back")
    verb.add_argument("token", metavar="ID|LABEL")


def _add_activation(verbs: Verbs) -> None:
    verb = _verb(verbs, "create", "make a code for a phone or a group, and print it this once")
    verb.add_argument("--device", default="", metavar="MAC", help="the phone that may use it (any)")
    verb.add_argument("--group", default="", help="where the phone goes (where it is)")
    verb.add_argument("--days", type=int, default=7, metavar="N", help="until it expires (7)")
    _json(_verb(verbs, "list", "list codes, used ones too, by the digits that name them"))
    verb = _verb(verbs, "revoke", "take a code back that nobody has used")
    verb.add_argument("id", metavar="ID", help="its first six digits")
