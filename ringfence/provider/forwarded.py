"""Who asks, where a proxy ended TLS: it hands over the certificate, which is verified once more.

nginx sends it as escaped PEM, Apache as PEM in one line. That the client has the key, only the
proxy knows; so its socket is for the proxy alone.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from ringfence.provider.authority import certificate
from ringfence.provider.identity import Shown, shown
from ringfence.provider.profiles import Client

CERTIFICATE, ADDRESS = "X-Client-Certificate", "X-Client-Address"
"""Headers that the proxy sets, whatever the client sent."""
LARGEST = 16 << 10

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class Forwarded:
    """Reads who asks from the headers of a proxy.

    Raises:
        ComponentError: the root of the devices cannot be read.

    """

    def __init__(self, root: Path) -> None:
        self._root = certificate(root)

    def client(self, headers: Mapping[str, str], agent: str) -> Client:
        """Return who asks; nobody where the certificate is not one of ours."""
        text = unquote(headers.get(CERTIFICATE, "")[:LARGEST])
        return Client(self._shown(text), agent, headers.get(ADDRESS, "")[:64])

    def _shown(self, text: str) -> Shown | None:
        found = _PEM.search(text)
        if found is None:
            return None
        body = "\n".join(found[1].split())
        pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
        try:
            held = x509.load_pem_x509_certificate(pem.encode())
            held.verify_directly_issued_by(self._root)
            if not _counts(held, datetime.now(UTC)):
                return None
            return shown(held)
        except (ValueError, TypeError, InvalidSignature, x509.DuplicateExtension):
            return None


def _counts(held: x509.Certificate, now: datetime) -> bool:
    """Return whether a certificate is in force, and one of a client."""
    if not held.not_valid_before_utc <= now <= held.not_valid_after_utc:
        return False
    try:
        uses = held.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in uses
