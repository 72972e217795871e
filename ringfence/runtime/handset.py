"""What all calls of the phone share: whether it hears, and how loud it is.

Muting is the phone's, not a call's: who takes another call while muted is not heard there either.
"""

import logging

from ringfence.errors import ComponentError, ConfigError
from ringfence.protocols.rtp.mix import LOUDEST, NORMAL, gain, scaled
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

FILE = "volume"


class Handset:
    """The microphone, which is on again after the last call, and the volume, which stays."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._volume: int | None = None
        self._factor = 1.0
        self.muted = False

    @property
    def volume(self) -> int:
        """Return how loud calls are played, from 0, which is silence, to `LOUDEST`."""
        if self._volume is None:
            self._turn(self._read())
        return self._volume or 0

    def turn(self, volume: int) -> None:
        """Set the volume; it survives a restart where the disk takes it.

        Raises:
            ConfigError: there is no such volume.

        """
        if not 0 <= volume <= LOUDEST:
            raise ConfigError("volume", f"{volume} is none", f"take 0 to {LOUDEST}")
        if volume == self.volume:
            return
        self._turn(volume)
        try:
            self._host.write(FILE, str(volume).encode(), durable=False)
        except ComponentError as error:
            logger.warning("handset.volume_not_kept: %s", error)

    def spoken(self, audio: bytes) -> bytes:
        """Return what is sent of what the microphone heard: silence while it is muted."""
        return bytes(len(audio)) if self.muted else audio

    def played(self, audio: bytes) -> bytes:
        """Return audio as loud as it is to be."""
        return scaled(audio, self._factor)

    def _turn(self, volume: int) -> None:
        self._volume = volume
        self._factor = gain(volume)

    def _read(self) -> int:
        """Return the volume that was kept; one that cannot be read is the normal one."""
        try:
            text = self._host.read(FILE, 8) if self._host.names(FILE) else b""
        except ComponentError:
            return NORMAL
        return min(int(text), LOUDEST) if text.isdigit() else NORMAL
