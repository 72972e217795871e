"""The file of a problem report: redacted, searched for secrets, packed. Pure."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping

from ringfence.config.cfgxml_write import written
from ringfence.config.settings import slots
from ringfence.config.snapshot import Snapshot
from ringfence.errors import PolicyError
from ringfence.policy.disclosure import Disclosure

LIMIT = 2 << 20
"""Bytes of the packed file."""
LARGEST = 1 << 20
"""Bytes of one thing in it; of a longer one the end counts."""

_ABOUT = """\
Problem report of a phone, for whoever looks for a fault.

log.txt        what the phone logged last, since it was started
status.json    how every feature was doing
settings.xml   the settings; those that may hold a secret are comments without a value
reboots.txt    the last reboots and why, newest first
firewall.nft   the rules that the kernel held
trace.pcapng   only while a trace was on: who spoke with whom and when. No keys, and nothing
               of what was said; the trace itself never leaves the phone

Every secret of the phone reads *** here. Those of fewer than six characters are not looked for,
but nothing in here is meant to hold one.
"""


def texts(
    snapshot: Snapshot,
    status: Mapping[str, object],
    log: Iterable[str],
    reboots: Iterable[str],
    ruleset: str,
) -> Mapping[str, bytes]:
    """Return `{name: contents}` of all that is text, without secrets."""
    disclosure = Disclosure(snapshot.settings)
    plain = {
        "about.txt": _ABOUT,
        "log.txt": "".join(f"{line}\n" for line in log),
        "status.json": json.dumps(status, indent=1, ensure_ascii=False) + "\n",
        "reboots.txt": "".join(f"{line}\n" for line in reboots),
        "firewall.nft": ruleset,
        "settings.xml": written(snapshot, slots(), disclosure.withheld).decode(),
    }
    found = {name: disclosure.redacted(text).encode() for name, text in plain.items()}
    return {name: data[-LARGEST:] for name, data in found.items()}


def packed(snapshot: Snapshot, members: Mapping[str, bytes], at: float) -> bytes:
    """Return the tar.gz of things; `at` is their time, in seconds since the epoch.

    Raises:
        PolicyError: one of them holds a secret of the settings, or all are too large.

    """
    disclosure = Disclosure(snapshot.settings)
    for name, data in members.items():
        if tag := disclosure.holder(data):
            raise PolicyError("problem-report-secret", f"{name} would show the value of {tag}")
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"problem-report/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(at), 0o600
            archive.addfile(entry, io.BytesIO(data))
    made = file.getvalue()
    if len(made) > LIMIT:
        raise PolicyError("problem-report-size", f"it has more than {LIMIT >> 10} KiB")
    return made
