"""The factory reset: a phone as it left the factory or as it was, whatever the power does.

A marker says that the reset is decided; it is whole on the disk before anything is removed, and
the last to go. Whoever finds it ends the work before reading anything else.
Source: rulings 3; PRV-23.
"""

import logging

from ringfence.runtime import device, slots
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

MARKER = "factory-reset"
STAYS = frozenset(
    {
        *(device.DEVICE, device.CERTIFICATE, device.KEY, device.PROVIDER_ROOT),
        *(device.FIRMWARE_ROOT, *slots.FILES),
        "lock",  # see `Host.lock`
    }
)
"""Files that stay: who the device is, its manufacturer's certificate, whom it trusts from there;
its firmware, and which older one must not come back."""


def pending(host: Host) -> bool:
    """Return whether a reset was decided and has not come to its end."""
    return bool(host.names(MARKER))


def begin(host: Host) -> None:
    """Decide on a reset; from here on it happens, at the latest at the next start.

    Raises:
        ComponentError: the disk refused; nothing is lost.

    """
    host.write(MARKER, b"")


def finish(host: Host) -> bool:
    """Remove everything but what stays, if a reset was decided; return whether one was.

    Raises:
        ComponentError: the disk refused; the next start tries again.

    """
    if not pending(host):
        return False
    host.erase(STAYS | {MARKER})
    host.erase(STAYS)
    logger.info("phone.factory_reset: the phone is as it left the factory")
    return True
