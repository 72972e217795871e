"""What of the settings may leave the phone in a report, and whether bytes hold a secret of it.

The `secret` flag of the catalogue decides (phone-facts 2.3). Three things more are kept back:
credentials that were written out in a rule or a URL, the text of a general purpose parameter that
a rule takes as its key, and whatever contains the value of a secret (ADR 23).
"""

import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote

from ringfence.config.settings import ROWS, Settings, encode, slots
from ringfence.policy.credentials import OF_THE_UNIT, carried

LEAST = 6
"""Characters of a secret that is looked for; a shorter one stands in too many innocent places."""
HIDDEN = "***"

_HEADER = ROWS["provisioning"]["prt_http_header_value"].tag
"""Not flagged, since the field's phones show it; but it is where servers want a token."""
_ARGUMENT = re.compile(r"--(?:key|pwd)\s{1,8}(\"[^\"]{0,512}\"|[^\s\]]{1,512})")
_MACRO = re.compile(r"\$\(?(S[A-D]|[A-P])(?::\d{1,3}){0,2}\)?(?![A-Za-z0-9_])")


class Disclosure:
    """Judges what leaves a phone with the given settings."""

    def __init__(self, settings: Settings) -> None:
        texts = {tag: encode(settings, tag) for tag in slots()}
        self._keys = {tag for text in texts.values() for tag in _taken(text)} | {_HEADER}
        secrets = {tag: text for tag, text in texts.items() if slots()[tag].row.secret}
        written = [(tag, one) for tag, text in texts.items() for one in _written_out(text)]
        named = [*secrets.items(), *written, *((tag, texts[tag]) for tag in sorted(self._keys))]
        self._secrets = {text: tag for tag, text in named if len(text) >= LEAST}
        """`{secret: where it is kept}`."""

    def withheld(self, tag: str, text: str) -> bool:
        """Return whether a parameter that is no secret must be kept back all the same."""
        return bool(
            (tag in self._keys and text)
            or any(_written_out(text))
            or carried(text)
            or any(secret in text for secret in self._secrets)
        )

    def redacted(self, text: str) -> str:
        """Return a text with `***` in place of every secret, however it is written."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            for form in _forms(secret):
                text = text.replace(form, HIDDEN)
        return text

    def holder(self, data: bytes) -> str:
        """Return the tag of a secret that bytes contain; empty where they contain none."""
        for secret, tag in self._secrets.items():
            if any(form.encode() in data for form in _forms(secret)):
                return tag
        return ""


def _taken(text: str) -> Iterator[str]:
    """Yield the tags of the general purpose parameters that a rule takes as key or password."""
    for match in _ARGUMENT.finditer(text):
        for name in _MACRO.findall(match[1]):
            yield ROWS["provisioning"][f"gpp_{name.lower()}"].tag


def _written_out(text: str) -> Iterator[str]:
    """Yield each key or password that stands in a rule itself."""
    for match in _ARGUMENT.finditer(text):
        argument = match[1].strip('"')
        if OF_THE_UNIT.sub("", _MACRO.sub("", argument)):
            yield argument


def _forms(secret: str) -> set[str]:
    """Return how a secret may be spelled: as it is, in XML, JSON and URLs."""
    spelled = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    return spelled | {plain, html.escape(secret, quote=False), html.escape(secret)}
