"""Session descriptions: text to values and back, with a cap on everything.

Source: RFC 8866; RFC 4568 (crypto); 3GPP TS 24.229 (3ge2ae).
"""

from collections.abc import Iterable

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern

SIZE_LIMIT = 16384
"""Longest description in bytes."""
LINE_LIMIT = 512
MEDIA_LIMIT = 16
FORMAT_LIMIT = 64
"""Most payload types of one medium."""
CRYPTO_LIMIT = 16

_LINE = pattern(r"([a-z])=(.*)")
_MEDIA = pattern(
    r"([a-z]{1,20}) ([0-9]{1,5})(?:/([0-9]{1,3}))? ([A-Za-z0-9/]{1,32})((?: [!-~]{1,32})*)"
)
_CONNECTION = pattern(r"IN IP([46]) ([0-9A-Za-z:.\-]{1,255})(?:/[0-9/]{1,7})?")
_RTPMAP = pattern(r"([0-9]{1,3}) ([A-Za-z0-9.\-]{1,32})/([0-9]{1,6})(?:/([0-9]{1,2}))?")
_FMTP = pattern(r"([0-9]{1,3}) (.{1,512})")
_CRYPTO = pattern(
    r"([0-9]{1,9}) ([A-Za-z0-9_]{1,40}) inline:([A-Za-z0-9+/=]{1,128})(\|[^ ;]{0,64})?"
    r"((?: [^ ]{1,64})*)"
)
_PTIME = pattern(r"[0-9]{1,4}")
_ORIGIN = pattern(r"[^ ]{1,64} ([0-9]{1,20}) ([0-9]{1,20}) IN IP[46] [^ ]{1,255}")

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000), 18: ("G729", 8000)}
"""Payload types that need no rtpmap. Source: RFC 3551 table 4."""


class Codec(Struct, frozen=True):
    """An encoding and the payload type that stands for it."""

    name: str
    rate: int
    payload: int
    channels: int = 1
    parameters: str = ""
    """Of fmtp."""

    def is_like(self, other: "Codec") -> bool:
        """Return whether both are the same encoding, whatever their payload types."""
        ours = (self.name.lower(), self.rate, self.channels)
        return ours == (other.name.lower(), other.rate, other.channels)


class Crypto(Struct, frozen=True):
    """One way to encrypt, with the sender's key. Source: RFC 4568 section 4."""

    tag: int
    suite: str
    key: str
    """Master key and salt in base64."""
    lifetime: str = ""
    parameters: tuple[str, ...] = ()
    """Session parameters; one that is not known makes the line unusable."""

    def __repr__(self) -> str:
        """Leave out the key."""
        return f"Crypto({self.tag}, {self.suite})"


class Media(Struct, frozen=True):
    """One medium."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    """As written; `codecs` are those of RTP."""
    codecs: tuple[Codec, ...] = ()
    address: str = ""
    direction: str = "sendrecv"
    cryptos: tuple[Crypto, ...] = ()
    ptime: int = 0
    """Milliseconds; 0 where nothing is said."""
    protection: str = ""
    """Value of 3ge2ae, `requested` or `applied`."""


class Description(Struct, frozen=True):
    """A whole session description."""

    session: int
    version: int
    address: str
    media: tuple[Media, ...]


def read_description(body: bytes) -> Description:
    """Return the description in a body.

    Raises:
        RemoteProtocolError: it is malformed or beyond a limit (400).

    """
    if len(body) > SIZE_LIMIT:
        raise RemoteProtocolError("session description too long")
    lines = body.decode(errors="replace").replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > LINE_LIMIT or lines[0].strip() != "v=0":
        raise RemoteProtocolError("not a session description")
    sections: list[list[tuple[str, str]]] = [[]]
    for line in lines:
        if not (found := _LINE.fullmatch(line.rstrip())):
            raise RemoteProtocolError("malformed line in the session description")
        if found[1] == "m":
            sections.append([])
        sections[-1].append((found[1], found[2]))
    if len(sections) > MEDIA_LIMIT + 1:
        raise RemoteProtocolError("too many media")
    return _description(sections[0], sections[1:])


def _description(head: list[tuple[str, str]], sections: list[list[tuple[str, str]]]) -> Description:
    origin = _ORIGIN.fullmatch(next((text for kind, text in head if kind == "o"), ""))
    if not origin:
        raise RemoteProtocolError("malformed origin in the session description")
    address = _address(head)
    direction = _direction(head, "sendrecv")
    media = tuple(_media(lines, address, direction) for lines in sections)
    return Description(int(origin[1]), int(origin[2]), address, media)


def _media(lines: list[tuple[str, str]], address: str, direction: str) -> Media:
    found = _MEDIA.fullmatch(lines[0][1])
    if not found or int(found[2]) > 65535:
        raise RemoteProtocolError("malformed medium")
    formats = tuple(found[5].split())
    if len(formats) > FORMAT_LIMIT:
        raise RemoteProtocolError("too many formats")
    attributes = [text.partition(":") for kind, text in lines if kind == "a"]
    values = [(name.strip().lower(), text.strip()) for name, _, text in attributes]
    ptimes = (text for name, text in values if name == "ptime" and _PTIME.fullmatch(text))
    return Media(
        found[1],
        int(found[2]),
        found[4].upper(),
        formats,
        _codecs(formats, values) if found[4].upper().startswith("RTP/") else (),
        _address(lines) or address,
        _direction(lines, direction),
        _cryptos(values),
        int(next(ptimes, "0")),
        next((text.lower() for name, text in values if name == "3ge2ae"), ""),
    )


def _codecs(formats: Iterable[str], values: list[tuple[str, str]]) -> tuple[Codec, ...]:
    maps = [found for name, text in values if name == "rtpmap" and (found := _RTPMAP.match(text))]
    parameters = {
        int(found[1]): found[2]
        for name, text in values
        if name == "fmtp" and (found := _FMTP.fullmatch(text))
    }
    named = {int(found[1]): (found[2], int(found[3]), int(found[4] or 1)) for found in maps}
    codecs = []
    for text in formats:
        if not text.isdigit() or int(text) > 127:
            raise RemoteProtocolError("malformed payload type")
        payload = int(text)
        name, rate, channels = named.get(payload) or (*_STATIC.get(payload, ("", 0)), 1)
        if name:
            codecs.append(Codec(name, rate, payload, channels, parameters.get(payload, "")))
    return tuple(codecs)


def _cryptos(values: list[tuple[str, str]]) -> tuple[Crypto, ...]:
    texts = [text for name, text in values if name == "crypto"]
    if len(texts) > CRYPTO_LIMIT:
        raise RemoteProtocolError("too many crypto lines")
    return tuple(
        Crypto(int(found[1]), found[2], found[3], found[4] or "", tuple(found[5].split()))
        for text in texts
        if (found := _CRYPTO.fullmatch(text))
    )


def _address(lines: list[tuple[str, str]]) -> str:
    text = next((text for kind, text in lines if kind == "c"), "")
    if not text:
        return ""
    if not (found := _CONNECTION.fullmatch(text)):
        raise RemoteProtocolError("malformed connection address")
    return found[2]


def _direction(lines: list[tuple[str, str]], otherwise: str) -> str:
    return next((text for kind, text in lines if kind == "a" and text in DIRECTIONS), otherwise)


def build_description(user: str, made: Description) -> bytes:
    """Return the text of a description of ours; keys come in clear, so mind where it goes."""
    family = "IP6" if ":" in made.address else "IP4"
    lines = [
        "v=0",
        f"o={user} {made.session} {made.version} IN {family} {made.address}",
        "s=-",
        f"c=IN {family} {made.address}",
        "t=0 0",
    ]
    for media in made.media:
        lines += _medium(media)
    return ("\r\n".join(lines) + "\r\n").encode()


def _medium(media: Media) -> Iterable[str]:
    yield f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}"
    if not media.port:
        return
    for codec in media.codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        yield f"a=rtpmap:{codec.payload} {codec.name}/{codec.rate}{channels}"
        if codec.parameters:
            yield f"a=fmtp:{codec.payload} {codec.parameters}"
    if media.ptime:
        yield f"a=ptime:{media.ptime}"
    if media.protection:
        yield f"a=3ge2ae:{media.protection}"
    for crypto in media.cryptos:
        yield f"a=crypto:{crypto.tag} {crypto.suite} inline:{crypto.key}{crypto.lifetime}"
    yield f"a={media.direction}"
