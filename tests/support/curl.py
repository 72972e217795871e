"""curl as a browser without looks: a cookie jar, forms, and every header it got."""

import itertools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ringfence.lab.namespaces import Namespace

_COUNT = itertools.count()
TIMED_OUT = 28
"""Exit code of curl when `--max-time` is over."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    head: str = ""

    def texts(self, name: str) -> list[str]:
        """Return every value of a header."""
        pairs = (line.partition(": ") for line in self.head.splitlines())
        return [value for found, _, value in pairs if found.lower() == name]

    @property
    def csrf(self) -> str:
        """Return the form token of the page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.text)
        assert found, self.text
        return found[1]


class Curl:
    """One visitor."""

    def __init__(self, space: Namespace, base: str, folder: Path) -> None:
        self._space = space
        self.base = base
        self._jar = folder / f"cookies-{next(_COUNT)}"

    @staticmethod
    def version() -> str:
        """Return the name and version of the program."""
        done = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
        return " ".join(done.stdout.split()[:2])

    def begin(self, path: str) -> Answer:
        """Ask for what may never end, and hang up after a second."""
        return self._ask(path, "--max-time", "1", unfinished=True)

    def get(self, path: str, *words: str) -> Answer:
        """Ask for a page."""
        return self._ask(path, "--max-time", "15", *words)

    def _ask(self, path: str, *words: str, unfinished: bool = False) -> Answer:
        argv = ["curl", "-s", "-k", "-i", "--path-as-is", "--globoff"]
        argv += ["-b", str(self._jar), "-c", str(self._jar), *words, self.base + path]
        done = self._space.run(*argv, check=False)
        good = (0, TIMED_OUT) if unfinished else (0,)
        assert done.returncode in good, f"curl {done.returncode} {path}: {done.stderr}"
        head, _, text = done.stdout.partition("\n\n")
        first, *lines = head.splitlines()
        headers = {name.lower(): value for name, _, value in (s.partition(": ") for s in lines)}
        return Answer(int(first.split()[1]), headers, text, head)

    def post(self, path: str, *words: str, **fields: str) -> Answer:
        """Send a form."""
        data = [w for k, v in fields.items() for w in ("--data-urlencode", f"{k}={v}")]
        return self.get(path, "-X", "POST", *(data or ["-d", ""]), *words)

    def login(self, account: str, password: str) -> Answer:
        """Log in."""
        return self.post("/login", account=account, password=password)

    def submit(self, tab: str, **fields: str) -> Answer:
        """Fill in a tab and submit it."""
        token = self.get(f"/voice/{tab}").csrf
        return self.post(f"/voice/{tab}", csrf=token, do="submit", **fields)
