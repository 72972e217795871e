"""The screen of a running phone, by its keys."""

import re
import time
from typing import Any

from ringfence.runtime.control import ask
from tests.support.phone import PATIENCE, RunningPhone


class Screen:
    """Presses keys, and reads what is shown."""

    def __init__(self, phone: RunningPhone) -> None:
        self._phone = phone

    def press(self, *keys: str) -> str:
        """Press keys; return the screen after the last."""
        text = self._look()
        for key in keys:
            text = self._look(key=key)
        return text

    def open(self, label: str) -> str:
        """Choose an application by its label."""
        menu = self.press("Home", "Applications")
        found = re.search(rf"(\d) {re.escape(label)}", menu)
        assert found, menu
        return self.press(found[1])

    def type(self, text: str) -> str:
        return self.press(*text)

    def wait(self, words: str) -> str:
        """Return the first screen that has the words; the phone answers as soon as it changes."""
        mark, until = "", time.monotonic() + PATIENCE
        while True:
            text, mark = self._picture(mark=mark)
            if words in text:
                return text
            assert time.monotonic() < until, f"never seen: {words!r}\n{text}"

    def _look(self, **arguments: str) -> str:
        return self._picture(**arguments)[0]

    def _picture(self, **arguments: str) -> tuple[str, str]:
        answer: Any = ask(
            self._phone.state, {"verb": "command", "name": "screen", "arguments": arguments}
        )
        rows = ("".join(span["text"] for span in row).rstrip() for row in answer["rows"])
        return "\n".join(rows), answer["mark"]
