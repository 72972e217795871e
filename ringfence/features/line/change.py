"""What a change of a line's plan means for the line that is there. Pure."""

from msgspec.structs import replace

from ringfence.features.line.plan import LinePlan


def registers_alike(held: LinePlan, wanted: LinePlan) -> bool:
    """Return whether two plans differ in nothing but how INVITEs are answered."""
    alike = replace(
        wanted,
        rtp_ports=held.rtp_ports,
        rtcp_interval=held.rtcp_interval,
        realm=held.realm,
        auth_invite=held.auth_invite,
        sha256=held.sha256,
        server=held.server,
        auth_notify=held.auth_notify,
        resyncs=held.resyncs,
        answers_unregistered=held.answers_unregistered,
        calls_unregistered=held.calls_unregistered,
        proxies_only=held.proxies_only,
        terms=held.terms,
        tls_terms=held.tls_terms,
        codes=held.codes,
        emergency=held.emergency,
        callers=held.callers,
        redirections=held.redirections,
        refers_to_contact=held.refers_to_contact,
        transfers_blindly=held.transfers_blindly,
        tells_ringing=held.tells_ringing,
        dtmf=held.dtmf,
        keep_alive=held.keep_alive,
    )
    return alike == held


def barrier(held: LinePlan, wanted: LinePlan | None) -> str:
    """Return why a line whose change waits takes and places no new call; empty where it does.

    Another trust, cipher list, version or list of domains may forbid the present peer, and binds
    new requests at once (rulings 18).
    """
    if wanted is None:
        return "the line is switched off"
    if wanted.home is None or held.home is None:
        return wanted.refused or "the line does not register any more"
    same = (held.home.tls, held.home.domains, held.home.exact_domains)
    if same != (wanted.home.tls, wanted.home.domains, wanted.home.exact_domains):
        return "what the line may trust has changed"
    return ""
