"""Offer and answer for one audio stream, with SDES keys and media plane security.

Source: RFC 3264; RFC 4568 section 5; RFC 3551; phone-facts 5.4 and 5.5.
"""

import base64
import binascii
import enum
import ipaddress
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.sdp import (
    DIRECTIONS,
    Codec,
    Crypto,
    Description,
    Media,
    build_description,
    read_description,
)

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
}
"""`{suite: bytes of master key and salt}`. Source: RFC 4568 section 6.2; RFC 7714 section 14.2."""

EVENTS = "telephone-event"
CLEAR, SECURE = "RTP/AVP", "RTP/SAVP"
PTIMES = (10, 130)
"""Milliseconds of audio in a packet of ours, whatever is wished for; those of RTP Packet Size."""
FRAMED, FRAME = ("g722", "opus"), 20
"""Codecs that we pack 20 ms at a time, whatever is wished for."""
LAST_PORT = 65534
"""RTCP needs the port after that of RTP."""


class Security(enum.Enum):
    """Which media a call may have. Source: phone-facts 5.4."""

    CLEAR = "RTP only"
    EITHER = "what the other side offers, RTP in our offers"
    SECURE = "SRTP only"


class Terms(Struct, frozen=True):
    """What one side of ours can do and wants."""

    user: str
    address: str
    port: int
    """Of RTP; RTCP has the next."""
    codecs: tuple[Codec, ...]
    """In the order of preference; `telephone-event` may be among them."""
    suites: tuple[str, ...] = tuple(SUITES)
    """In the order of preference."""
    security: Security = Security.EITHER
    mediasec: bool = False
    """Both sides agreed on media plane security: our offers ask for it (a=3ge2ae) and encrypt,
    and theirs must where they ask, whatever `security` says. Source: phone-facts 5.5."""
    ptime: int = 20
    encrypts: bool = False
    """Our offers are SRTP, where a call may be."""


class Keys(Struct, frozen=True):
    """Key material of one direction of SRTP."""

    suite: str
    material: bytes
    """Master key and salt."""

    def __repr__(self) -> str:
        """Leave out the key."""
        return f"Keys({self.suite})"


class Stream(Struct, frozen=True):
    """What both sides agreed on."""

    codec: Codec
    """With the payload type that we send."""
    receive_payload: int
    address: str
    port: int
    sends: bool
    receives: bool
    events: int | None
    """Payload type of telephone events that we send; None for none."""
    receive_events: int | None
    ptime: int
    protect: Keys | None = None
    """Keys of what we send; None for RTP in clear."""
    unprotect: Keys | None = None
    held: bool = False
    """We hold the other side."""
    held_there: bool = False
    """The other side holds us."""


class Negotiation:
    """Our side of the offers and answers of one call."""

    def __init__(self, terms: Terms, entropy: Callable[[int], bytes]) -> None:
        self.terms = terms
        self.stream: Stream | None = None
        """What was agreed on last."""
        self.held = False
        """We hold the other side: our next offer says so."""
        self._entropy = entropy
        self._session = int.from_bytes(entropy(6))
        self._version = 0
        self._offered: tuple[Crypto, ...] = ()
        self._keys: Crypto | None = None
        """Of what we send; kept while the suite stays."""

    @property
    def _encrypts(self) -> bool:
        return bool(self.stream and self.stream.protect)

    def offer(self) -> bytes:
        """Return an offer; it repeats our key, so that a re-INVITE cuts nothing."""
        wished = self.terms.encrypts and self.terms.security is Security.EITHER
        needed = self.terms.security is Security.SECURE or self.terms.mediasec or self._encrypts
        secure = needed or wished
        self._offered = self._cryptos() if secure else ()
        direction = "sendonly" if self.held else "sendrecv"
        return self._text((self._medium(self.terms.codecs, direction, self._offered),))

    def receive_answer(self, body: bytes) -> Stream:
        """Return what an answer to our offer agrees on.

        Raises:
            RemoteProtocolError: it is malformed, or agrees to what we did not offer (488).

        """
        media = _audio(read_description(body))
        offered = {crypto.tag: crypto for crypto in self._offered}
        protect = unprotect = None
        if self._offered:
            chosen = next((one for one in media.cryptos if one.tag in offered), None)
            if media.protocol != SECURE or chosen is None:
                raise RemoteProtocolError("the answer does not encrypt", 488)
            ours = offered[chosen.tag]
            if chosen.suite != ours.suite:
                raise RemoteProtocolError("the answer names another suite", 488)
            self._keys = ours
            protect, unprotect = _keys(ours), _keys(chosen)
        elif media.protocol != CLEAR:
            raise RemoteProtocolError("the answer encrypts what was offered in clear", 488)
        return self._agree(media, self.terms.codecs, protect, unprotect)

    def answer(self, body: bytes) -> bytes:
        """Return the answer to an offer, and agree on it.

        Raises:
            RemoteProtocolError: it is malformed (400), or nothing of it is acceptable (488).

        """
        described = read_description(body)
        media = _audio(described)
        protect, unprotect, cryptos = self._secure(media)
        stream = self._agree(media, media.codecs, protect, unprotect)
        own = next(one for one in self.terms.codecs if one.is_like(stream.codec))
        codecs = [replace(own, payload=stream.codec.payload)]
        codecs += [one for one in media.codecs if one.payload == stream.events]
        direction = _direction(sends=_hears(media), receives=stream.receives)
        made = self._medium(tuple(codecs), direction, cryptos, answers=media)
        others = [
            made if one is media else Media(one.kind, 0, one.protocol, one.formats[:1] or ("0",))
            for one in described.media
        ]
        return self._text(others)

    def _secure(self, media: Media) -> tuple[Keys | None, Keys | None, tuple[Crypto, ...]]:
        """Return the keys of both directions, and the crypto lines of the answer.

        A call that is encrypted stays so: no later offer takes that away.
        """
        agreed = self._encrypts or (self.terms.mediasec and bool(media.protection))
        if media.protocol == CLEAR:
            if self.terms.security is Security.SECURE or agreed:
                raise RemoteProtocolError("SRTP is required", 488)
            return None, None, ()
        if media.protocol != SECURE or (self.terms.security is Security.CLEAR and not agreed):
            raise RemoteProtocolError(f"{media.protocol} is not acceptable", 488)
        usable = [one for one in media.cryptos if _usable(one) and one.suite in self.terms.suites]
        if not usable:
            raise RemoteProtocolError("no crypto line is usable", 488)
        theirs = usable[0]
        if self._keys is None or self._keys.suite != theirs.suite:
            self._keys = self._crypto(theirs.tag, theirs.suite)
        ours = Crypto(theirs.tag, theirs.suite, self._keys.key)
        return _keys(ours), _keys(theirs), (ours,)

    def _agree(
        self,
        media: Media,
        received: Sequence[Codec],
        protect: Keys | None,
        unprotect: Keys | None,
    ) -> Stream:
        """Note what both have in common; we receive under the numbers of `received`."""
        address = self._address(media)
        codec = self._common(media)
        events = _number(media.codecs, codec.rate)
        if _number(self.terms.codecs, codec.rate) is None:
            events = None
        self.stream = Stream(
            codec=codec,
            receive_payload=next(one.payload for one in received if one.is_like(codec)),
            address=address,
            port=media.port,
            sends=_hears(media) and not self.held,
            receives=media.direction in ("sendrecv", "sendonly") and not self.held,
            events=events,
            receive_events=_number(received, codec.rate) if events is not None else None,
            ptime=self._ptime(codec, media),
            protect=protect,
            unprotect=unprotect,
            held=self.held,
            held_there=not _hears(media),
        )
        return self.stream

    def _ptime(self, codec: Codec, media: Media) -> int:
        if codec.name.lower() in FRAMED:
            return FRAME
        return min(max(media.ptime or self.terms.ptime, PTIMES[0]), PTIMES[1])

    def _address(self, media: Media) -> str:
        """Return where packets go, in its one spelling: those that come are known by it.

        A name is refused: it would have to be looked up, past every policy.

        Raises:
            RemoteProtocolError: they cannot (488).

        """
        try:
            place = ipaddress.ip_address(media.address)
        except ValueError:
            raise RemoteProtocolError("the audio's address is not numeric", 488) from None
        if place.version != (6 if ":" in self.terms.address else 4):
            raise RemoteProtocolError("the audio's address is of another family", 488)
        if place.is_multicast or media.port > LAST_PORT:
            raise RemoteProtocolError("the audio's address or port is not usable", 488)
        return str(place)

    def _common(self, media: Media) -> Codec:
        """Return the first codec of ours that the other side has, under its number."""
        for ours in self.terms.codecs:
            for theirs in media.codecs:
                if ours.name != EVENTS and ours.is_like(theirs):
                    return theirs
        raise RemoteProtocolError("no common codec", 488)

    def _cryptos(self) -> tuple[Crypto, ...]:
        held = self._keys
        return tuple(
            Crypto(tag, suite, held.key)
            if held and held.suite == suite
            else self._crypto(tag, suite)
            for tag, suite in enumerate(self.terms.suites, start=1)
        )

    def _crypto(self, tag: int, suite: str) -> Crypto:
        return Crypto(tag, suite, base64.b64encode(self._entropy(SUITES[suite])).decode())

    def _medium(
        self,
        codecs: Sequence[Codec],
        direction: str,
        cryptos: tuple[Crypto, ...],
        answers: Media | None = None,
    ) -> Media:
        protection = ""
        if self.terms.mediasec and cryptos and (answers is None or answers.protection):
            protection = "applied" if answers else "requested"
        return Media(
            "audio",
            self.terms.port,
            SECURE if cryptos else CLEAR,
            tuple(str(codec.payload) for codec in codecs),
            tuple(codecs),
            self.terms.address,
            direction,
            cryptos,
            self.terms.ptime,
            protection,
        )

    def _text(self, media: Sequence[Media]) -> bytes:
        self._version += 1
        made = Description(self._session, self._version, self.terms.address, tuple(media))
        return build_description(self.terms.user, made)


def _audio(described: Description) -> Media:
    """Return the first audio medium that is not switched off."""
    found = next((one for one in described.media if one.kind == "audio" and one.port), None)
    if found is None or not found.address:
        raise RemoteProtocolError("no audio", 488)
    return found


def _usable(crypto: Crypto) -> bool:
    """Return whether we know the suite, the key has its length, and nothing else is asked for."""
    if crypto.suite not in SUITES or crypto.parameters or ":" in crypto.lifetime:
        return False
    try:
        return len(base64.b64decode(crypto.key, validate=True)) == SUITES[crypto.suite]
    except binascii.Error:
        return False


def _keys(crypto: Crypto) -> Keys:
    if not _usable(crypto):
        raise RemoteProtocolError("the crypto line is not usable", 488)
    return Keys(crypto.suite, base64.b64decode(crypto.key))


def _number(codecs: Sequence[Codec], rate: int) -> int | None:
    """Return the payload type of telephone events that count time as a codec does."""
    fits = (one for one in codecs if one.name.lower() == EVENTS and one.rate == rate)
    return next((one.payload for one in fits), None)


def _hears(media: Media) -> bool:
    """Return whether the other side takes audio; 0.0.0.0 is hold as RFC 2543 had it."""
    silent = media.address in ("0.0.0.0", "::")  # noqa: S104 - nothing is bound there
    return media.direction in ("sendrecv", "recvonly") and not silent


def _direction(*, sends: bool, receives: bool) -> str:
    return DIRECTIONS[(0 if receives else 1) if sends else (2 if receives else 3)]
