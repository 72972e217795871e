"""The lab's first process: when it ends, the kernel takes everything of the lab away.

Usage: `python -m ringfence.lab.init CHANNEL LISTENER LOCK`, in namespaces of its own. CHANNEL is
a packet socket to the launcher, LISTENER the host's listening socket, and LOCK is held open as
long as the lab lives.
"""

import os
import socket
import sys

from ringfence.lab.sandbox import prepare, reap


def main(channel: str, listener: str, lock: str) -> int:
    """Start the director in a child, reap everything else, end with the director."""
    os.set_inheritable(int(lock), False)
    prepare()
    launcher = socket.socket(fileno=int(channel))
    launcher.send(b"{}")  # the kernel tells the launcher our process id
    child = os.fork()
    if child == 0:
        from ringfence.lab.director import direct

        os._exit(direct(launcher, socket.socket(fileno=int(listener))))
    launcher.close()
    os.close(int(listener))
    return reap(child)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
