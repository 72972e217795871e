"""The sound card, for phones installed as `ringfence[sound]`: PortAudio by `sounddevice`.

The card has a clock of its own, so a little audio waits between it and the thread of the calls;
where the two drift apart the oldest of it is dropped.
"""

import logging
import threading
from typing import Any

from ringfence.errors import ComponentError, ConfigError

logger = logging.getLogger(__name__)

BLOCK = 0.02
"""Seconds that the card takes or gives at a time."""
CUSHION = 0.06
"""Seconds of audio that wait before any is played, again after each time that they ran out."""
LONGEST = 0.2
"""Most seconds of audio that wait."""


class Cushion:
    """Linear audio between two clocks."""

    def __init__(self, rate: int) -> None:
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._filling = True
        self._start, self._most = (2 * round(rate * one) for one in (CUSHION, LONGEST))

    def put(self, audio: bytes) -> None:
        """Add audio; what waits too long is dropped."""
        with self._lock:
            self._waiting += audio
            if len(self._waiting) > self._most:
                del self._waiting[: len(self._waiting) - self._start]

    def take(self, size: int) -> bytes:
        """Return so many bytes; silence while it fills up."""
        with self._lock:
            self._filling = len(self._waiting) < (self._start if self._filling else size)
            if self._filling:
                return bytes(size)
            audio = bytes(self._waiting[:size])
            del self._waiting[:size]
            return audio


class Card:
    """A stream of the card; it runs once the call has audio, and a card that fails is silent."""

    def __init__(self, kind: str, name: str, rate: int) -> None:
        """Open the card; an empty name is the one that the system prefers.

        Raises:
            ConfigError: what the extra needs is not installed.
            ComponentError: there is no such card, or it is taken.

        """
        library = _library()
        self._error = library.PortAudioError
        self._cushion = Cushion(rate)
        self._runs = False
        try:
            self._stream = getattr(library, kind)(
                rate,
                channels=1,
                dtype="int16",
                device=name or None,
                blocksize=round(rate * BLOCK),
                callback=self._pass_on,
            )
        except (library.PortAudioError, ValueError) as error:
            raise ComponentError(f"sound card {name}".strip(), str(error)) from error

    def _pass_on(self, audio: Any, frames: int, time: Any, status: Any) -> None:
        """Take or fill what the card brings; PortAudio's thread calls."""

    def _run(self) -> None:
        if self._runs:
            return
        self._runs = True
        try:
            self._stream.start()
        except self._error as error:
            logger.warning("audio.card_failed: %s", error)

    def close(self) -> None:
        """Give the card back."""
        self._stream.close()


class CardMicrophone(Card):
    """What the card hears."""

    def __init__(self, name: str, rate: int) -> None:
        super().__init__("RawInputStream", name, rate)

    def _pass_on(self, audio: Any, frames: int, time: Any, status: Any) -> None:
        self._cushion.put(bytes(audio))

    def read(self, samples: int) -> bytes:
        """Return linear samples."""
        self._run()
        return self._cushion.take(2 * samples)


class CardSpeaker(Card):
    """What the card plays."""

    def __init__(self, name: str, rate: int) -> None:
        super().__init__("RawOutputStream", name, rate)

    def _pass_on(self, audio: Any, frames: int, time: Any, status: Any) -> None:
        audio[:] = self._cushion.take(len(audio))

    def write(self, audio: bytes) -> None:
        """Play linear audio."""
        self._run()
        self._cushion.put(audio)


def _library() -> Any:
    try:
        import sounddevice  # type: ignore[import-untyped]
    except ImportError:
        remedy = "install ringfence[sound], or take null, tone: or wav:"
        raise ConfigError("sound card", "sounddevice is not installed", remedy) from None
    except OSError as error:
        remedy = "install libportaudio2, or take null, tone: or wav:"
        raise ConfigError("sound card", str(error), remedy) from error
    return sounddevice
