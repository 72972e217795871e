"""The packet filter of the namespace we run in, through libnftables kept open."""

import ctypes
import errno
import os
import re
import socket
import weakref
from collections.abc import Iterable, Mapping

from ringfence.errors import ComponentError
from ringfence.protocols.nftables import Request
from ringfence.protocols.pattern import pattern
from ringfence.runtime.host_nft_netlink import NETLINK_NETFILTER, Transactions, plain
from ringfence.runtime.host_ready import arrived

LIBRARY = "libnftables.so.1"
NFNLGRP_NFTABLES = 7
"""Source: linux/netfilter/nfnetlink.h."""
STATELESS = 1 << 2
"""`NFT_CTX_OUTPUT_STATELESS`. Source: nftables/libnftables.h."""

_PROTOCOL = pattern(r"\b(l4proto|protocol) (6|17)\b")
_NAMES = {"6": "tcp", "17": "udp"}
_LEARNT = pattern(r"(\t\tflags dynamic\b.*\n(?:\t\t(?!elements).*\n)*)\t\telements = {[^}]*}\n")
"""What packets put into a dynamic set."""


class Nft:
    """One libnftables context for the life of the process.

    It stays open because closing a netlink socket that has just removed rules blocks for
    10 ms and more in the kernel. A command takes about a millisecond and does not wait; changes
    that are known exactly go past the library, in a fiftieth of that.
    """

    def __init__(self) -> None:
        """Open the library.

        Raises:
            ComponentError: it is not installed.

        """
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise ComponentError(
                "nftables", f"{LIBRARY} cannot be loaded ({error}); install libnftables1"
            ) from error
        context = _declare(self._library)(0)
        if not context:
            raise ComponentError("nftables", "libnftables gives no context")
        self._context = ctypes.c_void_p(context)
        weakref.finalize(self, self._library.nft_ctx_free, self._context)
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        self._library.nft_ctx_output_set_flags(self._context, STATELESS)
        self._transactions = Transactions()

    def run(self, commands: str) -> str:
        """Carry out commands of nft(8) as one transaction and return what they print.

        Raises:
            ComponentError: the kernel or the library refused; nothing changed.

        """
        if self._library.nft_run_cmd_from_buffer(self._context, commands.encode()):
            reason: bytes = self._library.nft_ctx_get_error_buffer(self._context)
            raise ComponentError("nftables", _plain(reason.decode(errors="replace")))
        output: bytes = self._library.nft_ctx_get_output_buffer(self._context)
        return output.decode(errors="replace")

    def table(self, name: str) -> str:
        """Return the listing of a table as it was written, empty when there is none.

        Counts are left out, and elements that packets put into dynamic sets. Protocols have
        names, also where the machine has no /etc/protocols.

        Raises:
            ComponentError: the kernel or the library refused.

        """
        try:
            listing = self.run(f"list table {name}")
        except ComponentError as error:
            if os.strerror(errno.ENOENT) in error.detail:
                return ""
            raise
        return written(listing)

    def counters(self, table: str) -> Mapping[str, int]:
        """Return `{name: packets}` of the named counters of a table.

        Raises:
            ComponentError: there is no such table.

        """
        self._library.nft_ctx_output_set_flags(self._context, 0)
        try:
            listing = self.run(f"list counters table {table}")
        finally:
            self._library.nft_ctx_output_set_flags(self._context, STATELESS)
        found = re.findall(r"counter (\S+) \{\s+packets (\d+)", listing)
        return {name: int(packets) for name, packets in found}

    def commit(self, requests: Iterable[Request], generation: int) -> int | None:
        """Carry out requests as one transaction that builds on a generation; return the new one.

        None where somebody changed rules since that generation; then nothing changed.

        Raises:
            ComponentError: the kernel refused a request; nothing changed.

        """
        return self._transactions.commit(requests, generation)

    def generation(self) -> int:
        """Return the number of the last transaction of anybody in this namespace.

        Raises:
            ComponentError: the kernel refused.

        """
        return self._transactions.generation()

    def rules(self, table: str) -> Mapping[str, list[bytes]]:
        """Return the expressions of every rule of a table of family inet, by chain, in order.

        Raises:
            ComponentError: the kernel refused.

        """
        return self._transactions.rules(table.removeprefix("inet "))

    def watch(self) -> "Watch":
        """Return a watch over every change of rules from now on.

        Raises:
            ComponentError: not allowed.

        """
        return Watch()


class Watch:
    """Tells that somebody, ourselves included, changed rules in this namespace."""

    def __init__(self) -> None:
        """Subscribe to the kernel's notices.

        Raises:
            ComponentError: the kernel refused.

        """
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        try:
            self._socket = socket.socket(socket.AF_NETLINK, kind, NETLINK_NETFILTER)
        except OSError as error:
            raise ComponentError("nftables", f"no notices: {error.strerror}") from error
        try:
            self._socket.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
        except OSError as error:
            self._socket.close()
            raise ComponentError("nftables", f"no notices: {error.strerror}") from error

    async def changed(self) -> None:
        """Return after the next change; notices that pile up count as one."""
        try:
            await arrived(self._socket)
            while self._socket.recv(65536):
                pass
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # more notices than the socket holds: a change
                raise ComponentError("nftables", f"no notices: {error.strerror}") from error

    def close(self) -> None:
        """End the watch."""
        self._socket.close()


def written(listing: str) -> str:
    """Return a listing without what packets put into sets, and with protocols by their names."""
    listing = _LEARNT.sub(r"\1", listing)
    return _PROTOCOL.sub(lambda found: f"{found[1]} {_NAMES[found[2]]}", listing)


def _declare(library: ctypes.CDLL) -> "ctypes._NamedFuncPointer":
    """Give the functions their types; return the one that makes a context."""
    context, text = ctypes.c_void_p, ctypes.c_char_p
    library.nft_ctx_new.argtypes, library.nft_ctx_new.restype = [ctypes.c_uint32], context
    library.nft_ctx_free.argtypes, library.nft_ctx_free.restype = [context], None
    library.nft_ctx_buffer_output.argtypes = [context]
    library.nft_ctx_buffer_error.argtypes = [context]
    library.nft_ctx_output_set_flags.argtypes = [context, ctypes.c_uint]
    library.nft_ctx_output_set_flags.restype = None
    library.nft_run_cmd_from_buffer.argtypes = [context, text]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        function = getattr(library, name)
        function.argtypes, function.restype = [context], text
    return library.nft_ctx_new


def _plain(reason: str) -> str:
    """Return the message of libnftables without its quotation of our commands."""
    first = next((line for line in reason.splitlines() if "Error:" in line), reason.strip())
    return plain(first.rpartition("Error: ")[2][:300])
