"""What the screen says of calls: with whom, how they go, and in plain words why they ended."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ringfence.config.settings import Settings
from ringfence.messages import Message, _
from ringfence.surfaces.screen.menu import CallShown

_REASONS: Mapping[int, Message] = {
    401: _("the provider refuses the password"),
    403: _("not allowed"),
    404: _("nobody has this number"),
    407: _("the provider refuses the password"),
    408: _("no answer"),
    410: _("the number is out of service"),
    415: _("no audio that both sides have"),
    480: _("cannot be reached now"),
    484: _("the number is incomplete"),
    486: _("busy"),
    487: _("cancelled"),
    488: _("no audio that both sides have"),
    503: _("the provider cannot connect calls now"),
    600: _("busy"),
    603: _("declined"),
    604: _("nobody has this number"),
    606: _("no audio that both sides have"),
}
"""Why a call ended, by status. Source: RFC 3261 section 21."""
_ENDED: Mapping[str, Message] = {
    "200 hung up": _("call ended"),
    "200 hung up by the other side": _("the other side has hung up"),
}


def calls(
    told: Iterable[Mapping[str, Any]], lines: Iterable[Mapping[str, Any]], settings: Settings
) -> Iterator[CallShown]:
    """Yield the calls of the phone; secure is what goes over TLS with its audio by SRTP."""
    over_tls = {line["n"] for line in lines if line["transport"] == "TLS"}
    for call in told:
        yield CallShown(
            number=call["call"],
            line=call["line"],
            peer=str(call["peer"]),
            incoming=call["direction"] == "in",
            state=str(call["state"]),
            secure=bool(call["srtp"]) and call["line"] in over_tls,
            codec=str(call["codec"]),
            transfer=str(call.get("transfer") or ""),
            who=who(call, settings),
            seconds=call.get("seconds"),
            joined=call.get("joined"),
        )


def who(call: Mapping[str, Any], settings: Settings) -> str:
    """Return the other side of a call: its number, from elsewhere its address; then its name."""
    address = str(call["peer"]).partition(":")[2].partition(";")[0] or str(call["peer"])
    user, _at, host = address.rpartition("@")
    proxy = settings.ext[call["line"] - 1].proxy.split("|")[0].partition(":")[0]
    if user and host.partition(":")[0].casefold() == proxy.casefold():
        address = user
    name = str(call.get("name") or "")
    return f"{address} ({name})" if name and name != address else address


def ended(last: Mapping[str, Any] | None, settings: Settings) -> str:
    """Return with whom the last call was, and why it ended; empty where there was none."""
    if not last:
        return ""
    text = str(last["ended"])
    status = re.match(r"([1-7]\d\d)\b", text)
    words: str = _ENDED.get(text) or text
    if status and (reason := _REASONS.get(int(status[1]))):
        words = _("{reason} ({status})", reason=reason, status=status[1])
    return _("{who}: {why}", who=who(last, settings), why=words)


def secured(shown: Iterable[CallShown]) -> bool:
    """Return whether all that is said now is secure: of the calls that talk, or else of all."""
    known = tuple(shown)
    heard = [call for call in known if call.talks] or [call for call in known if not call.rings]
    return bool(heard) and all(call.secure for call in heard)
