"""The directory turns away, shows a wrong name, or seems to have no TLS.

Source: chapter, Configure LDAP over TLS and Configure StartTLS; rulings 11.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.lab import servers, topology
from ringfence.lab.breaks.certificates import made_for
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.directory import ADDRESS, NAME, LdapHost
from ringfence.lab.proofs import StepError

SERVER, FALLBACK, PASSWORD = "LDAP_Server", "RF_StartTLS_Fallback", "LDAP_Password"
OTHER = f"ldap.elsewhere.{topology.DOMAIN.rpartition('.')[2]}"


async def starttls_stripped(stage: Stage) -> None:
    """Put a box between that answers StartTLS with a refusal."""
    host = _host(stage)
    stage.put_back("the box is gone", lambda: stage.crew.stop("stripper"))
    stage.put_back("DNS tells the truth", stage.daemons.dns)
    await host.strip()
    thief = topology.STRANGER_ADDRESS
    await stage.daemons.dns({**servers.RECORDS, NAME: (thief,)})
    await stage.tell(
        "broke",
        f"{NAME} is reached by a box at {thief} now. It passes everything on to {ADDRESS}, but"
        " answers a request for StartTLS itself: unsupported.",
    )
    box = stage.crew.outputs["stripper"]
    told = await host.search()
    await box.wait("stripped: StartTLS")
    stage.demand(told["result"] == "failure", "the phone went on in clear text")
    stage.demand(not box.find(", BIND"), "the box read the password")
    stage.put_back("the phone goes on in clear text nowhere", lambda: _set(stage, "No"))
    await _set(stage, "Yes")
    loose = await host.search()
    await box.wait(", SEARCH")
    status = await _shown(stage)
    stage.demand(loose["result"] == "success", "the directory was not asked")
    stage.demand(bool(loose.get("downgraded")), "the answer does not say that it was downgraded")
    stage.demand(bool(status["last"]["downgraded"]), "the status does not say so")
    await stage.tell(
        "phone",
        f"With {FALLBACK} No it asked nobody anything, and the box read neither name nor password."
        " With Yes, as phones of the field do, it went on in clear text, the box read along, and"
        " answer and status say so.",
        strict=told["reason"],
        loose=loose.get("security"),
    )
    text = "If the server supports StartTLS, TLS encrypts; otherwise all is in plaintext."
    await stage.why("Configure StartTLS", FALLBACK, text, told["reason"])
    await stage.tell("field", f"Info > Status, LDAP Directory: {status['last']['security']}")


async def wrong_name(stage: Stage) -> None:
    """Show a certificate of the provider's own, for another server."""
    host = _host(stage)
    made = await made_for(stage, OTHER, stage.daemons.provider / "ca")
    stage.put_back("the directory's certificate is back", host.stand)
    await host.stand(made)
    await stage.tell(
        "broke", f"{NAME} shows a certificate signed by the provider's own CA, but for {OTHER}."
    )
    await _refused(stage, host)
    text = f"{NAME} was asked for, so the certificate must name it; no switch turns this off."
    said = (await _shown(stage))["last"]["problem"]
    await stage.why("Enable Hostname Verification for SIP over TLS", SERVER, text, said)
    await stage.tell("field", f"Info > Status, LDAP Directory, Last Search: {said}")


async def wrong_password(stage: Stage) -> None:
    """Change the phone's password at the directory."""
    host = _host(stage)
    stage.put_back("the directory knows the phone's password", host.stand)
    await host.stand(password="another one")  # noqa: S106 - of the lab
    await stage.tell("broke", "The directory has another password for the phone now.")
    told = await host.search()
    log = stage.crew.outputs["slapd"]
    await log.wait("RESULT tag=97 err=49")
    stage.demand(told["result"] == "failure", "somebody was found all the same")
    stage.demand(not log.find(" SRCH "), "it searched without having signed in")
    await stage.tell(
        "phone",
        "One bind, refused by slapd (49); it did not search as nobody instead, and did not try"
        " again by itself.",
        reason=told["reason"],
    )
    text = "With Simple or DIGEST-MD5 the directory decides whom it answers."
    await stage.why("Configure LDAP over TLS", PASSWORD, text, told["reason"])
    said = (await _shown(stage))["last"]["problem"]
    await stage.tell("field", f"Info > Status, LDAP Directory, Last Search: {said}")


async def _refused(stage: Stage, host: LdapHost) -> None:
    """Have the phone meet it, and tell what slapd saw."""
    log = stage.crew.outputs["slapd"]
    told = await host.search()
    await log.wait(r"fd=\d+ closed")
    stage.demand(told["result"] == "failure", "the phone asked the directory")
    stage.demand(not log.find(" BIND | SRCH "), "slapd was told something")
    await stage.tell(
        "phone",
        "Refused it after the handshake. slapd's log has StartTLS and the end of the connection:"
        " no bind, no search, no clear text.",
        reason=told["reason"],
    )


async def _set(stage: Stage, text: str) -> None:
    await stage.ask({"verb": "set", "values": {FALLBACK: text}})


async def _shown(stage: Stage) -> Mapping[str, Any]:
    """Return what the phone's status says of the directory."""
    told: Mapping[str, Any] = (await stage.ask({"verb": "status"}))["ldap"]
    return told


def _host(stage: Stage) -> LdapHost:
    if stage.daemons.ldap is None:
        raise StepError("this lab has no directory")
    return stage.daemons.ldap
