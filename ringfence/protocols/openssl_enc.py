"""The files that `openssl enc -aes-256-cbc -k PASSPHRASE` writes.

Nothing in them is authenticated: who does not know the passphrase cannot read them, but a file
that was changed on its way may still decrypt. Source: openssl-enc(1); EVP_BytesToKey(3).
"""

import hashlib
from collections.abc import Callable

MAGIC = b"Salted__"
SALT = 8
BLOCK = 16
KEY, VECTOR = 32, 16
"""Bytes of what is derived from the passphrase."""

DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
}
"""What derived keys since OpenSSL 1.1.0, and before."""


def encrypt(plain: bytes, passphrase: str, salt: bytes) -> bytes:
    """Return the file that `openssl enc -aes-256-cbc -k PASSPHRASE` makes of a text.

    `salt` is `SALT` random bytes; the key is derived by SHA-256.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key, vector = _derived(passphrase.encode(), salt, DIGESTS["sha256"])
    padding = BLOCK - len(plain) % BLOCK
    worker = Cipher(algorithms.AES256(key), modes.CBC(vector)).encryptor()
    return MAGIC + salt + worker.update(plain + bytes([padding]) * padding) + worker.finalize()


def decrypt(data: bytes, passphrase: str, digest: str) -> bytes:
    """Return the plain text of a file; `digest` is one of `DIGESTS`.

    Raises:
        ValueError: it is no such file, or the passphrase is another one.

    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    body = data[len(MAGIC) + SALT :]
    if not data.startswith(MAGIC) or not body or len(body) % BLOCK:
        raise ValueError("not a whole file of openssl enc")
    key, vector = _derived(passphrase.encode(), data[len(MAGIC) :][:SALT], DIGESTS[digest])
    worker = Cipher(algorithms.AES256(key), modes.CBC(vector)).decryptor()
    padded = worker.update(body) + worker.finalize()
    padding = padded[-1]
    if not 1 <= padding <= BLOCK or padded[-padding:] != bytes([padding]) * padding:
        raise ValueError("the passphrase is another one")
    return padded[:-padding]


def _derived(
    passphrase: bytes, salt: bytes, digest: Callable[[bytes], bytes]
) -> tuple[bytes, bytes]:
    """Return key and initialisation vector by one round of EVP_BytesToKey."""
    made = block = b""
    while len(made) < KEY + VECTOR:
        block = digest(block + passphrase + salt)
        made += block
    return made[:KEY], made[KEY : KEY + VECTOR]
