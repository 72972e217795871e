"""`ringfence explain FILE`: what a cfg.xml would do, without root, network or phone."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from ringfence.cli import DONE, FINDINGS, printable, reading
from ringfence.config.cfgxml import Document
from ringfence.config.parameter import Status
from ringfence.config.settings import Settings, changed, slots, virgin
from ringfence.config.snapshot import Origin, Snapshot, shown, submit
from ringfence.errors import ComponentError, ConfigError, Finding, Severity
from ringfence.features import downloads, load, tr069
from ringfence.features.dot1x import words as dot1x
from ringfence.features.firewall.plan import describe
from ringfence.features.firewall.ruleset import ruleset
from ringfence.features.line.plan import LinePlan
from ringfence.features.line.words import calls, reach
from ringfence.features.vpn.words import described, told
from ringfence.policy import domains, route, tls
from ringfence.policy import servers as named_servers
from ringfence.policy.applications import APPLICATIONS
from ringfence.policy.macros import phone_values, setting_values
from ringfence.runtime.feature import plan_all
from ringfence.runtime.state import Facts, Identity

SCHEMA = 1
NAMED = 12
"""Parameters that one finding names."""


NO_PHONE = Facts()
"""Of no phone: neither lease nor certificates."""


class Explanation(Struct, frozen=True):
    """Everything that a phone would make of a file, as values."""

    snapshot: Snapshot
    base: Settings
    findings: tuple[Finding, ...]
    plans: Mapping[str, Mapping[str, Any]]
    """`{feature: {key: plan}}`."""
    tls: tuple[tls.TlsPolicy, ...]
    servers: tuple[named_servers.Server, ...]
    ways: Mapping[str, str]
    """`{application: how it gets to its servers}`, of those that an HTTP proxy serves."""
    macros: Mapping[str, str]


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the words."""
    parser.add_argument("file", help="a cfg.xml, plain or gzip; - is standard input")
    parser.add_argument("--json", action="store_true")
    reading.add_state(parser)
    reading.add_unit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain one file; 1 where it cannot be used at all."""
    try:
        document = reading.document(arguments.file)
    except (ConfigError, OSError) as error:
        print(f"ringfence: {printable(arguments.file)}: {reading.why(error)}", file=sys.stderr)
        return FINDINGS
    try:
        phone = reading.phone(arguments)
    except ComponentError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return FINDINGS
    explanation = explain(document, phone.identity, phone)
    if arguments.json:
        print(json.dumps(as_json(explanation), indent=1, ensure_ascii=False))
    else:
        print("\n".join(map(printable, as_text(explanation, arguments.file).split("\n"))))
    return DONE


def explain(document: Document, identity: Identity, held: Facts = NO_PHONE) -> Explanation:
    """Return what a virgin phone with certificates of its own would do with a document. Pure."""
    base = virgin(identity.firmware)
    virginal = Snapshot(base)
    snapshot, refused = submit(virginal, document.changes(virginal), Origin.PROFILE)
    facts = replace(held, identity=identity)
    decided, errors = plan_all(tuple(load()), snapshot.settings, facts)
    values = phone_values(
        identity.mac, identity.product, identity.serial, identity.firmware
    ) | setting_values(snapshot.settings)
    found = [
        *document.findings,
        *document.positioned(refused),
        *(placed(document, one) for one in _planned(decided.values())),
        *(placed(document, one) for one in policy_findings(snapshot.settings, values)),
        *_unobeyed(changed(base, snapshot.settings)),
        *(placed(document, _of_error(error)) for error in errors.values()),
    ]
    return Explanation(
        snapshot,
        base,
        tuple(dict.fromkeys(found)),
        {name: planned.plans for name, planned in decided.items()},
        tuple(tls.policy_for(row, snapshot.settings, facts) for row in APPLICATIONS.values()),
        tuple(named_servers.servers(snapshot.settings, values)),
        route.ways(snapshot.settings, identity.product),
        values,
    )


def policy_findings(settings: Settings, values: Mapping[str, str]) -> Iterable[Finding]:
    """Yield what the decisions that several features share have to say."""
    yield from domains.findings(settings.system.restricted_access_domains)
    yield from named_servers.findings(settings, values)


def _unobeyed(tags: Iterable[str]) -> Iterable[Finding]:
    """Yield one finding that names the values which wait for a later release."""
    later = [tag for tag in tags if slots()[tag].row.status is Status.LATER]
    if later:
        names = ", ".join(later[:NAMED]) + (", …" if len(later) > NAMED else "")
        values = "1 value is" if len(later) == 1 else f"{len(later)} values are"
        message = (
            f"{values} stored, but nothing obeys {'it' if len(later) == 1 else 'them'} yet: {names}"
        )
        remedy = "`ringfence parameters --without-effect` lists such parameters"
        yield Finding(Severity.INFO, "values-without-effect-yet", None, message, remedy)


def _planned(decided: Iterable[Any]) -> Iterable[Finding]:
    for planned in decided:
        yield from planned.findings


def _of_error(error: ConfigError) -> Finding:
    return Finding(
        Severity.ERROR, "cannot-plan", error.parameter, error.reason, error.remedy or "correct it"
    )


def placed(document: Document, finding: Finding) -> Finding:
    """Return the finding with the line of the element that it is about."""
    if finding.line is not None or finding.tag is None or finding.tag not in document.entries:
        return finding
    entry = document.entries[finding.tag]
    return replace(finding, line=entry.line, column=entry.column)


def as_json(explanation: Explanation) -> Mapping[str, object]:
    """Return the explanation as `--json` prints it; secrets are masked."""
    settings = explanation.snapshot.settings
    wall = explanation.plans["firewall"][""]
    return {
        "schema": SCHEMA,
        "settings": {
            tag: shown(explanation.snapshot, tag) for tag in changed(explanation.base, settings)
        },
        "findings": [
            {**asdict(one), "severity": one.severity.value} for one in explanation.findings
        ],
        "firewall": {**describe(wall), "ruleset": ruleset(wall)},
        "tls": [_policy(policy) for policy in explanation.tls],
        "servers": [_server(server) for server in explanation.servers],
        "dot1x": dot1x.described(explanation.plans["dot1x"][""]),
        "vpn": described(explanation.plans["vpn"][""]),
        "proxy": {
            "mode": settings.system.proxy_mode.value,
            "applications": dict(explanation.ways),
        },
        "lines": [
            {
                "n": n,
                "enabled": ext.line_enable,
                "transport": ext.sip_transport.value,
                "proxy": ext.proxy,
                "auth_invite": ext.auth_invite,
                **_line(explanation.plans["line"].get(str(n))),
            }
            for n, ext in enumerate(settings.ext, start=1)
        ],
    }


def _policy(policy: tls.TlsPolicy) -> Mapping[str, object]:
    return {
        "application": policy.application.name,
        "min_version": policy.minimum.value,
        "max_version": policy.maximum.value,
        "suites": list(policy.suites),
        "unavailable": list(policy.unavailable),
        "source": policy.source,
        "verify_name": policy.names.value != "skipped",
    }


def _server(server: named_servers.Server) -> Mapping[str, object]:
    return {
        "parameter": server.parameter,
        "url": server.url,
        "host": server.host,
        "verdict": "allowed" if server.allowed else "refused",
        "reason": server.reason,
    }


def _line(made: LinePlan | None) -> Mapping[str, object]:
    """Return in words how a line finds its registrars, and what its media may be."""
    home = made.home if made else None
    return {
        "reach": list(reach(made)) if made else [],
        "media_plane_security": home.mediasec.words(home.transport) if home else "",
        "calls": calls(made) if made else "",
    }


def _managed(explanation: Explanation) -> list[str]:
    """Return who manages the phone; nothing where nobody does."""
    texts = [tr069.show(plan).splitlines() for plan in explanation.plans["tr069"].values()]
    return [line for text in texts for line in ("TR-069", *(f"    {words}" for words in text))]


def _fetched(explanation: Explanation) -> list[str]:
    """Return which pictures and words come from servers; nothing where none do."""
    plans = explanation.plans["downloads"].values()
    show = downloads.FEATURE.show
    texts = [show(plan).strip() for plan in plans if plan.is_wanted]
    return ["Downloads", *(f"    {words}" for words in texts)] if texts else []


def as_text(explanation: Explanation, name: str) -> str:
    """Return the explanation for people."""
    data: Mapping[str, Any] = as_json(explanation)
    wall = data["firewall"]
    lines = [f"{name}: {len(data['settings'])} values differ from a virgin phone", ""]
    for one in explanation.findings:
        place = f"{name}:{one.line}:{one.column}" if one.line else name
        tag = f" {one.tag}:" if one.tag else ""
        lines += [f"{one.severity.value}: {place}:{tag} {one.message}", f"    {one.remedy}"]
    lines += ["" if explanation.findings else "no findings", "Firewall"]
    if wall["enabled"]:
        lines += [f"    {name.upper()} {_ranges(wall[name])}" for name in ("udp", "tcp")]
        lines.append(f"    ping {'answered' if wall['ping'] else 'dropped'}")
        said = "said of every closed port" if wall["unreachable"] else "said of RTP ports only"
        lines.append(f"    UDP port unreachable {said}")
    else:
        lines.append("    off: everything from outside is let in")
    lines.append(f"    multicast ping {'answered' if wall['broadcast_echo'] else 'dropped'}")
    lines.append("Servers")
    for server in data["servers"]:
        lines.append(f"    {server['parameter']}: {server['url']} {server['verdict']}")
        if server["verdict"] == "refused":
            lines.append(f"        {server['reason']}")
    lines.append("TLS")
    for policy in explanation.tls:
        lines.append(f"    {policy.application.name}: {tls.in_words(policy)}")
        if policy.unavailable:
            lines.append(f"        no library has {', '.join(policy.unavailable)}")
    lines.append("802.1X")
    lines += [f"    {words}" for words in dot1x.told(explanation.plans["dot1x"][""])]
    lines.append("HTTP proxy")
    lines += [f"    {name}: {way}" for name, way in data["proxy"]["applications"].items()]
    lines.append("    everything else: DIRECT")
    lines.append("VPN")
    lines += [f"    {words}" for words in told(explanation.plans["vpn"][""])]
    lines += [*_managed(explanation), *_fetched(explanation)]
    lines.append("Lines")
    for line in data["lines"]:
        if line["enabled"] and line["proxy"]:
            challenge = ", challenges INVITE" if line["auth_invite"] else ""
            lines.append(f"    {line['n']}: {line['transport']} {line['proxy']}{challenge}")
            lines += [f"        {words}" for words in line["reach"]]
            if line["media_plane_security"]:
                lines.append(f"        media plane security {line['media_plane_security']}")
                lines.append(f"        calls: {line['calls']}")
    return "\n".join(lines)


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    words = (str(a) if a == b else f"{a}-{b}" for a, b in ranges)
    return " ".join(words) or "none"
