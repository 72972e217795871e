"""The boot of the lab, told in one line a step, from what its servers and the kernel said."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

WIDTH = 14

Data = Mapping[str, Any]


def line(told: Data) -> str:
    """Return one step of the story: `{"step", "ok", "seconds", "data"}` or with a `reason`."""
    text = words(told["step"], told["data"]) if told["ok"] else f"FAILED: {told['reason']}"
    return f"{told['seconds']:7.2f} s  {told['step']:{WIDTH}}{text}"


def words(step: str, data: Data) -> str:
    """Return what a step proved."""
    return _STEPS[step](data)


def ranges(pairs: Iterable[Iterable[int]]) -> str:
    """Return port ranges in words, `68, 16384-16483`."""
    texts = (f"{first}" if first == last else f"{first}-{last}" for first, last in pairs)
    return ", ".join(texts) or "none"


def _network(data: Data) -> str:
    return f"{_list(data['nodes'])} wired on {' and '.join(data['networks'])}"


def _certificates(data: Data) -> str:
    return (
        f"provider's roots; servers {_list(data['servers'])};"
        f" device {data['product']} {data['mac']}"
    )


def _servers(data: Data) -> str:
    return f"{_list(data['versions'])} answer"


def _phone(data: Data) -> str:
    user = f"user {data['user']}"
    if data["root_because"]:
        user = f"root of the lab ({data['root_because']})"
    return f"runs as {user}, with {', '.join(data['capabilities'])} and no other capability"


def _port(data: Data) -> str:
    return (
        f"{data['port']} shut for all but {_list(data['open'])}; {data['server']} knows the phone"
        f" as {data['user']} by {data['method']}; the kernel had stopped {data['blocked_in']}"
        f" frames from there and {data['blocked_out']} for it"
    )


def _computer(data: Data) -> str:
    return (
        f"{data['address']} behind the phone let in by its own supplicant; of either supplicant's"
        f" frames the other never heard {data['kept']}"
    )


def _lease(data: Data) -> str:
    won = f"option {data['option']} names {data['text']}" if data["option"] else "no profile option"
    return f"{data['address']}/{data['prefix']} from {data['server']}, as its log says; {won}"


def _firewall(data: Data) -> str:
    return f"kernel holds UDP {ranges(data['udp'])}; TCP {ranges(data['tcp'])}"


def _vpn(data: Data) -> str:
    return (
        f"ocserv at {data['server']} holds {data['user']} of group {data['group']} at"
        f" {data['address']}, {data['cipher']}; the kernel sends everything into the tunnel"
    )


def _activation(data: Data) -> str:
    return (
        f"virgin phone, and DHCP names nobody: it asked its activation server, which knew"
        f" {data['device']} by its certificate and told it {data['rule']}; DNS was asked for"
        f" {_list(data['names'])}, and for nothing else"
    )


def _provisioning(data: Data) -> str:
    dead = f"{_list(data['dead'])} dead, " if data["dead"] else ""
    return (
        f"{data['name']}: {dead}{data['used']} used; its certificate is the provider's and names"
        f" it; it saw the phone's, {data['device']}"
    )


def _proxy(data: Data) -> str:
    found = f" (says {data['pac']})" if data["pac"] else ""
    user = "" if data["user"] == "-" else f" as user {data['user']}"
    return (
        f"{data['by']}{found}: Squid let the phone through to {data['url']}{user}; the provisioning"
        f" server was asked from {data['address']}, and the switch saw the phone try to go there"
        f" itself {data['barred']} times"
    )


def _profile(data: Data) -> str:
    return (
        f"{data['named_by']} names {data['url']}; the file from {data['address']} set"
        f" {data['changed']} values; rsyslog received: {data['syslog'] or 'nothing'}"
    )


def _registration(data: Data) -> str:
    lines = [
        f"{entry['user']} over {entry['transport'].upper()}"
        + (f" ({', '.join(more)})" if (more := _of_registration(entry)) else "")
        for entry in data["lines"]
    ]
    return f"Kamailio holds {_list(lines)}"


def _of_registration(entry: Data) -> list[str]:
    known = [entry["version"], entry["suite"], "SRTP agreed on" if entry["mediasec"] else ""]
    return [words for words in known if words]


def _directory(data: Data) -> str:
    return (
        f"{data['server']}, {data['security']}: slapd saw {data['who']} sign in and ask for"
        f" {data['filter']}; found {_list(data['found']) or 'nobody'}"
    )


def _acs(data: Data) -> str:
    return (
        f"{data['url']} by DHCP option 125: heard {data['device']}, {data['login']}:"
        f" {data['events']}; asked for a session at TCP {data['request_port']} and read"
        f" {data['path']}: {data['value'] or 'empty'}"
    )


def _stranger(data: Data) -> str:
    knocks = data["knocks"]
    open_ = [port for port, verdict in knocks.items() if verdict in ("open", "refused")]
    shut = [port for port in knocks if port not in open_]
    said = f"INVITE to {data['user']} answered {data['status']} {data['reason']}"
    if not data["user"]:
        said = str(data["reason"])
    return f"{said}; open to it: {_list(open_) or 'nothing'}; shut: {_list(shut)}"


def _list(items: Iterable[str]) -> str:
    *most, last = items or [""]
    return f"{', '.join(most)} and {last}" if most else str(last)


_STEPS: Mapping[str, Callable[[Data], str]] = {
    "network": _network,
    "certificates": _certificates,
    "servers": _servers,
    "phone": _phone,
    "port": _port,
    "computer": _computer,
    "lease": _lease,
    "firewall": _firewall,
    "vpn": _vpn,
    "activation": _activation,
    "provisioning": _provisioning,
    "proxy": _proxy,
    "profile": _profile,
    "registration": _registration,
    "acs": _acs,
    "directory": _directory,
    "stranger": _stranger,
}
STEPS = tuple(_STEPS)
"""Every step that a boot may have, in order."""


def ending(program: str, name: str, page: str, login: str, phone: str) -> list[str]:
    """Return what a newcomer can do next; `program` is how ringfence was called."""
    own = "" if name == "default" else f" --name {name}"
    return [
        "",
        f"The administrator's page:  {page}admin/advanced  ({login})",
        "",
        "Break it:",
        f"  {program} lab break{own} server-name",
        f"  {program} lab break{own} dns-lies",
        f"  {program} lab break{own}",
        "",
        "Look around:",
        f"  {program} lab status{own}",
        f"  {program} lab shell{own} phone -- nft list table inet ringfence",
        f"  {program} lab shell{own} stranger -- ping -c 1 {phone}",
        "",
        "Call from one line to the other, once it does not challenge whoever calls:",
        f"  {program} lab phone{own} set Auth_INVITE_2_=No",
        f"  {program} lab phone{own} dial 1002 --line 1",
        f"  {program} lab phone{own} answer",
        f"  {program} lab phone{own} status",
        "",
        "End it:",
        f"  {program} lab down{own}",
    ]


def of_acs(program: str, name: str, folder: str) -> list[str]:
    """Return what a newcomer can have the phone do as its ACS."""
    own = "" if name == "default" else f" --name {name}"
    ask = f"  {program} lab shell{own} servers -- {program} provider acs"
    return [
        "",
        "Manage the phone as its ACS:",
        f"{ask} informs --dir {folder}",
        f"{ask} get --dir {folder} Device.DeviceInfo.",
        f"{ask} set --dir {folder} Device.X_CISCO_SecuritySettings.TLSCipherList=HIGH",
        f"{ask} reboot --dir {folder} --key mine",
    ]
