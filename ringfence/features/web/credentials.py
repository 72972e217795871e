"""The tab Certificate: what the phone shows of itself, whom it trusts, and how that is changed.

Source: phone-facts 6, Certificate; chapter, Multiplatform Phone CA Client Root Certificate.
"""

import base64
import logging
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from msgspec import Struct

from ringfence.config.settings import ROWS
from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View, see
from ringfence.messages import _
from ringfence.policy.applications import APPLICATIONS, SIP, WEB_SERVER, NameCheck
from ringfence.policy.tls import TlsPolicy, policy_for
from ringfence.runtime.feature import World
from ringfence.surfaces import forms

logger = logging.getLogger(__name__)

PATH = "/admin/certificate"
ACTIONS = {
    "add": ("certificate", {}),
    "delete": ("certificate", {"action": "delete"}),
    "renew": ("certificate", {"action": "renew"}),
    "fetch": ("custom-ca", {}),
}
"""`{word of the address: (command, arguments)}`."""
CHECKED = {
    NameCheck.STANDARD: _("the configured name"),
    NameCheck.PROVISIONING: _("the configured name, and its address in DNS"),
    NameCheck.SKIPPED: _("no name"),
}
OF_LINES = _("the configured name, where TLS Name Validate of the line is Yes")
SETTINGS = (
    ROWS["system"]["certificate_select"],
    ROWS["provisioning"]["cdc_server"],
    ROWS["provisioning"]["custom_ca_rule"],
)
"""Parameters that decide about certificates; the tab leads to them."""


class Believes(Struct, frozen=True):
    """What one application does with certificates."""

    title: str
    trusts: str
    """Whom; empty for nobody, because it asks nobody for a certificate."""
    checks: str
    shows: str
    """Certificate of the phone; empty for none."""


class Credentials:
    """The tab, and what its buttons do."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view

    async def certificate(self, request: web.Request, session: Session) -> web.Response:
        """Show every certificate, and what each application makes of them."""
        return self._shown(session)

    async def certificate_do(self, request: web.Request, session: Session) -> web.Response:
        """Install a certificate, delete it, or have one fetched."""
        word = request.match_info["action"]
        if word not in ACTIONS:
            raise RemoteProtocolError(_("There is no such command."), 404)
        command, arguments = ACTIONS[word]
        if word == "add":
            form = request["form"]
            file = base64.b64encode(request["files"].get("file", b"")).decode()
            arguments = {"file": file, "password": form.get("password", "")}
        try:
            told: Any = await self._world.commands.run(command, arguments)
        except RingfenceError as error:
            return self._shown(session, 422, str(error))
        logger.info("web.certificate: %s from %s", word, request.remote)
        session.notices.append(told["told"])
        return see(PATH)

    def _shown(self, session: Session, code: int = 200, error: str = "") -> web.Response:
        statuses = self._world.statuses()
        own, ca = (statuses.get(name) for name in ("certificates", "custom_ca"))
        data: dict[str, Any] = dict(own.data) if own else {}
        held = data.get("held", [])
        return self._view.page(
            "certificate.html",
            code,
            session=session,
            path=PATH,
            error=error,
            shows=[one for one in held if one["own"]],
            trusts=[one for one in held if not one["own"]],
            deletable=any(one["custom"] for one in held),
            renews=data.get("scep", False),
            states=[one for one in (own, ca) if one],
            fetches=bool(self._world.snapshot().settings.provisioning.custom_ca_rule),
            applications=list(self._believes(str(data.get("wired", "")))),
            settings=[(forms.place_of(row.tag), row) for row in SETTINGS],
        )

    def _believes(self, wired: str) -> Iterator[Believes]:
        """Yield what each application trusts and shows."""
        settings, facts = self._world.snapshot().settings, self._world.facts()
        for application in APPLICATIONS.values():
            policy = policy_for(application, settings, facts)
            if application is WEB_SERVER:
                own = facts.own_certificate
                shown = own.name if own else _("one that the phone made itself")
                yield Believes(application.title, "", "", shown)
                continue
            checks = OF_LINES if application is SIP else CHECKED[policy.names]
            client = policy.client
            shown = client.name or client.fingerprint[:16] if client else ""
            yield Believes(application.title, _trusted(policy), checks, shown)
        if settings.system.enable_802_1x_authentication:
            policy = policy_for(SIP, settings, facts)
            yield Believes("802.1X", _trusted(policy), "", "" if wired == "no" else wired)


def _trusted(policy: TlsPolicy) -> str:
    """Return whom an application trusts."""
    trust = policy.trust
    if trust.provider_root and trust.custom:
        return _("Provider Root and Custom CA")
    if trust.provider_root:
        return _("Provider Root")
    return _("Custom CA") if trust.custom else _("nobody: no CA is installed")
