"""The activation protocol: a phone that nobody has provisioned asks where its profile is.

One POST by HTTPS, with the device certificate, of a JSON object: `{}`, or `{"code": DIGITS}`. The
answer is 200 with `{"profile_rule": RULE}`, or another status with `{"error": WORD, "message": …}`;
with 429 and 503 `Retry-After` says when to come again. Unknown members are passed over.
"""

import enum
import json
import re

from ringfence.errors import NetworkError, RemoteProtocolError

PATH = "/activation"
"""Where a server answers, and where a phone asks that was told no path."""
KIND = "application/json"
LARGEST_QUESTION, LARGEST_ANSWER = 256, 8192
"""Bytes."""
DIGITS, NUMBER = 16, 6
"""Digits of a code, and how many of them name it; the others are the secret."""


class Refusal(enum.Enum):
    """Why a phone gets no rule; the value is the word of the protocol."""

    MALFORMED = "malformed"
    NO_CERTIFICATE = "no-certificate"
    BLOCKED = "device-blocked"
    CODE_NEEDED = "code-needed"
    NO_RULE = "no-rule"
    CODE_WRONG = "code-wrong"
    CODE_USED = "code-used"
    CODE_EXPIRED = "code-expired"
    CODE_REVOKED = "code-revoked"
    CODE_FOREIGN = "code-foreign"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"

    @property
    def words(self) -> str:
        """Return it for people."""
        return _WORDS[self]

    @property
    def status(self) -> int:
        """Return the HTTP status that goes with it."""
        return _STATUSES.get(self, 403)


_STATUSES = {
    Refusal.MALFORMED: 400,
    Refusal.NO_RULE: 404,
    Refusal.TOO_MANY: 429,
    Refusal.UNAVAILABLE: 503,
}

_WORDS = {
    Refusal.MALFORMED: "the question cannot be read",
    Refusal.NO_CERTIFICATE: "the phone showed no device certificate of its own that counts",
    Refusal.BLOCKED: "the provider has blocked this phone",
    Refusal.CODE_NEEDED: "the provider does not know this phone: an activation code is needed",
    Refusal.NO_RULE: "the provider knows this phone, and has not said where its profile is",
    Refusal.CODE_WRONG: "the activation code is wrong",
    Refusal.CODE_USED: "the activation code was used already",
    Refusal.CODE_EXPIRED: "the activation code has expired",
    Refusal.CODE_REVOKED: "the activation code was taken back",
    Refusal.CODE_FOREIGN: "the activation code is another phone's",
    Refusal.TOO_MANY: "too many wrong activation codes; try again later",
    Refusal.UNAVAILABLE: "the activation server cannot answer now",
}


class RefusedError(NetworkError):
    """The activation server gave no rule."""

    def __init__(self, refusal: Refusal, wait: int = 0) -> None:
        when = f", in {-(-wait // 60)} minutes" if wait else ""
        super().__init__(refusal.words + when)
        self.refusal = refusal
        self.wait = wait
        """Seconds after which asking again may help; 0 for not said."""


def code(text: str) -> str:
    """Return the digits of a code as people write it, with blanks and hyphens.

    Raises:
        ValueError: it is none.

    """
    digits = re.sub(r"[\s-]", "", text[:64])
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", digits):
        raise ValueError(f"an activation code has {DIGITS} digits")
    return digits


def written(digits: str) -> str:
    """Return a code as people write it, in groups of four."""
    return "-".join(digits[at : at + 4] for at in range(0, DIGITS, 4))


def question(digits: str) -> bytes:
    """Return what a phone sends; empty `digits` for no code."""
    return json.dumps({"code": digits} if digits else {}).encode()


def read_question(body: bytes) -> str:
    """Return the digits of the code that a phone sent; empty for none.

    Raises:
        RefusedError: it is no question.

    """
    try:
        text = _object(body, LARGEST_QUESTION).get("code", "")
        return code(text) if isinstance(text, str) and text else _empty(text)
    except ValueError:
        raise RefusedError(Refusal.MALFORMED) from None


def answer(rule: str) -> bytes:
    """Return what a server sends that knows the rule."""
    return json.dumps({"profile_rule": rule}).encode()


def refused(refusal: Refusal) -> bytes:
    """Return what a server sends that does not."""
    return json.dumps({"error": refusal.value, "message": refusal.words}).encode()


def read_answer(status: int, body: bytes, retry_after: bytes = b"") -> str:
    """Return the profile rule of an answer, as the server wrote it.

    `retry_after` is the value of that header field.

    Raises:
        RefusedError: the server gave none, and said why.
        RemoteProtocolError: this is no answer of an activation server.

    """
    try:
        held = _object(body, LARGEST_ANSWER)
    except ValueError as error:
        said = f"HTTP status {status}, and no answer of an activation server: {error}"
        raise RemoteProtocolError(said) from None
    if status == 200 and isinstance(rule := held.get("profile_rule"), str):
        return rule
    try:
        seconds = int(retry_after) if re.fullmatch(rb"[0-9]{1,6}", retry_after) else 0
        raise RefusedError(Refusal(held.get("error")), seconds)
    except ValueError:
        said = f"HTTP status {status}, and neither a rule nor a known error"
        raise RemoteProtocolError(said) from None


def _object(body: bytes, largest: int) -> dict[str, object]:
    if len(body) > largest:
        raise ValueError(f"more than {largest} bytes")
    try:
        held = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(held, dict):
        raise ValueError("it is no object")
    return held


def _empty(text: object) -> str:
    if text:
        raise ValueError("a code is a text")
    return ""
