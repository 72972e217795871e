"""What a person asks of the ACS, as a method of CWMP. No I/O."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from ringfence.errors import ConfigError
from ringfence.protocols.cwmp import messages as cwmp

KINDS = {"firmware": "1 Firmware Upgrade Image", "configuration": "3 Vendor Configuration File"}
LEVELS = {"off": 0, "passive": 1, "active": 2}
KNOWN = {"PeriodicInformEnable": "boolean", "PeriodicInformInterval": "unsignedInt"}
"""`{last part of a path: type}` of TR-181, where it is no text."""
TYPES = ("string", "boolean", "unsignedInt", "int")


class Order(Struct, frozen=True):
    """What is asked, as it travels from the command line to the ACS."""

    verb: str
    device: str = ""
    names: tuple[str, ...] = ()
    """Paths, or `PATH=VALUE` and `PATH:TYPE=VALUE`."""
    key: str = ""
    url: str = ""
    kind: str = "firmware"
    level: str = "active"
    seconds: int = 60


_MADE: Mapping[str, Callable[[Order], cwmp.Message]] = {
    "get": lambda order: cwmp.GetParameterValues(order.names),
    "names": lambda order: cwmp.GetParameterNames(next(iter(order.names), ""), True),
    "attributes": lambda order: cwmp.GetParameterAttributes(order.names),
    "methods": lambda order: cwmp.GetRPCMethods(),
    "reboot": lambda order: cwmp.Reboot(order.key),
    "factory-reset": lambda order: cwmp.FactoryReset(),
    "schedule": lambda order: cwmp.ScheduleInform(order.seconds, order.key),
    "download": lambda order: cwmp.Download(order.key, KINDS[order.kind], order.url),
    "notify": lambda order: cwmp.SetParameterAttributes(
        tuple(
            cwmp.SetParameterAttributesStruct(name, True, LEVELS[order.level], False, ())
            for name in order.names
        )
    ),
}


def message_of(order: Order, types: Mapping[str, str]) -> cwmp.Message:
    """Return the method to call on a phone; `types` are those that it gave for its parameters.

    Raises:
        ConfigError: it is none.

    """
    if order.verb == "set":
        values = tuple(_value(text, types) for text in order.names)
        return cwmp.SetParameterValues(values, order.key)
    if order.verb not in _MADE:
        raise ConfigError(order.verb[:40], "is nothing that a phone can do")
    return _MADE[order.verb](order)


def _value(text: str, types: Mapping[str, str]) -> cwmp.ParameterValueStruct:
    """Return the parameter in `PATH=VALUE`; where no type is named, the one that the phone gave."""
    name, equals, value = text.partition("=")
    path, _, kind = name.partition(":")
    if not equals:
        raise ConfigError(name[:80], "has no value", "write PATH=VALUE or PATH:TYPE=VALUE")
    if kind and kind not in TYPES:
        raise ConfigError(name[:80], f"{kind!r} is no type", f"one of {', '.join(TYPES)}")
    kind = kind or types.get(path) or KNOWN.get(path.rpartition(".")[2], "string")
    return cwmp.ParameterValueStruct(path, cwmp.Value(value, kind))


def ended(told: Mapping[str, str]) -> str:
    """Return how a download came out, in words; empty where a call tells of none."""
    if (code := told.get("FaultCode")) is None:
        return ""
    how = "done" if code == "0" else f"fault {code}: {told['FaultString']}"
    return f"{told['CommandKey']}: {how}" if told["CommandKey"] else how


def words(told: Mapping[str, object]) -> Sequence[str]:
    """Return an answer in lines for people."""
    fault, answer = told.get("fault"), told.get("answer")
    if isinstance(fault, dict):
        lines = [f"fault {fault['FaultCode']}: {fault['FaultString']}"]
        return lines + [
            f"  {each['ParameterName']}: {each['FaultCode']} {each['FaultString']}"
            for each in fault["SetParameterValuesFault"]
        ]
    if not isinstance(answer, dict):
        return [str(told.get("error", "no answer"))]
    rows = answer.get("ParameterList") or answer.get("MethodList")
    if rows is None:
        said = ", ".join(f"{key} {text}" for key, text in answer.items())
        return [f"{told['method']}: {said or 'done'}"]
    return [_row(each) for each in rows]


def _row(each: object) -> str:
    if not isinstance(each, dict):
        return str(each)
    if "Value" in each:
        return f"{each['Name']} = {each['Value']['text']}"
    rest = " ".join(f"{key} {text}" for key, text in each.items() if key != "Name")
    return f"{each['Name']}  {rest}"
