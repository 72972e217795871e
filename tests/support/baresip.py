"""A baresip without sound card, driven over its control connection."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from ringfence.lab.namespaces import Namespace
from tests.support.probe import connection_in
from tests.support.tones import write_tone

PATIENCE = 30.0
"""Seconds after which an awaited event counts as missing."""
CONTROL = 4444
CONFIG = """\
module_path /usr/lib/baresip/modules
poll_method epoll
sip_listen {address}:{port}
sip_verify_server no
sip_certificate {certificate}
call_local_timeout {rings}
call_max_calls 4
audio_player aufile,{folder}/unused.wav
audio_source aufile,{folder}/tone.wav
audio_alert aufile,{folder}/unused.wav
audio_srate 8000-48000
audio_channels 1-2
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 30000-30099
rtcp_mux no
jitter_buffer_delay 2-10
net_interface {address}
ctrl_tcp_listen 127.0.0.1:{control}
module g711.so
module g722.so
module opus.so
module aufile.so
module srtp.so
module sndfile.so
snd_path {folder}/recorded
module_app account.so
module_app menu.so
statmode_default off
module_app ctrl_tcp.so
"""


def version() -> str:
    """Return the name and version of the installed baresip."""
    done = subprocess.run(["baresip", "-h"], capture_output=True, text=True, check=False)
    found = re.search(r"baresip v(\S+)", done.stdout + done.stderr)
    assert found
    return f"baresip {found[1]}"


class Baresip:
    """One baresip in a namespace, with one account."""

    def __init__(
        self,
        space: Namespace,
        folder: Path,
        address: str,
        account: str,
        *,
        certificate: Path | str = "",
        hertz: int = 440,
        rings: int = 30,
    ) -> None:
        """Start it; `account` is a line of its file of accounts, `certificate` one with its key."""
        self.version = version()
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        (folder / "recorded").mkdir(parents=True)
        write_tone(folder / "tone.wav", hertz)
        config = CONFIG.format(
            address=address,
            port=5060,
            folder=folder,
            control=CONTROL,
            rings=rings,
            certificate=certificate,
        )
        (folder / "config").write_text(config)
        (folder / "accounts").write_text(account + "\n")
        self._log = (folder / "log").open("wb")
        self.process = space.popen(
            "baresip", "-4", "-f", str(folder), stdout=self._log, stderr=self._log
        )
        self._buffer = b""
        self._control = self._connect(space)

    def _connect(self, space: Namespace) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, self.said()
            try:
                return connection_in(space, "127.0.0.1", CONTROL)
            except (OSError, RuntimeError):
                assert time.monotonic() < end, self.said()

    def said(self) -> str:
        """Return its log."""
        return (self.folder / "log").read_text(errors="replace")

    # What every peer can do

    def wait_registered(self) -> None:
        end = time.monotonic() + PATIENCE
        while "[1 binding]" not in self.said():  # its event may be older than our connection
            assert time.monotonic() < end, self.said()
            self.command("reginfo")

    def dial(self, target: str) -> None:
        self.command("dial", target)

    def answer(self) -> None:
        self.command("accept")

    def refuse(self) -> None:
        """Refuse the call that rings: 486."""
        self.command("hangup")

    def hang_up(self) -> None:
        self.command("hangup")

    def hold(self) -> None:
        self.command("hold")

    def resume(self) -> None:
        self.command("resume")

    def transfer(self, target: str) -> None:
        self.command("transfer", target)

    def press(self, digits: str) -> None:
        for digit in digits:
            self.command("sndcode", digit)

    def wait_ringing(self) -> None:
        self.wait("CALL_INCOMING")

    def wait_talking(self) -> None:
        self.wait("CALL_ESTABLISHED")

    def wait_key(self, digit: str) -> None:
        self.wait("CALL_DTMF_START", param=digit)

    def wait_over(self) -> tuple[str, Path | None]:
        """Return why the call ended, and what it heard."""
        reason = str(self.wait("CALL_CLOSED").get("param", ""))
        self.command("listcalls")  # answered after the files of the call are closed
        recorded = sorted((self.folder / "recorded").glob("*-dec.wav"))
        return reason, recorded[-1] if recorded else None

    # How it is driven

    def command(self, name: str, params: str = "") -> str:
        """Give a command and return its answer."""
        message = json.dumps({"command": name, "params": params, "token": name}).encode()
        self._control.sendall(b"%d:%b," % (len(message), message))
        while True:
            told = self._next(time.monotonic() + PATIENCE)
            if told.get("response"):
                return str(told.get("data", ""))
            self.events.append(told)

    def wait(self, kind: str, **wanted: str) -> dict[str, Any]:
        """Return the next event of a kind that was not waited for before."""
        end = time.monotonic() + PATIENCE
        while True:
            for at, event in enumerate(self.events):
                fits = all(text in str(event.get(key)) for key, text in wanted.items())
                if event.get("type") == kind and fits:
                    del self.events[: at + 1]
                    return event
            self.events.append(self._next(end))

    def _next(self, end: float) -> dict[str, Any]:
        while True:
            head, colon, rest = self._buffer.partition(b":")
            if colon and len(rest) > int(head):
                self._buffer = rest[int(head) + 1 :]
                return dict(json.loads(rest[: int(head)]))
            assert time.monotonic() < end, f"{self.events}\n{self.said()}"
            self._control.settimeout(max(end - time.monotonic(), 0.01))
            try:
                data = self._control.recv(65536)
            except TimeoutError:
                continue
            assert data, self.said()
            self._buffer += data

    def stop(self) -> None:
        """End it."""
        self._control.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
        self._log.close()
