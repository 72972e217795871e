"""`openssl s_server` that answers many clients and shows each ClientHello that it received."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import Pair
from tests.support.tls_servers import PATIENCE, end, wait_for_listener


class HelloServer:
    """Collects the ClientHello records of every connection to one port."""

    def __init__(
        self, space: Namespace, folder: Path, certificate: Pair, port: int, *words: str
    ) -> None:
        files = certificate.save(folder, f"server-{port}")
        self._process = space.popen(
            *("openssl", "s_server", "-accept", str(port), "-msg", *words),
            *("-cert", files[0], "-key", files[1]),
            stdin=subprocess.PIPE,  # at the end of its input it would end the connection
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._hellos: Queue[bytes] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_for_listener(space, port)

    def next(self) -> bytes:
        """Return the next ClientHello, as one record."""
        return self._hellos.get(timeout=PATIENCE)

    def stop(self) -> None:
        self._process.kill()
        self._reader.join(PATIENCE)
        end(self._process)

    def _read(self) -> None:
        for message in self._messages():
            self._hellos.put(b"\x16\x03\x01" + len(message).to_bytes(2) + message)

    def _messages(self) -> Iterator[bytes]:
        """Yield the bytes that are dumped below each line that names a ClientHello."""
        message: bytes | None = None
        for line in self._process.stdout or ():
            if line.startswith("    ") and message is not None:
                message += bytes.fromhex(line)
                length = int.from_bytes(message[1:4]) + 4
                if len(message) == length:
                    yield message
                    message = None
            else:
                message = b"" if line.rstrip().endswith(", ClientHello") else None
