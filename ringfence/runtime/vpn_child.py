"""The process that becomes openconnect.

It gives up every privilege first, because what it becomes reads what any server says; its tunnel
was made for it by `ringfence.runtime.host_tunnel`. It ends with the phone, and takes leave of the
server then.
Source: architecture A.4; openconnect(8), getrlimit(2).
"""

import os
import resource
import signal

from ringfence.runtime.confine import surrender

ADDRESS_SPACE = 512 << 20
"""Bytes: it takes 14 MB, and a login page without an end must not take all there are."""
FILES = 64


def main(parent: str, *argv: str) -> None:
    """Become a program, given with its words; `parent` is the process that started this one."""
    limits = {resource.RLIMIT_AS: ADDRESS_SPACE, resource.RLIMIT_NOFILE: FILES}
    surrender(int(parent), signal.SIGTERM, limits)
    os.execv(argv[0], argv)  # noqa: S606 - an argument vector, no shell
