"""`ringfence phone get` and `set`: the settings of a phone, whether it runs or not."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.cli import DONE
from ringfence.errors import ComponentError, ConfigError

if TYPE_CHECKING:
    from ringfence.runtime.host import Host
    from ringfence.runtime.memory import Memory

NOT_RUNNING = "no phone runs on this state folder; ringfence phone run --state DIR starts one"


def get(arguments: argparse.Namespace) -> int:
    """Print one value."""
    from ringfence.runtime.control import ask

    reply = ask(arguments.state, {"verb": "get", "tag": arguments.tag})
    if reply is None:
        from ringfence.config.snapshot import shown
        from ringfence.runtime.phone import canonical

        tag = canonical(arguments.tag)
        print(shown(_stored(arguments.state).snapshot, tag))
    else:
        print(reply["text"])
    return DONE


def store(arguments: argparse.Namespace) -> int:
    """Store values, and say what is wrong with them."""
    from ringfence.runtime import reset
    from ringfence.runtime.control import ask
    from ringfence.runtime.host import Host

    lines = sys.stdin.read().splitlines() if arguments.stdin else []
    values = _pairs([*arguments.values, *filter(None, lines)])
    within = arguments.confirm_within
    request = {"verb": "set", "values": values, "confirm_within": within}
    told: Mapping[str, Any] | None = ask(arguments.state, request)
    if told is None and within:
        raise ConfigError("--confirm-within", NOT_RUNNING, "start it, or leave the option out")
    if told is None:
        host = Host(arguments.state)
        host.prepare()
        if host.lock(wait=2.0):
            reset.finish(host)
            told = _set_stopped(host, values)
        elif (told := ask(arguments.state, request)) is None:
            raise ComponentError("phone", "it is starting or stopping; try again")
    for warning in told["warnings"]:
        print(f"ringfence: stored, but {warning}", file=sys.stderr)
    if within:
        words = f"ringfence phone confirm --state {arguments.state}"
        print(f"Undone {within} s after it came into force, unless: {words}")
    return DONE


def seconds(text: str) -> int:
    """Return how long a confirmation may take, in seconds; argparse tells what is wrong."""
    from ringfence.config.catalog.system import LONGEST

    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= LONGEST):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number from 1 to {LONGEST}")
    return int(text)


def _set_stopped(host: "Host", values: Mapping[str, str]) -> Mapping[str, Any]:
    """Store values for a phone that does not run."""
    from ringfence.features import load
    from ringfence.runtime.device import identity
    from ringfence.runtime.memory import Memory
    from ringfence.runtime.phone import set_values
    from ringfence.runtime.state import Facts

    facts = Facts(identity=identity(host, None))
    memory = Memory(host, facts.identity.firmware, facts.identity.realm)
    return set_values(tuple(load()), memory.submit, memory, facts, values)


def _pairs(words: list[str]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        tag, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(tag[:80], "no value given", "write TAG=VALUE")
        pairs[tag.strip()] = text
    if not pairs:
        raise ConfigError("set", "nothing to store", "write TAG=VALUE")
    return pairs


def _stored(state: Path) -> "Memory":
    from ringfence.runtime.device import identity
    from ringfence.runtime.host import Host
    from ringfence.runtime.memory import Memory

    host = Host(state)
    own = identity(host, None)
    return Memory(host, own.firmware, own.realm)
