"""A phone that has nothing but page and screen: the real store, supervisor and control socket.

Run by path inside a network namespace, with the state folder and first settings as JSON.
"""

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

from ringfence.config.parameter import Access
from ringfence.config.snapshot import Change, Origin
from ringfence.features import downloads, screen, web
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.device import certificate, identity, trust
from ringfence.runtime.feature import Feature
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory
from ringfence.runtime.phone import Phone
from ringfence.runtime.state import Facts
from tests.support.phone import RunningPhone

PASSWORD = "Correct-horse-1"
Given = str | tuple[str | None, str]
FEATURES: tuple[Feature[Any], ...] = (web.FEATURE, screen.FEATURE)


class WebPhone(RunningPhone):
    """The test's end; waits until the page is listening."""

    def __init__(self, state: Path, space: Namespace, **texts: Given) -> None:
        """Start it with values, or values and their `ua`; None for a value leaves it as it is."""
        self.state, self.log = state, ""
        words = [sys.executable, "-m", __name__, str(state), json.dumps(texts)]
        self.process = subprocess.Popen(
            space.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.wait_for("phone.ready")


def main(state: str, texts: str) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    host = Host(Path(state))
    facts = Facts(identity=identity(host, "lo"), trust=trust(host), client=certificate(host))
    memory = Memory(host, facts.identity.firmware, facts.identity.realm)
    given = {
        tag: value if isinstance(value, list) else [value, None]
        for tag, value in json.loads(texts).items()
    }
    changes = {
        tag: Change(text, Access(access) if access else None)
        for tag, (text, access) in given.items()
    }
    memory.submit(changes, Origin.PROFILE, whole=True)
    features = (*FEATURES, downloads.FEATURE) if "Phone_Background" in given else FEATURES
    sys.exit(asyncio.run(Phone([features], host, facts, memory, lambda reason: None).run()))


if __name__ == "__main__":
    main(*sys.argv[1:])
