"""G.722 and Opus by FFmpeg, for phones installed as `ringfence[codecs]`.

The phone's linear audio has 8000 samples a second whatever a codec could carry: these two make
calls with others possible, not wider. Source: RFC 3551 section 4.5.2; RFC 7587.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

from ringfence.protocols.rtp.g711 import RATE
from ringfence.protocols.rtp.session import CODINGS, Coding

if TYPE_CHECKING:
    from av import AudioCodecContext, AudioFrame, AudioResampler


class Extra(NamedTuple):
    """How FFmpeg does a codec."""

    name: Literal["g722", "libopus"]
    inside: int
    """Samples a second that its encoder takes."""
    outside: int
    """Samples a second that its decoder gives."""
    clock: int
    """Ticks a second of its timestamps."""
    bits: int
    """Bits a second."""
    options: tuple[tuple[str, str], ...] = ()


EXTRAS = {
    "G722": Extra("g722", 16000, 16000, 8000, 64000),
    "OPUS": Extra("libopus", RATE, 48000, 48000, 24000, (("application", "voip"),)),
}


def load_codecs() -> None:
    """Import what they need, which takes longer than a packet time."""
    import av  # noqa: F401 - only phones that have it pay for it


def coding(name: str) -> Coding:
    """Return the functions of an encoding for one call; the extras remember what went before."""
    if name in CODINGS:
        return CODINGS[name]
    made = Transcoder(EXTRAS[name])
    return Coding(made.encode, made.decode, EXTRAS[name].clock)


class Transcoder:
    """An encoder and a decoder, and what brings their audio to our rate and back."""

    def __init__(self, extra: Extra) -> None:
        import av

        self._av = av
        self._encoder = self._context(extra, "w", extra.inside)
        self._encoder.bit_rate, self._encoder.options = extra.bits, dict(extra.options)
        self._decoder = self._context(extra, "r", extra.outside)
        self._up = av.AudioResampler("s16", "mono", extra.inside)
        self._down = av.AudioResampler("s16", "mono", RATE)

    def _context(self, extra: Extra, mode: Literal["r", "w"], rate: int) -> "AudioCodecContext":
        made = self._av.CodecContext.create(extra.name, mode)
        made.sample_rate, made.layout, made.format = rate, "mono", "s16"
        return made

    def encode(self, audio: bytes) -> bytes:
        """Return the payload of 20 ms of linear audio."""
        frame = self._frame(audio, RATE)
        rate = self._encoder.sample_rate
        wide = self._frame(self._resampled(self._up, frame, rate), rate)
        return b"".join(bytes(packet) for packet in self._encoder.encode(wide))

    def decode(self, payload: bytes) -> bytes:
        """Return linear audio; none for a payload that is malformed."""
        if not payload:  # FFmpeg would take it for the end
            return b""
        try:
            frames = self._decoder.decode(self._av.Packet(payload))
            return b"".join(self._resampled(self._down, frame, RATE) for frame in frames)
        except (self._av.FFmpegError, ValueError):
            return b""

    def _frame(self, audio: bytes, rate: int) -> "AudioFrame":
        made = self._av.AudioFrame("s16", "mono", len(audio) // 2)
        made.sample_rate = rate
        made.planes[0].update(audio.ljust(made.planes[0].buffer_size, b"\0"))
        return made

    @staticmethod
    def _resampled(resampler: "AudioResampler", frame: "AudioFrame", rate: int) -> bytes:
        """Return a frame at another rate, as long as it was.

        The first one is short of what the filter holds back; silence stands in front of it.
        """
        frame.pts = None
        parts = resampler.resample(frame)
        audio = b"".join(bytes(one.planes[0])[: 2 * one.samples] for one in parts)
        return audio.rjust(2 * frame.samples * rate // frame.sample_rate, b"\0")
