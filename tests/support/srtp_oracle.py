"""SRTP with AES-CM and HMAC-SHA1 as RFC 3711 has it: another one than the phone's library.

Index and rollover counter are those of a call's first packets.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HEADER = 12


def unprotect(packet: bytes, key: bytes, salt: bytes, tag_size: int = 10) -> bytes:
    """Return the payload of a packet without extension and CSRC; rollover counter 0.

    Raises:
        ValueError: the authentication tag is not of this key.

    """
    sealed, tag = packet[:-tag_size], packet[-tag_size:]
    made = hmac.new(derived(key, salt, 1, 20), sealed + bytes(4), hashlib.sha1).digest()
    if not hmac.compare_digest(made[:tag_size], tag):
        raise ValueError("wrong authentication tag")
    ssrc, sequence = sealed[8:12], int.from_bytes(sealed[2:4])
    mask = int.from_bytes(ssrc) << 64 ^ sequence << 16
    counter = int.from_bytes(derived(key, salt, 2, 14)) << 16 ^ mask
    return _keystream(derived(key, salt, 0, 16), counter, sealed[HEADER:])


def derived(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """Return a session key. Source: RFC 3711 section 4.3.1; key derivation rate 0."""
    return _keystream(key, (int.from_bytes(salt) ^ label << 48) << 16, bytes(size))


def _keystream(key: bytes, counter: int, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter.to_bytes(16)))
    return cipher.encryptor().update(data)
