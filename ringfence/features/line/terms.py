"""What a line offers for the audio of its calls. Pure.

Source: phone-facts 1.6 (Audio Configuration), 5.4; chapter, media plane security.
"""

from ringfence.config.catalog.ext import Ext
from ringfence.config.catalog.values import AudioCodec, EncryptionMethod, SecureCallOption
from ringfence.config.settings import Settings
from ringfence.protocols.sip.negotiation import EVENTS, Security, Terms
from ringfence.protocols.sip.sdp import Codec

_SPOKEN = {
    AudioCodec.G711U: Codec("PCMU", 8000, 0),
    AudioCodec.G711A: Codec("PCMA", 8000, 8),
}
"""Codecs that the phone can do, in the order of an offer without preferences."""

_AES_128 = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
_GCM = ("AEAD_AES_256_GCM", "AEAD_AES_128_GCM")


def terms(settings: Settings, n: int, transport: str, address: str) -> Terms:
    """Return the terms of extension n over a transport; the port is filled in by each call."""
    ext = settings.ext[n - 1]
    method = ext.encryption_method
    return Terms(
        user=ext.user_id or "-",
        address=address,
        port=0,
        codecs=(*_codecs(ext), Codec(EVENTS, 8000, settings.sip.avt_dynamic_payload, 1, "0-15")),
        suites=_AES_128 + _GCM[::-1] if method is EncryptionMethod.AES_128 else _GCM + _AES_128,
        security=_security(settings, ext, transport),
        ptime=round(settings.sip.rtp_packet_size * 1000),
    )


def _codecs(ext: Ext) -> tuple[Codec, ...]:
    """Return the codecs of an offer; one that is not preferred follows unless that is forbidden."""
    wanted = [ext.preferred_codec, ext.second_preferred_codec, ext.third_preferred_codec]
    chosen = [_SPOKEN[one] for one in dict.fromkeys(wanted) if one in _SPOKEN]
    if chosen and ext.use_pref_codec_only:
        return (chosen[0],)
    return (*chosen, *(codec for codec in _SPOKEN.values() if codec not in chosen))


def _security(settings: Settings, ext: Ext, transport: str) -> Security:
    """Return which media a call may have. Over TLS it is SRTP alone, whatever else is set."""
    option = ext.secure_call_option
    if transport == "TLS" or option is SecureCallOption.REQUIRED:
        return Security.SECURE
    if option is SecureCallOption.STRICT or not settings.phone.secure_call_serv:
        return Security.CLEAR
    return Security.EITHER
