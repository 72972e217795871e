"""Rows that name a server: by name or address, with or without a port."""

from ringfence.config.codecs import Text, mismatch
from ringfence.protocols.pattern import pattern

_LABEL = r"[^\s/@:\[\].]+"
_NAMED = pattern(rf"{_LABEL}(?:\.{_LABEL})*\.?(?::(\d{{1,5}}))?")
_BRACKETED = pattern(r"\[([0-9A-Fa-f:.%a-z]+)\](?::(\d{1,5}))?")


class Host(Text, frozen=True):
    """A host name or an address, or nothing."""

    limit: int = 255
    ports: bool = True
    """A port may follow; an IPv6 address before it stands in brackets."""

    def decode(self, text: str) -> str:
        """Return the text."""
        text = super().decode(text)
        if text and not self._names_a_host(text):
            raise ValueError(mismatch(self.describe(), text[:40]))
        return text

    def _names_a_host(self, text: str) -> bool:
        if found := _NAMED.fullmatch(text):
            return self._takes(found[1])
        if found := _BRACKETED.fullmatch(text):
            return self._takes(found[2]) and _is_ipv6(found[1])
        return _is_ipv6(text)

    def _takes(self, port: str | None) -> bool:
        return port is None or (self.ports and 1 <= int(port) <= 65535)


def _is_ipv6(text: str) -> bool:
    import ipaddress  # few phones name a server by an IPv6 address

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


HOST = Host(hint="host name or address")
HOST_ALONE = Host(hint="host name or address, without scheme and port", ports=False)
