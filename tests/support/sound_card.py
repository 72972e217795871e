"""A sound card of ALSA's own making: what it hears and plays goes through two named pipes."""

import contextlib
import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Self

from tests.support.tones import tone, write_audio

STEP = 0.02
HEARD, PLAYED = 320, 1920
"""Bytes of one step. A pipe makes room a page at a time, so the card plays 48000 samples a second,
as most do: a page is short then."""
DEVICES = """\
pcm.ringfence_in {{ type file slave.pcm ringfence_none file /dev/null infile {heard} format raw }}
pcm.ringfence_out {{
  type plug
  slave {{ pcm ringfence_pipe rate 48000 channels 1 format S16_LE }}
}}
pcm.ringfence_pipe {{ type file slave.pcm ringfence_none file {played} format raw }}
pcm.ringfence_none {{ type null }}
"""


class SoundCard:
    """A card that hears a tone; both pipes move at the pace of a card, which keeps ALSA to it."""

    microphone, speaker = "card:ringfence_in", "card:ringfence_out"

    def __init__(self, folder: Path, hertz: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._audio = tone(hertz, 1)
        self._played = bytearray()
        self._stop = threading.Event()
        heard, played = folder / "heard", folder / "played"
        self._pipes = [self._pipe(heard), self._pipe(played)]
        devices = folder / "asound.conf"
        devices.write_text(DEVICES.format(heard=heard, played=played))
        self.alsa = f"/usr/share/alsa/alsa.conf:{devices}"
        """For `ALSA_CONFIG_PATH`."""
        import sounddevice  # type: ignore[import-untyped]

        self.version = sounddevice.get_portaudio_version()[1].split(",")[0]
        self._thread = threading.Thread(target=self._turn, daemon=True)

    @staticmethod
    def _pipe(path: Path) -> int:
        os.mkfifo(path)
        end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
        return end

    def _turn(self) -> None:
        heard, played = self._pipes
        at, due = 0, time.monotonic()
        while not self._stop.wait(max(due - time.monotonic(), 0)):
            due += STEP
            with contextlib.suppress(BlockingIOError):  # nobody listens
                at += os.write(heard, (self._audio + self._audio)[at : at + HEARD])
                at %= len(self._audio)
            with contextlib.suppress(BlockingIOError):  # nobody plays
                self._played += os.read(played, PLAYED)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for end in self._pipes:
            os.close(end)

    def played(self) -> Path:
        """Return what was played so far."""
        return write_audio(self._folder / "played.wav", bytes(self._played), 48000)
