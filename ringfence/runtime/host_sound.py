"""What the phone hears and plays: tones, WAV files, a sound card, nothing.

A device is named by a word: `null`, `tone:HERTZ`, `wav:FILE`, `card` or `card:NAME` for the
microphone; `null`, `wav:FOLDER`, which records every call there, `card` or `card:NAME` for the
speaker. Linear audio is signed 16-bit, little-endian, mono.
"""

import logging
import math
import os
import struct
import wave
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.runtime.state import Sound

logger = logging.getLogger(__name__)

LOUDNESS = 8000
"""Amplitude of a tone, about -12 dBov."""
LONGEST = 600
"""Most seconds of a file that is played."""


class Microphone(Protocol):
    """Where the audio of a call comes from."""

    def read(self, samples: int) -> bytes:
        """Return so many linear samples."""
        ...

    def close(self) -> None:
        """Give back what it holds."""


class Speaker(Protocol):
    """Where the audio of a call goes."""

    def write(self, audio: bytes) -> None:
        """Take linear audio."""

    def close(self) -> None:
        """Finish what is written."""


class Devices(Struct):
    """What one call hears and plays."""

    microphone: Microphone
    speaker: Speaker


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

    def close(self) -> None:
        """Do nothing."""


class Player:
    """A WAV file, over and over."""

    def __init__(self, path: Path, rate: int) -> None:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if form != (1, 2, rate):
                raise wave.Error(f"not mono, 16 bit, {rate} Hz")
            if file.getnframes() > LONGEST * rate:
                raise wave.Error(f"longer than {LONGEST} s")
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

    def close(self) -> None:
        """Do nothing."""


class Recorder:
    """A WAV file that grows with the call; a second at a time, so that a crash costs no more."""

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._file = path.open("xb")
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - open as long as the call
        self._wave.setnchannels(1)
        self._wave.setsampwidth(2)
        self._wave.setframerate(rate)
        self._second = 2 * rate
        self._waiting = bytearray()
        self._broken = False

    def write(self, audio: bytes) -> None:
        """Append audio; a disk that refuses ends the recording, not the call."""
        self._waiting += audio
        if len(self._waiting) >= self._second:
            self._save()

    def close(self) -> None:
        """Finish the file."""
        self._save()
        for part in (self._wave, self._file):
            try:
                part.close()
            except OSError as error:
                self._fail(error)
        if not self._broken:
            logger.info("audio.recorded: %s", self._path)

    def _save(self) -> None:
        audio, self._waiting = bytes(self._waiting), bytearray()
        if self._broken:
            return
        try:
            self._wave.writeframes(audio)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self._broken:
            logger.warning("audio.recording_ended: %s: %s", self._path, error.strerror)
        self._broken = True


def check_devices(sound: Sound, rate: int) -> None:
    """See that every call will have its devices.

    Raises:
        ConfigError: a word names no device.
        ComponentError: a file cannot be played, or a folder cannot be written.

    """
    open_microphone(sound.microphone, rate).close()
    if _is_card(sound.speaker):
        open_speaker(sound.speaker, rate, "").close()
        return
    folder = _folder(sound.speaker)
    if folder and not folder.is_dir():
        raise ComponentError(f"folder {folder}", "is not there")
    if folder and not os.access(folder, os.W_OK | os.X_OK):
        raise ComponentError(f"folder {folder}", "may not be written")


def open_devices(sound: Sound, rate: int, call: str) -> Devices:
    """Return the devices of a call; `call` names the recording.

    Raises:
        ConfigError: a word names no device.
        ComponentError: a file cannot be played, or the recording cannot be written.

    """
    microphone = open_microphone(sound.microphone, rate)
    try:
        return Devices(microphone, open_speaker(sound.speaker, rate, call))
    except (ConfigError, ComponentError):
        microphone.close()
        raise


def open_microphone(word: str, rate: int) -> Microphone:
    """Return the microphone that a word names.

    Raises:
        ConfigError: the word names none.
        ComponentError: its file cannot be played.

    """
    kind, _, rest = word.partition(":")
    if word == "null":
        return Silence()
    if kind == "tone" and rest.isdecimal() and len(rest) < 6 and 0 < int(rest) < rate / 2:
        return Tone(int(rest), rate)
    if kind == "wav" and rest:
        try:
            return Player(Path(rest), rate)
        except (OSError, EOFError, wave.Error) as error:
            raise ComponentError(f"file {rest}", str(error)) from error
    if _is_card(word):
        from ringfence.runtime.host_sound_card import CardMicrophone  # an extra

        return CardMicrophone(rest, rate)
    raise ConfigError("microphone", f"{word[:80]!r} is none", "null, tone:HERTZ, wav:FILE or card")


def open_speaker(word: str, rate: int, call: str) -> Speaker:
    """Return the speaker that a word names; `call` names the recording.

    Raises:
        ConfigError: the word names none.
        ComponentError: the recording cannot be written.

    """
    if _is_card(word):
        from ringfence.runtime.host_sound_card import CardSpeaker  # an extra

        return CardSpeaker(word.partition(":")[2], rate)
    folder = _folder(word)
    if folder is None:
        return Silence()
    path = folder / f"{call}.wav"
    number = 1
    while path.exists():  # two calls of one second
        number += 1
        path = folder / f"{call}-{number}.wav"
    try:
        return Recorder(path, rate)
    except OSError as error:
        raise ComponentError(f"folder {folder}", error.strerror or "") from error


def _is_card(word: str) -> bool:
    return word.partition(":")[0] == "card"


def _folder(word: str) -> Path | None:
    """Return the folder that a speaker records to; None for `null`."""
    kind, _, rest = word.partition(":")
    if kind == "wav" and rest:
        return Path(rest)
    if word != "null":
        raise ConfigError("speaker", f"{word[:80]!r} is none", "null, wav:FOLDER or card")
    return None
