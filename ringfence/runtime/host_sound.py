"""What the phone hears and plays: tones, WAV files, nothing.

A device is named by a word: `null`, `tone:HERTZ` or `wav:FILE` for the microphone, `null` or
`wav:FOLDER` for the speaker, which records every call there. Linear audio is signed 16-bit,
little-endian, mono.
"""

import math
import struct
import wave
from pathlib import Path
from typing import Protocol

from ringfence.errors import ComponentError, ConfigError

LOUDNESS = 8000
"""Amplitude of a tone, about -12 dBov."""


class Microphone(Protocol):
    """Where the audio of a call comes from."""

    def read(self, samples: int) -> bytes:
        """Return so many linear samples."""
        ...


class Speaker(Protocol):
    """Where the audio of a call goes."""

    def write(self, audio: bytes) -> None:
        """Take linear audio."""

    def close(self) -> None:
        """Finish what is written."""


class Silence:
    """Hears nothing and plays nothing."""

    def read(self, samples: int) -> bytes:
        """Return silence."""
        return bytes(2 * samples)

    def write(self, audio: bytes) -> None:
        """Drop audio."""

    def close(self) -> None:
        """Do nothing."""


class Tone:
    """A sine without end."""

    def __init__(self, hertz: int, rate: int) -> None:
        # One second holds whole periods of any whole frequency, so it repeats without a click.
        wave_form = (
            round(LOUDNESS * math.sin(2 * math.pi * hertz * at / rate)) for at in range(rate)
        )
        self._second = struct.pack(f"<{rate}h", *wave_form)
        self._at = 0

    def read(self, samples: int) -> bytes:
        """Return the next samples."""
        start, end = self._at, self._at + 2 * samples
        audio = (self._second + self._second[: max(end - len(self._second), 0)])[start:end]
        self._at = end % len(self._second)
        return audio


class Player:
    """A WAV file, over and over."""

    def __init__(self, path: Path, rate: int) -> None:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if form != (1, 2, rate):
                raise wave.Error(f"not mono, 16 bit, {rate} Hz")
            self._audio = file.readframes(file.getnframes())
        if not self._audio:
            raise wave.Error("no audio in it")
        self._at = 0

    def read(self, samples: int) -> bytes:
        """Return the next samples."""
        audio = b""
        while len(audio) < 2 * samples:
            part = self._audio[self._at : self._at + 2 * samples - len(audio)]
            self._at = (self._at + len(part)) % len(self._audio)
            audio += part
        return audio


class Recorder:
    """A WAV file that grows with the call."""

    def __init__(self, path: Path, rate: int) -> None:
        self._file = wave.open(str(path), "wb")  # noqa: SIM115 - open as long as the call
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def write(self, audio: bytes) -> None:
        """Append audio."""
        self._file.writeframesraw(audio)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def open_microphone(word: str, rate: int) -> Microphone:
    """Return the microphone that a word names.

    Raises:
        ConfigError: the word names none.
        ComponentError: its file cannot be played.

    """
    kind, _, rest = word.partition(":")
    if kind == "null" and not rest:
        return Silence()
    if kind == "tone" and rest.isdigit() and 0 < int(rest) < rate / 2:
        return Tone(int(rest), rate)
    if kind == "wav" and rest:
        try:
            return Player(Path(rest), rate)
        except (OSError, EOFError, wave.Error) as error:
            raise ComponentError(f"file {rest}", str(error)) from error
    raise ConfigError("microphone", f"{word[:80]!r} is none", "null, tone:HERTZ or wav:FILE")


def open_speaker(word: str, rate: int, call: str) -> Speaker:
    """Return the speaker that a word names; `call` names the recording.

    Raises:
        ConfigError: the word names none.
        ComponentError: the recording cannot be written.

    """
    kind, _, rest = word.partition(":")
    if kind == "null" and not rest:
        return Silence()
    if kind == "wav" and rest:
        try:
            return Recorder(Path(rest) / f"{call}.wav", rate)
        except OSError as error:
            raise ComponentError(f"folder {rest}", error.strerror or "") from error
    raise ConfigError("speaker", f"{word[:80]!r} is none", "null or wav:FOLDER")
