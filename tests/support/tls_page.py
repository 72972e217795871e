"""The phone as the server: its page with every cipher list, before a client that judges it."""

import re
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.phone import PATIENCE, RunningPhone
from tests.support.provider_net import PHONE
from tests.support.tls_front import SUITES, plain
from tests.support.tls_matrix import LISTS

FIVE = (
    *("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"),
    *("AES256-SHA", "AES128-SHA", "DES-CBC3-SHA"),
)
"""The chapter's suites of the web server."""
OTHER, EARLIER = "other.telco.test", "1577750400"
"""A name that the page has not, and a day before its certificate began, which never ends."""
WORDS = {
    "its name": ("-verify_hostname", OTHER),
    "its root": ("-CAfile", "{other}"),
    "its date": ("-attime", EARLIER),
}
"""`{what the client minds: its words}`."""


class Met(Struct, frozen=True):
    """What became of one visit."""

    client: str
    """`TLSv1.2 AES128-SHA`, or why the client refused; empty where the phone did."""
    phone: str
    """Version that the phone accepted, or why not."""


class Visitor:
    """`openssl s_client` before the page of a phone."""

    def __init__(self, space: Namespace, phone: RunningPhone, root: Path, other: Path) -> None:
        self._space = space
        self._phone = phone
        self._root = str(root)
        self._other = str(other)

    def visit(self, minds: str = "") -> Met:
        """Shake hands once; `minds` is what the client judges the page by in vain."""
        given = [word.format(other=self._other) for word in WORDS.get(minds, ())]
        judged = ("-CAfile", self._root, "-verify_ip", PHONE, "-verify_return_error", *given)
        heard, verdict = self._shake("-cipher", SUITES, *judged)
        chosen = re.search(r"^New, .*Cipher is (\S+)$", heard, re.MULTILINE)
        version = re.search(r"^New, (TLSv[0-9.]+)", heard, re.MULTILINE)
        error = re.search(r"^verify error:num=\d+:(.*)$", heard, re.MULTILINE)
        client = error[1] if error else ""
        if chosen and version and not error:
            client = f"{version[1]} {chosen[1]}"
        secured = verdict["secured"]
        return Met(client, secured["version"] if secured else plain(verdict["reason"]))

    def accepted(self) -> list[str]:
        """Return every suite up to TLS 1.2 that the page takes, as it prefers them."""
        words = ("ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        listed = self._space.run("openssl", *words).stdout.strip().split(":")
        left, found = [name for name in listed if not name.startswith("TLS_")], list[str]()
        while left:
            heard, _ = self._shake("-tls1_2", "-cipher", ":".join((*left, "@SECLEVEL=0")))
            chosen = re.search(r"^New, .*Cipher is (\S+)$", heard, re.MULTILINE)
            assert chosen, heard
            if chosen[1] == "(NONE)":
                break
            left.remove(chosen[1])
            found.append(chosen[1])
        return found

    def _shake(self, *words: str) -> tuple[str, dict[str, Any]]:
        """Shake hands once; return what the client said, and what the phone then says of it."""
        before, end = self._verdict().get("count", 0), time.monotonic() + PATIENCE
        argv = ("openssl", "s_client", "-connect", f"{PHONE}:443", *words)
        done = self._space.run(*argv, stdin="Q\n", check=False)
        while (verdict := self._verdict()).get("count", 0) == before:  # it may hear a bit later
            assert time.monotonic() < end, done.stdout + done.stderr
        return done.stdout + done.stderr, verdict

    def _verdict(self) -> dict[str, Any]:
        status: Any = ask(self._phone.state, {"verb": "status"})
        return dict(((status["tls"] or {}).get("verdicts") or {}).get("web-server") or {})


def table(title: str, rows: dict[str, tuple[list[str], dict[str, Met]]]) -> str:
    """Return the section of docs/tls-applications.md; `rows` are by case of the cipher list."""
    minds = ("", *WORDS)
    head = ["TLS Cipher List", "Suites taken up to TLS 1.2", "Client agrees"]
    head += [f"Client minds {word}" for word in minds[1:]]
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for case in LISTS:
        suites, met = rows[case]
        cells = [case, ", ".join(suites) or "none of the client's"]
        cells += [f"{met[word].client or 'refused'} (phone: {met[word].phone})" for word in minds]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
