"""What a line and a call tell of themselves: in words for people, as JSON values for programs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ringfence.config.settings import ROWS
from ringfence.features.line.line import Line
from ringfence.features.line.plan import CREDENTIALS
from ringfence.messages import _
from ringfence.policy.network import written
from ringfence.policy.tls import HANDSHAKE
from ringfence.runtime.state import Health

if TYPE_CHECKING:
    from ringfence.protocols.sip.summary import Summary

_EXT, _SYSTEM, _PROVISIONING = ROWS["ext"], ROWS["system"], ROWS["provisioning"]
_PROXY = _EXT["proxy"].tag
_CERTIFICATE = (
    (_PROVISIONING["custom_ca_rule"].tag,),
    (_PROXY, _EXT["tls_name_validate"].tag),
)
_SUITES = (
    (_SYSTEM["tls_cipher_list"].tag, _SYSTEM["tls_client_min_version"].tag),
    (_PROXY, _EXT["sip_transport"].tag),
)
_REMEDIES = {
    "domain-not-allowed": ((_SYSTEM["restricted_access_domains"].tag,), (_PROXY,)),
    CREDENTIALS: ((), (_EXT["user_id"].tag, _EXT["password"].tag, _EXT["auth_id"].tag)),
    "tls-chain": _CERTIFICATE,
    "tls-no-certificate": _CERTIFICATE,
    "tls-name": _CERTIFICATE,
    "tls-address": _CERTIFICATE,
    "tls-version": _SUITES,
    HANDSHAKE: _SUITES,
}
"""`{what failed: (tags of the phone, tags of the line)}`: those that decide about it."""
_ANYTHING = (_PROXY, _EXT["outbound_proxy"].tag, _EXT["sip_transport"].tag)


def title(line: Line) -> str:
    """Return what people call a line."""
    n = line.plan.n
    return _("Ext {n} Alternate", n=n) if line.plan.alternate else f"Ext {n}"


def line_words(line: Line, *, waits: bool) -> str:
    """Return how a line is doing; `waits` where a change does until its calls are over."""
    if waits:
        return f"{line_words(line, waits=False)}; {_waits(line)}"
    if line.registered and (binding := line.binding):
        suite = f", {line.suite}" if line.suite else ""
        home, hop = line.plan.home, binding.link.hop
        best = hop.rank == 0 and home and binding.way == home.ways[0]
        where = "" if best else f" at {_place(line)}, a backup"
        again = refresh_words(line.refresh)
        return f"Registered over {line.transport}{suite}{where}{again}{_protection(line)}"
    if (line.plan.home and line.plan.registers) or line.reason:
        return f"Not registered: {line.reason}"
    where = _place(line)
    return f"Does not register; its proxy is {where}" if where else "Does not register"


def remedies(line: Line) -> tuple[str, ...]:
    """Return the tags of what may be wrong with a line, the likeliest first; none where well."""
    if line.registered or not line.plan.registers or not (line.reason or line.plan.home is None):
        return ()
    system, own = _REMEDIES.get(line.rule, ((), _ANYTHING))
    return (*system, *(tag.replace("{n}", str(line.plan.n)) for tag in own))


def _waits(line: Line) -> str:
    """Return what a line with calls waits for."""
    barred = f", and takes no new ones: {line.barred}" if line.barred else ""
    return f"pending: new settings wait until its calls are over{barred}"


def _place(line: Line) -> str:
    """Return the server in use as `name (address:port)`; empty while there is none."""
    if line.binding:
        hop = line.binding.link.hop
    elif line.nearest and not line.plan.registers:
        _, hop = line.nearest
    else:
        return ""
    place = written(hop.address, hop.port)
    return place if hop.target == hop.address else f"{hop.target} ({place})"


def line_data(line: Line, other: Line | None, *, waits: bool) -> dict[str, object]:
    """Return how a line is doing as JSON values; `other` is its half at the alternate proxy."""
    return {
        "n": line.plan.n,
        "used": line.plan.used,
        "registered": line.registered or bool(other and other.registered),
        "transport": line.transport,
        "suite": line.suite,
        "server": _place(line),
        "pending": _waits(line) if waits else "",
        "security_agreement": _agreement(line),
        "next_refresh": None if line.refresh is None else round(line.refresh),
        "reason": "" if line.registered else line.reason or "no registration wanted",
        "alternate": _alternate(other) if other else None,
    }


def mailbox_words(line: Line, box: "Summary") -> tuple[str, str]:
    """Return the row that tells how many voice messages a line has."""
    name = _("{line} Voice Messages", line=title(line))
    return name, _("{new} new, {old} old", new=box.new, old=box.old)


def mailbox_data(box: "Summary | None") -> dict[str, object] | None:
    """Return what waits for a line as JSON values; None where nobody said."""
    return {"waiting": box.waiting, "new": box.new, "old": box.old} if box else None


def _alternate(line: Line) -> dict[str, object]:
    """Return how the half of a dual registration at the alternate proxy is doing."""
    reason = "" if line.registered else line.reason
    return {"registered": line.registered, "server": _place(line), "reason": reason}


def _agreement(line: Line) -> dict[str, object] | None:
    """Return what was agreed on about media: the server's list, and what follows from it."""
    agreed = line.agreement
    if not agreed.server_list:
        return None
    return {
        "list": [value.decode(errors="replace") for value in agreed.server_list],
        "initiated_by": agreed.initiated_by,
        "secures_media": agreed.secures_media,
        "keys_in_clear": agreed.secures_media and line.transport != "TLS",
    }


def _protection(line: Line) -> str:
    """Return what the security agreement of a line means for its calls, in words."""
    if not line.agreement.secures_media:
        return ""
    words = f"; SRTP agreed on, begun by the {line.agreement.initiated_by}"
    return words if line.transport == "TLS" else f"{words}; its keys travel in clear text"


def health(lines: list[Line], *, waits: bool) -> Health:
    """Return how all lines are doing together."""
    if not lines:
        return Health.DISABLED
    if any(line.plan.refused for line in lines):
        return Health.FAILED
    wanted = (line for line in lines if line.plan.home and line.plan.registers)
    if waits or any(not line.registered for line in wanted):
        return Health.PENDING
    return Health.RUNNING


def call_words(call: Mapping[str, object]) -> str:
    """Return one call as a row of the status page."""
    text = f"{_parties(call)}, {call['state']}"
    if call.get("joined"):
        text += f", in conference with call {call['joined']}"
    if call["transfer"]:
        text += f", transfer {call['transfer']}"
    if not call["codec"]:
        return text
    protection = f"SRTP {call['srtp']}" if call["srtp"] else "RTP in clear text"
    received, lost = int(str(call["received"])), int(str(call["lost"]))
    share = 100 * lost / max(received + lost, 1)
    return (
        f"{text}; {call['codec']}, {protection}; {call['sent']} packets sent, {received} received,"
        f" {lost} lost ({share:.1f} %), jitter {call['jitter_ms']} ms"
    )


def ended_words(call: Mapping[str, object]) -> str:
    """Return the call that ended last, and why, as a row of the status page."""
    return f"{_parties(call)}: {call['ended']}"


def _parties(call: Mapping[str, object]) -> str:
    whence = "from" if call["direction"] == "in" else "to"
    return f"Ext {call['line']} {whence} {call['peer']}"


def refresh_words(seconds: float | None) -> str:
    """Return when a line registers again, `, again in 2 h 48 min`; empty where it does not."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n]
    return f", again in {' '.join(parts[:2]) or '0 s'}"
