"""TLS on a connected socket: handshake, chain, revocation, name check.

Source: rulings 4 to 6 and 13.
"""

import logging
import ssl
from collections.abc import Awaitable, Callable

from ringfence.errors import PolicyError
from ringfence.policy import chain, identity, revocation
from ringfence.policy.tls import TlsPolicy
from ringfence.runtime import egress_chain
from ringfence.runtime.egress_stream import Secured, Stream
from ringfence.runtime.egress_target import Shown, Target
from ringfence.runtime.host import Host
from ringfence.runtime.host_clock import MADE_AFTER

logger = logging.getLogger("ringfence.runtime.egress")

SET_CLOCK = "set it: no certificate can be judged before the year in which this version was made"

Confirm = Callable[[Target, str, tuple[str, ...]], Awaitable[str]]
"""Return the first of the names that DNS leads to an address. Raises `PolicyError`."""


class Handshakes:
    """Brings connections to TLS, and judges who answers."""

    def __init__(self, host: Host, confirm: Confirm) -> None:
        self._host = host
        self._confirm = confirm

    async def shake(
        self,
        target: Target,
        policy: TlsPolicy,
        connection: ssl.SSLSocket,
        stream: Stream,
        watch: Callable[[Shown], None] | None,
    ) -> None:
        """Return when the server is known and accepted; else the stream is closed.

        Raises:
            PolicyError: chain, revocation or name check refused.
            NetworkError: DNS did not answer.
            OSError: the connection broke.

        """
        try:
            try:
                await stream.attempt(connection.do_handshake, writing=False)
            except ssl.SSLError as error:
                raise self._failed(error, target, policy, connection) from error
            finally:
                if watch:
                    watch(egress_chain.shown(connection))
            await egress_chain.ready()
            matched = await self._judge(target, policy, connection)
        except BaseException:
            stream.abort()
            raise
        shown = egress_chain.shown(connection)
        stream.secured = Secured(shown.version, shown.suite, matched)

    def _failed(
        self, error: ssl.SSLError, target: Target, policy: TlsPolicy, connection: ssl.SSLSocket
    ) -> Exception:
        """Return the refusal that a failed handshake is, or the failure itself."""
        if isinstance(error, ssl.SSLCertVerificationError):
            now, sent = self._host.wall(), egress_chain.sent(connection)
            why = chain.words(error.verify_code, error.verify_message, sent, policy.trust, now)
            return PolicyError(
                "tls-chain", egress_chain.reason(target.host, connection, why.reason), why.remedy
            )
        if error.reason == "UNSUPPORTED_PROTOCOL":
            remedy = "let it speak TLS 1.2 or 1.3"
            return PolicyError("tls-version", "the server speaks only versions too old", remedy)
        return error

    async def _judge(self, target: Target, policy: TlsPolicy, connection: ssl.SSLSocket) -> str:
        """Return the name that was accepted, empty where none is asked for.

        Behind a proxy nobody sees the server's address: a name is then not compared with DNS, and
        the log says so; an address that was configured is (rulings 5).

        Raises:
            PolicyError: revocation, name check or the comparison with DNS refused.
            NetworkError: DNS did not answer.

        """
        if (now := self._host.wall()) < MADE_AFTER:
            raise PolicyError("tls-clock", "the machine's clock stands in the past", SET_CLOCK)
        certificate = connection.getpeercert(binary_form=True)
        if not certificate:
            text, remedy = "the suite asks for none", "leave aNULL out of TLS_Cipher_List"
            raise PolicyError(
                "tls-no-certificate", egress_chain.reason(target.host, connection, text), remedy
            )
        known = egress_chain.verified(connection)
        if (revoked := revocation.judge(known, policy.trust, now)) is not None:
            reason = egress_chain.reason(target.host, connection, revoked.reason)
            raise PolicyError(revoked.rule, reason, revoked.remedy)
        verdict = identity.judge(certificate, target.host, policy.names)
        if not verdict.accepted:
            raise PolicyError("tls-name", verdict.reason, verdict.remedy)
        if not verdict.to_resolve:
            return verdict.matched
        if target.unconfirmed:
            logger.info(
                "egress.unconfirmed: %s: not compared with DNS, a proxy is between", target.host
            )
            return verdict.matched
        address = target.host.strip("[]") if target.via.host else connection.getpeername()[0]
        try:
            return await self._confirm(target, address, verdict.to_resolve)
        except PolicyError as error:
            reason = egress_chain.reason(target.host, connection, error.reason)
            raise PolicyError(error.rule, reason, error.remedy) from None
