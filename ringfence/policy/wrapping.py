"""What a profile was encrypted with on its way, how it comes out again, and how a report goes in.

Source: phone-facts 2.4. Packed files are told by their first bytes where they are read.
"""

import base64
import binascii
from collections.abc import Callable, Iterator

from ringfence.errors import DocumentError, Finding, Severity
from ringfence.protocols import aes128gcm, openssl_enc

_BEGINNINGS = (b"\x1f\x8b", b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Of gzip, XML, and XML behind a byte order mark."""
_BLANKS = b" \t\r\n"


def unwrapped(
    body: bytes, coded: bytes, key: str, keying: str
) -> tuple[bytes, tuple[Finding, ...]]:
    """Return the file inside `body`, and what the provider should know of its wrapping.

    `coded` is the Content-Encoding, `key` the passphrase of the rule, `keying` the keying
    material of RFC 8188. The Content-Encoding decides; without one, a passphrase means that the
    file must be encrypted with it.

    Raises:
        DocumentError: it cannot be decrypted, or it is plain where it must not be.

    """
    codings = [word.strip().lower() for word in coded.split(b",") if word.strip()]
    if aes128gcm.CODING in codings:
        return _of_content(body, keying), ()
    if key:
        return _of_file(body, key)
    if body.startswith(openssl_enc.MAGIC):
        text = "the file is encrypted, and the rule has no key"
        raise DocumentError(
            text, "write [--key $SA] before the URL, and the passphrase into GPP_SA"
        )
    return body, ()


def wrapped(
    body: bytes, key: str, keying: str, entropy: Callable[[int], bytes]
) -> tuple[bytes, str]:
    """Return what goes out in place of a report, and its Content-Encoding, empty for none.

    A passphrase of the rule comes before the keying material of RFC 8188, whose characters
    are what counts. `entropy(n)` returns random bytes.
    """
    if key:
        return openssl_enc.encrypt(body, key, entropy(openssl_enc.SALT)), ""
    if keying:
        salt = entropy(aes128gcm.SALT)
        return aes128gcm.encrypt(body, keying.encode(), salt), aes128gcm.CODING.decode()
    return body, ""


def _of_file(body: bytes, key: str) -> tuple[bytes, tuple[Finding, ...]]:
    if not body.startswith(openssl_enc.MAGIC):
        text = "the rule has a --key, and the file is not encrypted"
        raise DocumentError(text, "encrypt it by openssl enc -aes-256-cbc, or delete the --key")
    for digest in openssl_enc.DIGESTS:
        try:
            plain = openssl_enc.decrypt(body, key, digest)
        except ValueError:
            continue
        if plain.lstrip(_BLANKS).startswith(_BEGINNINGS):
            return plain, _told(digest)
    text = "the file was encrypted with another key than the rule's --key"
    raise DocumentError(text, "encrypt it by openssl enc -aes-256-cbc -k with that passphrase")


def _told(digest: str) -> tuple[Finding, ...]:
    if digest != "md5":
        return ()
    text = "the file's key was derived by MD5, as tools before OpenSSL 1.1.0 do"
    remedy = "encrypt it by openssl enc -aes-256-cbc -md sha256"
    return (Finding(Severity.WARNING, "profile-key-md5", None, text, remedy),)


def _of_content(body: bytes, keying: str) -> bytes:
    tag = "IKM_HTTP_Encrypt_Content"
    if not keying:
        text = f"the answer is encrypted (aes128gcm), and {tag} is empty"
        raise DocumentError(text, f"set {tag} to the server's keying material")
    reason = ""
    for material in _materials(keying):
        try:
            return aes128gcm.decrypt(body, material)
        except ValueError as error:
            reason = reason or str(error)
    raise DocumentError(f"the answer cannot be decrypted (aes128gcm): {reason}", f"compare {tag}")


def _materials(keying: str) -> Iterator[bytes]:
    """Yield what the parameter may stand for: its characters, or the bytes that they encode.

    Which of them it is, the authentication of the content tells.
    """
    yield keying.encode()
    try:
        yield base64.b64decode(keying + "=" * (-len(keying) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return
