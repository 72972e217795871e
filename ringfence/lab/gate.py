"""A port of the lab's switch that is shut for whoever hostapd has not authorised.

Usage: `python -m ringfence.lab.gate PORT FOLDER`, in the switch's node; FOLDER is hostapd's control
interface. Each station is let through by its address, so a phone and the PC behind it are
authorised separately; a wire that is pulled out shuts the port for everyone, and so does a
hostapd that is gone. What the kernel holds outlives this process. Prints `gate.ready`, then
`gate.open MAC` and `gate.shut MAC`.
"""

import select
import socket
import sys
from contextlib import closing
from pathlib import Path

from ringfence.errors import ComponentError
from ringfence.runtime import host_interface
from ringfence.runtime.host_nft import Nft
from ringfence.runtime.host_packets import carriers

TABLE = "netdev gate"
PAE_GROUP = "01:80:c2:00:00:03"
"""IEEE 802.1X-2004 table 7-2."""
PATIENCE, PULSE = 1.0, 0.5
"""Seconds that hostapd has to answer, and between two questions whether it is still there."""
AGAIN = 0.02
"""Seconds between two looks for a hostapd that is not there."""
EVERYONE = "ff:ff:ff:ff:ff:ff"
RTMGRP_LINK = 1


def ruleset(port: str, own: str) -> str:
    """Return the rules of a port that is shut for all: only EAPOL to and from the switch passes."""
    return f"""\
table {TABLE} {{ }}
delete table {TABLE}
table {TABLE} {{
  counter blocked_in {{ }}
  counter blocked_out {{ }}
  set authorised {{ type ether_addr; }}
  chain ingress {{
    type filter hook ingress device "{port}" priority filter; policy drop;
    ether type 0x888e ether daddr {PAE_GROUP} accept
    ether type != 0x888e ether saddr @authorised accept
    counter name blocked_in
  }}
  chain everyone {{ }}
  chain egress {{
    type filter hook egress device "{port}" priority filter; policy drop;
    ether type 0x888e ether saddr {own} accept
    ether type 0x888e drop
    ether daddr @authorised accept
    ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 jump everyone
    counter name blocked_out
  }}
}}
"""


class Gate:
    """The kernel's rules for one port, and who may pass."""

    def __init__(self, port: str) -> None:
        """Shut the port.

        Raises:
            ComponentError: no such port, or the kernel refused.

        """
        self._nft = Nft()
        self._open: set[str] = set()
        self._nft.run(ruleset(port, host_interface.hardware_address(port).hex(":")))

    def set(self, authorised: set[str]) -> None:
        """Let these stations pass and no other, at once for all.

        Raises:
            ComponentError: the kernel refused.

        """
        new, gone = authorised - self._open, self._open - authorised
        lines = [f"delete element {TABLE} authorised {{ {mac} }}" for mac in sorted(gone)]
        lines += [f"add element {TABLE} authorised {{ {mac} }}" for mac in sorted(new)]
        lines.append(f"flush chain {TABLE} everyone")
        if authorised:
            lines.append(f"add rule {TABLE} everyone accept")
        if new or gone:
            self._nft.run("\n".join(lines))
        self._open = set(authorised)
        for mac in sorted(gone):
            print(f"gate.shut {mac}", flush=True)
        for mac in sorted(new):
            print(f"gate.open {mac}", flush=True)

    def hear(self, event: str) -> None:
        """Obey one event of hostapd."""
        match event.partition(">")[2].split():
            case ["AP-STA-CONNECTED", mac, *_]:
                self.set(self._open | {mac})
            case ["AP-STA-DISCONNECTED", mac, *_]:
                self.set(self._open - {mac})


class Control:
    """A connection to hostapd's control interface."""

    def __init__(self, path: Path) -> None:
        """Connect; raises `OSError` where no hostapd is."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.events: list[str] = []
        try:
            self.socket.bind("")
            self.socket.connect(str(path))
            self.ask("ATTACH")
        except OSError:
            self.socket.close()
            raise

    def ask(self, command: str) -> str:
        """Return the answer to a command; events that come before it are kept."""
        self.socket.send(command.encode())
        while (said := self.socket.recv(8192).decode(errors="replace")).startswith("<"):
            self.events.append(said)
        return said

    def authorised(self) -> set[str]:
        """Return the stations that hostapd has authorised."""
        found, said = set[str](), self.ask("STA-FIRST")
        while said and not said.startswith("FAIL"):
            mac = said.split()[0]
            if "[AUTHORIZED]" in said:
                found.add(mac)
            said = self.ask(f"STA-NEXT {mac}")
        return found


def follow(gate: Gate, control: Control, port: str, links: socket.socket) -> None:
    """Do as hostapd says until it is gone; raises `OSError` then."""
    gate.set(control.authorised())
    wired, index = True, socket.if_nametoindex(port)
    while True:
        for event in control.events:
            gate.hear(event)
        control.events.clear()
        ready, _, _ = select.select([control.socket, links], [], [], PULSE)
        for connected in carriers(links.recv(65536), index) if links in ready else ():
            # What was told counts, not what is: a wire may be back already. One that is not there
            # yet takes nobody away: whoever has plugged in may be speaking to hostapd.
            if wired and not connected:
                unplugged(gate, control)
            wired = connected
        if control.socket in ready:
            control.events.append(control.socket.recv(8192).decode(errors="replace"))
        elif not ready:
            control.ask("PING")


def unplugged(gate: Gate, control: Control) -> None:
    """Have hostapd forget everyone, and shut the port; raises `OSError` where it is gone."""
    try:  # told last: whoever plugs in then meets a switch that knows nobody
        control.ask(f"DEAUTHENTICATE {EVERYONE}")
    finally:
        gate.set(set())


def main(port: str, folder: str) -> int:
    """Guard a port until killed; return an exit code."""
    try:
        gate = Gate(port)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as links, select.epoll() as pause:
            links.bind((0, RTMGRP_LINK))
            print("gate.ready", flush=True)
            while True:
                try:
                    control = Control(Path(folder, port))
                    with closing(control.socket):
                        follow(gate, control, port, links)
                except OSError:  # no hostapd, or none any more
                    gate.set(set())
                    pause.poll(AGAIN)
    except ComponentError as error:
        print(f"gate.failed {error}", flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
