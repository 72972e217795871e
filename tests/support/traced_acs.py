"""Our ACS, with every body that went over the wire in a folder, for the judge."""

import os
import sys
import time
from pathlib import Path

from ringfence.cli import main
from ringfence.provider.acs import server
from ringfence.provider.acs.desk import Session

FOLDER = "TRACED_ACS"


class Traced(Session):
    """A session that leaves what was said."""

    def receive(self, data: bytes) -> bytes:
        """Return what the ACS answers."""
        _keep(data)
        answer = super().receive(data)
        _keep(answer)
        return answer


def _keep(data: bytes) -> None:
    if data.strip():
        (Path(os.environ[FOLDER]) / f"{time.monotonic_ns():020}.xml").write_bytes(data)


if __name__ == "__main__":
    setattr(server, "Session", Traced)  # noqa: B010 - it is imported there, not its own
    sys.exit(main(sys.argv[1:]))
