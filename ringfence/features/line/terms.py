"""What a line offers for the audio of its calls. Pure.

Source: phone-facts 1.6 (Audio Configuration), 5.4; chapter, media plane security.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from ringfence.config.catalog.ext import Ext
from ringfence.config.catalog.values import (
    AudioCodec,
    DtmfMethod,
    EncryptionMethod,
    SecureCallOption,
)
from ringfence.config.settings import Settings
from ringfence.protocols.rtp import keys
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.sip.grammar import escape_user
from ringfence.protocols.sip.negotiation import EVENTS, Security, Terms
from ringfence.protocols.sip.sdp import Codec

_OPUS_PARAMETERS = "maxplaybackrate=8000;sprop-maxcapturerate=8000"
"""The phone hears and plays no more. Source: RFC 7587 section 6.1."""

UNSPOKEN = frozenset({AudioCodec.G729A, AudioCodec.G722_2, AudioCodec.ILBC, AudioCodec.ISAC})
"""Codecs that no phone of ours has, whatever is installed."""

DTMF = {
    DtmfMethod.IN_BAND: Dtmf(events=False, tones=True),
    DtmfMethod.AVT: keys.EVENTS,
    DtmfMethod.INFO: Dtmf(events=False, info=True),
    DtmfMethod.AUTO: Dtmf(tones=True),
    DtmfMethod.IN_BAND_INFO: Dtmf(events=False, tones=True, info=True),
    DtmfMethod.AVT_INFO: Dtmf(info=True),
}
"""What the words of DTMF Tx Method mean."""

_AES_128 = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
_GCM = ("AEAD_AES_256_GCM", "AEAD_AES_128_GCM")


def terms(settings: Settings, n: int, extras: Sequence[str]) -> tuple[Terms, Terms]:
    """Return the terms of extension n, and those over TLS; each call fills in address and port.

    `extras` are the encodings that this phone can do beside G.711. Over TLS it is SRTP alone,
    whatever else is set.
    """
    ext = settings.ext[n - 1]
    method = ext.encryption_method
    codecs = _codecs(settings, ext, extras)
    made = Terms(
        user=escape_user(ext.user_id) or "-",
        address="",
        port=0,
        codecs=(*codecs, *_events(settings, codecs)),
        suites=_AES_128 + _GCM[::-1] if method is EncryptionMethod.AES_128 else _GCM + _AES_128,
        security=_security(settings, ext),
        ptime=round(settings.sip.rtp_packet_size * 1000),
        encrypts=settings.user.secure_call_setting,
    )
    return made, replace(made, security=Security.SECURE)


def _codecs(settings: Settings, ext: Ext, extras: Sequence[str]) -> tuple[Codec, ...]:
    """Return the codecs of an offer; one that is not preferred follows unless that is forbidden."""
    spoken = {
        AudioCodec.G711U: Codec("PCMU", 8000, 0),
        AudioCodec.G711A: Codec("PCMA", 8000, 8),
    }
    if ext.g722_enable and "G722" in extras:
        spoken[AudioCodec.G722] = Codec("G722", 8000, 9)
    if ext.opus_enable and "OPUS" in extras:
        payload = settings.sip.opus_dynamic_payload
        spoken[AudioCodec.OPUS] = Codec("opus", 48000, payload, 2, _OPUS_PARAMETERS)
    wanted = [ext.preferred_codec, ext.second_preferred_codec, ext.third_preferred_codec]
    chosen = [spoken[one] for one in dict.fromkeys(wanted) if one in spoken]
    if chosen and ext.use_pref_codec_only:
        return (chosen[0],)
    return (*chosen, *(codec for codec in spoken.values() if codec not in chosen))


def _events(settings: Settings, codecs: Sequence[Codec]) -> Iterator[Codec]:
    """Yield telephone events for each clock of the codecs. Source: RFC 4733 section 2.1."""
    payloads = {
        8000: settings.sip.avt_dynamic_payload,
        48000: settings.sip.avt_48khz_dynamic_payload,
    }
    for rate in dict.fromkeys(codec.rate for codec in codecs):
        yield Codec(EVENTS, rate, payloads[rate], 1, "0-15")


def _security(settings: Settings, ext: Ext) -> Security:
    """Return which media a call may have that is not set up over TLS."""
    option = ext.secure_call_option
    if option is SecureCallOption.REQUIRED:
        return Security.SECURE
    if option is SecureCallOption.STRICT or not settings.phone.secure_call_serv:
        return Security.CLEAR
    return Security.EITHER
