"""An inventory, and `ringfence provider serve` that uses it."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from unittest import mock

import pytest

from ringfence.cli import main
from tests.support.provider_net import MAC, PHONE, Net, profile, versions
from tests.support.provider_server import Provider

TEMPLATE = profile(GPP_A="{{ values.user }}", GPP_B="{{ secrets.password }}", GPP_C="{{ group }}")
FILLED = profile(GPP_A="1001", GPP_B="correct <horse>", GPP_C="sales").rstrip("\n")


class Stock:
    """An inventory and the server that uses it."""

    def __init__(self, net: Net, *options: str, database: str = "") -> None:
        self.data = net.folder / "data"
        self.say("init", *(("--database", database) if database else ()))
        words = ("--data", str(self.data), *options)
        self.provider = Provider(net, *words)
        self.device = net.trust.device()

    def say(self, *words: str, text: str = "") -> str:
        """Run a verb in this process, which is quicker; return what it printed."""
        given = io.TextIOWrapper(io.BytesIO(text.encode()))
        with redirect_stdout(io.StringIO()) as said, mock.patch("sys.stdin", given):
            assert main(["provider", *words, "--data", str(self.data)]) == 0
        return said.getvalue()

    def listed(self) -> None:
        """List the phone, with a group, a value, a secret, and a template of its group."""
        self.say("group", "set", "sales", "--value", "user=nobody", "--value", "proxy=sip")
        self.say("device", "set", MAC, "--group", "sales", "--value", "user=1001")
        self.say("secret", "set", MAC, "password", text="correct <horse>\n")
        self.say("template", "put", "sales.xml", "-", text=TEMPLATE)

    def known(self, mac: str = MAC) -> dict[str, object]:
        shown = json.loads(self.say("device", "list", mac, "--json"))
        return dict(shown[0]) if shown else {}

    def sent(self) -> list[dict[str, object]]:
        return list(json.loads(self.say("upload", "list", "--json")))

    def ask(self, path: str = f"/{MAC}.xml", *words: str) -> tuple[str, str]:
        return self.provider.ask(self.device, path, *words)


@pytest.fixture
def stock(net: Net, component: list[str]) -> Iterator[Callable[..., Stock]]:
    component.append(" ".join(versions("curl", "--version").split()[:2]))
    net.phone_space.address("eth0", f"{PHONE}/24")
    made: list[Stock] = []

    def start(*options: str, database: str = "") -> Stock:
        made.append(Stock(net, *options, database=database))
        return made[-1]

    yield start
    for each in made:
        each.provider.server.stop()


Start = Callable[..., Stock]
