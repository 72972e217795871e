"""What the phone would make of a server, one address after another, without sending it a byte.

Egress decides, by the connection that the phone itself would make. A second look tells what the
phone's TLS library cannot: a stapled OCSP answer, and whether a client certificate is asked for.
"""

import asyncio

from msgspec import Struct

from ringfence.cli.probe_tls import PATIENCE
from ringfence.errors import NetworkError, PolicyError
from ringfence.policy import identity, staple
from ringfence.policy.applications import NameCheck
from ringfence.policy.certificate import from_pem
from ringfence.policy.identity import NameVerdict
from ringfence.policy.tls import Trust
from ringfence.runtime.egress import Egress, Shown, Target
from ringfence.runtime.egress_look import Look

_OF_THE_CHAIN = ("tls-chain", "tls-revoked", "tls-revocation", "tls-no-certificate")
_NO_CERTIFICATE = "the server asks for the phone's certificate: give it with --cert and --key"


class Resolved(Struct, frozen=True):
    """Whether DNS leads from the certificate's name to the address (PRV-05, PRV-22)."""

    ok: bool | None
    """None where it was not asked, or did not answer."""
    reason: str = ""


class Record(Struct, frozen=True):
    """One address of the server, judged."""

    address: str
    refusal: PolicyError | NetworkError | None
    """Why the phone would not take the server, None where it would."""
    chain: tuple[bytes, ...]
    """As sent, in DER."""
    chain_ok: bool | None
    """None where it was not judged."""
    name: NameVerdict | None
    resolved: Resolved
    version: str
    suite: str
    staple: staple.Staple | None
    """None where the second look failed."""
    asks_certificate: bool | None

    @property
    def accepted(self) -> bool:
        """Whether the phone would take the server at this address."""
        return self.refusal is None


class Preflight(Struct, frozen=True):
    """A target that is about to be asked."""

    egress: Egress
    target: Target
    trust: Trust
    patience: float
    """Seconds for each connection."""
    now: float
    """Seconds since the epoch."""

    async def run(self) -> tuple[Record, ...]:
        """Return a record for each address of the target's host, in the order of DNS.

        Raises:
            PolicyError: Restricted Access Domains forbid the host.
            NetworkError: it has no address.
            ComponentError: the local TLS library or a certificate file refused.

        """
        addresses = dict.fromkeys(await self.egress.resolve(self.target))
        return tuple(await asyncio.gather(*map(self._record, addresses)))

    async def _record(self, address: str) -> Record:
        seen: list[Shown] = []
        refusal: PolicyError | NetworkError | None = None
        try:
            stream = await self.egress.connect(self.target, address, self.patience, seen.append)
            await stream.finish(min(self.patience, PATIENCE))
        except (PolicyError, NetworkError) as error:
            refusal = error
        shown = seen[0] if seen else Shown((), "", "")
        look = await self._look(address) if seen else None
        chain = shown.chain or (look.chain if look else ())
        host = self.target.host
        name = identity.judge(chain[0], host, NameCheck.PROVISIONING) if chain else None
        answer = self._staple(look, chain)
        return Record(
            address=address,
            refusal=_weighed(refusal, answer, look, f"{host} at {address}:{self.target.port}"),
            chain=chain,
            chain_ok=_chain_ok(refusal, shown),
            name=name,
            resolved=await self._resolved(address, name),
            version=shown.version or (look.version if look else ""),
            suite=shown.suite or (look.suite if look else ""),
            staple=answer,
            asks_certificate=look.asks_certificate if look else None,
        )

    async def _look(self, address: str) -> Look | None:
        try:
            look = await self.egress.look(self.target, address, self.patience)
        except NetworkError:
            return None
        return look if look.chain else None

    def _staple(self, look: Look | None, chain: tuple[bytes, ...]) -> staple.Staple | None:
        if look is None:
            return None
        anchors = map(from_pem, (*self.trust.provider_root, *self.trust.custom))
        return staple.judge(look.staple, (*look.chain, *chain[1:], *anchors), self.now)

    async def _resolved(self, address: str, name: NameVerdict | None) -> Resolved:
        if name is None or not name.to_resolve:
            return Resolved(None)
        try:
            return Resolved(True, await self.egress.confirm(self.target, address, name.to_resolve))
        except PolicyError as error:
            return Resolved(False, error.reason)
        except NetworkError as error:
            return Resolved(None, str(error))


def _weighed(
    refusal: PolicyError | NetworkError | None,
    answer: staple.Staple | None,
    look: Look | None,
    where: str,
) -> PolicyError | NetworkError | None:
    """Return the refusal that counts: the phone's own, else what the second look adds."""
    if refusal is None and answer is not None and answer.word is staple.Word.REVOKED:
        reason = f"{where}: its CA says in the stapled answer that it is {answer}"
        return PolicyError("tls-stapled", reason, "issue a new certificate for a new key")
    if isinstance(refusal, NetworkError) and look is not None and look.asks_certificate:
        return NetworkError(f"{refusal}; {_NO_CERTIFICATE}")
    return refusal


def _chain_ok(refusal: PolicyError | NetworkError | None, shown: Shown) -> bool | None:
    if isinstance(refusal, PolicyError) and refusal.rule in _OF_THE_CHAIN:
        return False
    return True if shown.version else None
