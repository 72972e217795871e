"""A PJSIP telephone of a test; its process is `pjsua_process`."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ringfence.lab.namespaces import Namespace
from tests.support.tones import write_tone

PATIENCE = 30.0
"""Seconds after which an awaited event counts as missing."""


class Pjsua:
    """The test's end of such a process."""

    def __init__(
        self,
        space: Namespace,
        folder: Path,
        address: str,
        *,
        user: str = "peer",
        password: str = "",
        domain: str = "",
        proxy: str = "",
        transport: str = "UDP",
        port: int = 5060,
        srtp: str = "off",
        suites: Sequence[str] = (),
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        hertz: int = 440,
        timer: int = 0,
    ) -> None:
        """Start it; with a `proxy` it registers there, once `wait("registered")` says so.

        With a `timer` its calls have session timers of so many seconds.
        """
        folder.mkdir(parents=True)
        self.events: list[dict[str, Any]] = []
        self.log = folder / "log"
        self._errors = (folder / "errors").open("wb")
        self.process = space.popen(
            sys.executable,
            str(Path(__file__).with_name("pjsua_process.py")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._buffer = b""
        self._tell(
            folder=str(folder),
            log=str(self.log),
            tone=str(write_tone(folder / "tone.wav", hertz)),
            address=address,
            user=user,
            password=password,
            domain=domain or address,
            proxy=proxy,
            transport=transport,
            port=port,
            srtp=srtp,
            suites=list(suites),
            codecs=list(codecs),
            timer=timer,
        )
        self.version = f"PJSIP {self.wait('ready')['version']}"

    # What every peer can do

    def wait_registered(self) -> None:
        self.wait("registered")

    def dial(self, target: str) -> None:
        self.command("dial", target=target)

    def answer(self) -> None:
        self.command("answer", code=200)

    def refuse(self) -> None:
        """Refuse the call that rings: 486."""
        self.command("answer", code=486)

    def hang_up(self) -> None:
        self.command("hangup")

    def hold(self) -> None:
        self.command("hold")

    def resume(self) -> None:
        self.command("resume")

    def transfer(self, target: str) -> None:
        self.command("transfer", target=target)

    def press(self, digits: str) -> None:
        self.command("press", digits=digits)

    def wait_ringing(self) -> None:
        self.wait("incoming")

    def wait_talking(self) -> None:
        self.wait("confirmed")

    def wait_key(self, digit: str) -> None:
        self.wait("digit", digit=digit)

    def wait_over(self) -> tuple[str, Path | None]:
        """Return why the call ended, and what it heard."""
        told = self.wait("disconnected")
        recorded = Path(told["path"])
        return f"{told['code']} {told['reason']}", recorded if self._finished(recorded) else None

    def _finished(self, recorded: Path) -> bool:
        """Return whether there is a recording, once its header is written."""
        end = time.monotonic() + PATIENCE
        while recorded.exists():
            with contextlib.suppress(wave.Error, EOFError), wave.open(str(recorded), "rb"):
                return True
            assert time.monotonic() < end, f"{recorded} is never finished\n{self.said()}"
        return False

    # How it is driven

    def command(self, do: str, **words: object) -> None:
        """Give a command; what comes of it is told by events."""
        self._tell(do=do, **words)

    def wait(self, kind: str, patience: float = PATIENCE, **wanted: object) -> dict[str, Any]:
        """Return the next event of a kind that was not waited for before."""
        end = time.monotonic() + patience
        while True:
            for at, event in enumerate(self.events):
                if event["type"] == kind and all(event[k] == v for k, v in wanted.items()):
                    del self.events[: at + 1]
                    return event
            self.events.append(self._next(end))

    def _tell(self, **words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(words).encode() + b"\n")
        self.process.stdin.flush()

    def _next(self, end: float) -> dict[str, Any]:
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                ready = selector.select(max(0.0, end - time.monotonic()))
                data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                assert data, f"{self.events}\n{self.said()}"
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return dict(json.loads(line))

    def said(self) -> str:
        """Return its log."""
        errors = self.log.with_name("errors").read_text(errors="replace")
        return errors + (self.log.read_text(errors="replace") if self.log.exists() else "")

    def stop(self) -> None:
        """End it."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()
