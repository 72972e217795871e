"""What a plan of a line means, in words. Pure."""

from ringfence.features.line.plan import LinePlan
from ringfence.protocols.sip.locate import AUTO, describe, may_fail_over
from ringfence.protocols.sip.negotiation import EVENTS, Security, Terms


def show(made: LinePlan) -> str:
    """Return a plan as text, secrets masked."""
    challenge = f", challenges INVITE as realm {made.realm!r}" if made.auth_invite else ""
    listening = f"UDP port {made.port}" if made.port else "its own connection"
    text = f"Ext {made.n} {made.user or '(no user)'}: answers on {listening}{challenge}\n"
    if home := made.home:
        does = "registers" if made.registers else "does not register, but has calls,"
        text += f"  {does} at {home.account.registrar} as {made.auth_user}, password "
        text += f"{'***' if made.password else '(empty)'}\n"
        text += f"  media plane security: {home.mediasec.words(home.transport)}\n"
        text += f"  calls: {calls(made)}\n"
    return text + "".join(f"  {words}\n" for words in reach(made))


def reach(made: LinePlan) -> tuple[str, ...]:
    """Return in words how a line finds its registrars, or that it does not register, and why."""
    if (home := made.home) is None:
        words = f"does not register: {made.refused}" if made.refused else "does not register"
        return (words,) if made.used else ()
    names = f", names {home.tls.names.value}" if home.tls else ""
    first, *others = home.ways
    found = [f"over {home.transport}{names}: {describe(first.search)}"]
    other = "and at the same time" if home.both else "else"
    found += [f"{other} at {way.account.registrar}: {describe(way.search)}" for way in others]
    if home.returns_after and ((others and not home.both) or may_fail_over(first.search)):
        when = " and the next REGISTER" if home.returns_at_register else ""
        found.append(f"returns to a preferred server after {home.returns_after:g} s{when}")
    return tuple(found)


def calls(made: LinePlan) -> str:
    """Return which media its calls may have; empty where it does not register."""
    if (home := made.home) is None:
        return ""
    clear, secure = _media(made.terms), _media(made.tls_terms)
    if home.transport == AUTO and clear != secure:
        media = f"over TLS {secure}, else {clear}"
    else:
        media = secure if home.transport == "TLS" else clear
    codecs = (codec.name for codec in made.terms.codecs if codec.name != EVENTS)
    return f"{media}; {', '.join(codecs)}"


def _media(terms: Terms) -> str:
    first = "" if terms.security is Security.CLEAR else f" ({terms.suites[0]} first)"
    return f"{terms.security.value}{first}"
