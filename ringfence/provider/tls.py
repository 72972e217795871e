"""TLS of the provider's listeners, by the OpenSSL that `cryptography` brings.

It shakes hands in two thirds of the time that the interpreter's own takes (ADR 26).
"""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from ringfence.errors import ComponentError
from ringfence.provider.files import pem_problem, read

_PARTIAL_WRITE = 1
"""SSL_MODE_ENABLE_PARTIAL_WRITE, which pyOpenSSL sets: a call would write one record at most."""
_MISMATCHES = ("key values mismatch", "key type mismatch", "no certificate assigned")


def context(certificate: Path, key: Path, client_root: Path | None = None) -> SSL.Context:
    """Return a server's TLS; with `client_root` it asks for a device certificate below that.

    Who shows none gets an answer, 403, and a line in the log. Every suite of the library's
    default list is offered, because a phone may be told to use an old one. No session is
    resumed: phones come once a day, and none outlives its revocation.

    Raises:
        ComponentError: a file is missing or is not what it should be.

    """
    for file in filter(None, (certificate, key, client_root)):
        if not file.is_file():
            raise ComponentError(f"file {file}", "is missing")
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)
    made.set_cipher_list(b"DEFAULT")
    made.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.clear_mode(_PARTIAL_WRITE)
    _certify(made, certificate, key)
    if client_root:
        made.set_verify(SSL.VERIFY_PEER)
        try:
            made.load_verify_locations(str(client_root))
        except SSL.Error as error:
            raise ComponentError(f"file {client_root}", reason(error)) from error
    return made


def reason(error: SSL.Error) -> str:
    """Return in a few words what the library says."""
    said = error.args[0] if error.args else ()
    if isinstance(error, SSL.SysCallError):
        return "the client left"
    words = str(said[0][2]).lower() if isinstance(said, list) and said else ""
    return words or "no reason is given"


def _certify(made: SSL.Context, certificate: Path, key: Path) -> None:
    """Give a context the server's certificate, what leads to its root, and the key."""
    where = f"file {certificate} with {key}"
    try:
        first, *others = x509.load_pem_x509_certificates(read(certificate))
        private = load_pem_private_key(read(key), None)
        made.use_certificate(first)
        for other in others:
            made.add_extra_chain_cert(other)
        made.use_privatekey(private)  # type: ignore[arg-type]  # a kind that will not do is refused
        made.check_privatekey()
    except TypeError as error:
        if "encrypted" not in str(error):
            raise ComponentError(where, "the key is of no kind that TLS knows") from error
        remedy = f"decrypt it: openssl pkey -in {key.name} -out server.key"
        raise ComponentError(f"file {key}", f"is encrypted; {remedy}") from None
    except ValueError as error:
        raise ComponentError(where, pem_problem(error)) from error
    except SSL.Error as error:
        said = reason(error)
        said = "the key is another certificate's" if said in _MISMATCHES else said
        raise ComponentError(where, said) from error
