"""The phone's own process: its start, and the file it may be started with."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ringfence.config.snapshot import Origin
from ringfence.errors import ComponentError, ConfigError
from ringfence.features import FIRST, ORDER, WAVES, load
from ringfence.policy.vlan import interface as voice_interface
from ringfence.policy.vpn import INTENT
from ringfence.runtime import reset
from ringfence.runtime.device import (
    certificate,
    codecs,
    connection_request_port,
    custom_certificate,
    identity,
    trust,
    voice_vlan,
)
from ringfence.runtime.host import Host
from ringfence.runtime.keeper import CANNOT, REFUSED
from ringfence.runtime.log import OneLine
from ringfence.runtime.memory import Memory
from ringfence.runtime.phone import Phone
from ringfence.runtime.state import Facts, Sound

if TYPE_CHECKING:
    from ringfence.runtime.host_trace import TraceFile

logger = logging.getLogger(__name__)

TURN = 0.0005
"""Seconds after which a thread gives way to another that waits for its turn; Python's own 0.005
are a quarter of a packet's time."""


def boot(  # noqa: PLR0913 - a start has as many parts
    host: Host,
    config: Path | None,
    interface: str | None,
    sound: Sound,
    reboot_reason: Callable[[str], None],
    trace: "TraceFile | None" = None,
    *,
    debug: bool,
) -> int:
    """Run one life of the phone and return its exit code for the keeper."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(OneLine())
    logging.basicConfig(handlers=[shown], level=logging.DEBUG if debug else logging.INFO)
    sys.setswitchinterval(TURN)
    try:
        reset.finish(host)
        vlan = voice_vlan(host)
        facts = Facts(
            identity=identity(host, interface),
            sound=replace(sound, codecs=codecs()),
            trust=trust(host),
            client=certificate(host),
            custom=custom_certificate(host),
            voice_vlan=vlan,
            voice_interface=voice_interface(vlan.number) if vlan else "",
            connection_request_port=connection_request_port(host),
        )
        if sound != Sound():
            _check(sound)
        memory = Memory(host, facts.identity.firmware, facts.identity.realm)
        facts = replace(facts, vpn_asked=memory.intents.get(INTENT, ""))
        memory.settle()
        if config is not None:
            _apply(memory, config)
        if trace:
            _trace(host, trace, facts.identity.interface)
        waves = [load(wave) for wave in WAVES]
        later = load(name for name in ORDER if name not in FIRST)
        phone = Phone(waves, host, facts, memory, reboot_reason, later=later, order=ORDER)
        return asyncio.run(phone.run())
    except ConfigError as error:
        logger.error("phone.refused: %s", error)
        return REFUSED
    except ComponentError as error:
        logger.error("phone.cannot_start: %s", error)
        return CANNOT


def _trace(host: Host, file: "TraceFile", interface: str) -> None:
    from ringfence.runtime.trace import Trace  # only a start with a trace pays for it

    host.trace = Trace(host.wall, file, interface)


def _check(sound: Sound) -> None:
    from ringfence.protocols.rtp.g711 import RATE  # only a start with devices pays for it
    from ringfence.runtime.host_sound import check_devices

    check_devices(sound, RATE)


def _apply(memory: Memory, config: Path) -> None:
    from ringfence.config.cfgxml import LIMIT, read  # only a start with a file pays for it

    try:
        with config.open("rb") as file:
            data = file.read(LIMIT + 1)  # so that a device is no trap
    except OSError as error:
        raise ConfigError(str(config), error.strerror or "cannot be read") from error
    document = read(data)
    for finding in document.findings:
        logger.warning("config.%s: line %s: %s", finding.rule, finding.line, finding.message)
    for refused in memory.submit(document.changes(memory.snapshot), Origin.PROFILE):
        logger.warning("config.refused: %s", refused)
    memory.places.remember(str(config), document)
