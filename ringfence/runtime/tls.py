"""The one place that builds an `SSLContext`: a policy made flesh in the local TLS library."""

import asyncio
import base64
import hashlib
import ssl
import warnings
from collections import OrderedDict
from pathlib import Path

from ringfence.errors import ComponentError
from ringfence.policy import certificate
from ringfence.policy.tls import ClientCertificate, TlsPolicy, TlsVersion

_VERSIONS = {
    TlsVersion.TLS_1_0: "TLSv1",
    TlsVersion.TLS_1_1: "TLSv1_1",
    TlsVersion.TLS_1_2: "TLSv1_2",
    TlsVersion.TLS_1_3: "TLSv1_3",
}
"""`{version: its name in the library}`."""
_BEGIN = "-----BEGIN CERTIFICATE-----"

KEPT = 32
"""Contexts that one phone keeps: one a policy, and policies change seldom."""


class Contexts:
    """The client contexts of one phone, one for each policy."""

    def __init__(self, key_log: str = "") -> None:
        self._key_log = key_log
        self._made: OrderedDict[TlsPolicy, ssl.SSLContext] = OrderedDict()
        self._making = asyncio.Lock()

    async def ready(self, policy: TlsPolicy) -> None:
        """Return once the context of a policy is made: by a thread, and other lines go on.

        The first one of a process takes 4 ms, most of it in the library.

        Raises:
            ComponentError: the library or a certificate file refused.

        """
        async with self._making:
            if policy not in self._made:
                await asyncio.to_thread(self.client, policy)

    def client(self, policy: TlsPolicy) -> "ssl.SSLContext":
        """Return the context of a policy, made at its first use.

        Raises:
            ComponentError: the library or a certificate file refused.

        """
        if policy in self._made:
            self._made.move_to_end(policy)
        else:
            self._made[policy] = client_context(policy, self._key_log)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return self._made[policy]


def client_context(policy: TlsPolicy, key_log: str = "") -> "ssl.SSLContext":
    """Return a new context that verifies the chain against the policy's anchors alone.

    It verifies no name: `policy.identity` does, after the handshake. Without an anchor it
    trusts nobody. An anchor is trusted as it is, also where another CA signed it (RFC 5280
    section 6.1.1; rulings 6 say the custom CA, not its root). The keys of its connections go to
    the file `key_log`, empty for none (`runtime.trace`).

    Raises:
        ComponentError: the library or a certificate file refused.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _restrict(context, policy)
    anchors = "\n".join((*policy.trust.provider_root, *policy.trust.custom))
    if anchors:
        try:
            context.load_verify_locations(cadata=anchors)
        except (ssl.SSLError, ValueError) as error:
            raise ComponentError("trust anchors", _text(error)) from error
    if policy.client:
        _load(context, policy.client.certificate_file, policy.client.key_file)
    _tell(context, key_log)
    return context


def server_context(
    policy: TlsPolicy, certificate_file: str, key_file: str, key_log: str = ""
) -> "ssl.SSLContext":
    """Return a new context for the phone's own server; it prefers its own order of suites.

    The keys of its connections go to the file `key_log`, empty for none (`runtime.trace`).

    Raises:
        ComponentError: the library or a certificate file refused.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    _restrict(context, policy)
    _load(context, certificate_file, key_file)
    _tell(context, key_log)
    return context


def client_certificate(certificate_file: str, key_file: str) -> ClientCertificate:
    """Return the certificate of a PEM file with its key, ready for `Facts`.

    Raises:
        ComponentError: the file cannot be read or holds no certificate.

    """
    try:
        text = Path(certificate_file).read_text(encoding="ascii")
        begin, end = text.find(_BEGIN), text.find("-----END CERTIFICATE-----")
        if not 0 <= begin < end:
            raise ComponentError(f"certificate {certificate_file}", "holds no certificate in PEM")
        der = base64.b64decode(text[begin + len(_BEGIN) : end])
    except (OSError, ValueError) as error:
        raise ComponentError(f"certificate {certificate_file}", _text(error)) from error
    return ClientCertificate(
        certificate_file,
        key_file,
        hashlib.sha256(der).hexdigest(),
        individual=not certificate.is_generic(der),
        name=certificate.common_name(der),
    )


def client_hello(context: "ssl.SSLContext", name: str) -> bytes:
    """Return the first bytes that a context would send to the server `name`; it sends none.

    Raises:
        ComponentError: the library has nothing to offer.

    """
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    except ssl.SSLError as error:
        raise ComponentError("TLS library", _text(error)) from error
    raise ComponentError("TLS library", "a handshake without a server")


def missing(context: "ssl.SSLContext", policy: TlsPolicy) -> tuple[str, ...]:
    """Return the suites of a policy that the local library does not have after all."""
    held = {suite["name"] for suite in context.get_ciphers()}
    return tuple(name for name in policy.suites if name not in held)


def _restrict(context: "ssl.SSLContext", policy: TlsPolicy) -> None:
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    with warnings.catch_warnings():  # TLS 1.0 and 1.1 are deprecated; the operator was told
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion[_VERSIONS[policy.minimum]]
        context.maximum_version = ssl.TLSVersion[_VERSIONS[policy.maximum]]
    if policy.minimum is TlsVersion.TLS_1_3:
        return
    try:
        context.set_ciphers(":".join((*policy.suites, f"@SECLEVEL={policy.level}")))
        if policy.suite_b:  # binds more than suites, and knows no level
            context.set_ciphers(policy.suite_b)
    except ssl.SSLError as error:
        raise ComponentError("cipher suites", _text(error)) from error


def _tell(context: "ssl.SSLContext", key_log: str) -> None:
    """Have a context give its keys away; nothing but a trace asks for it, no environment either."""
    if key_log:
        context.keylog_filename = key_log


def _load(context: "ssl.SSLContext", certificate_file: str, key_file: str) -> None:
    def no_password() -> str:
        raise ValueError("the key is encrypted")

    try:
        context.load_cert_chain(certificate_file, key_file, password=no_password)
    except ssl.SSLError as error:
        reason = _text(error) if error.reason else f"{key_file} holds no private key in PEM"
        raise ComponentError(f"certificate {certificate_file}", reason) from error
    except (OSError, ValueError) as error:
        raise ComponentError(f"certificate {certificate_file}", _text(error)) from error


def _text(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error.args[-1]).replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
