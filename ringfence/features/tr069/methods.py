"""What the phone does when its ACS calls a method. Source: TR-069, section on RPC methods."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod

from ringfence.config.parameter import Effect
from ringfence.config.settings import slots
from ringfence.config.snapshot import Change, Origin, submit
from ringfence.errors import ComponentError
from ringfence.features.tr069.model import BOOLEAN, STRING, WORDS, Model, rows
from ringfence.features.tr069.record import SCHEDULED, TRANSFERS, Book, Scheduled, Transfer
from ringfence.policy.rules import parse_rule, parse_url
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.faults import (
    INTERNAL_ERROR,
    INVALID_ARGUMENTS,
    INVALID_NAME,
    INVALID_TYPE,
    INVALID_VALUE,
    METHOD_NOT_SUPPORTED,
    NOT_WRITABLE,
    NOTIFICATION_REJECTED,
    RESOURCES_EXCEEDED,
    UNSUPPORTED_SCHEME,
    CwmpError,
)
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

MOST = 20_000
"""Parameters of one answer."""
KEY = 32
"""Characters of a CommandKey or ParameterKey."""
LONGEST_DELAY = 7 * 86400
FIRMWARE, CONFIGURATION = "1 Firmware Upgrade Image", "3 Vendor Configuration File"
NEVER = "0001-01-01T00:00:00Z"
"""The time that is not known."""
PROVISIONING_CODE = "Device.DeviceInfo.ProvisioningCode"
_Wrong = tuple[str, int, str]
"""Parameter, fault and reason."""


class Methods:
    """Answers one method after another."""

    def __init__(self, world: World, book: Book, model: Callable[[], Model]) -> None:
        self._world = world
        self._book = book
        self._model = model
        self.then = ""
        """Command to give when the session is over."""

    def answer(self, called: cwmp.Message | CwmpError) -> cwmp.Message | CwmpError:
        """Return the answer, or the fault."""
        if isinstance(called, CwmpError):
            return called
        try:
            return self._do(called)
        except CwmpError as error:
            return error
        except ComponentError as error:
            logger.warning("tr069.not_done: %s", error)
            return CwmpError(INTERNAL_ERROR, "the disk refused")

    @singledispatchmethod
    def _do(self, called: cwmp.Message) -> cwmp.Message:
        raise CwmpError(METHOD_NOT_SUPPORTED, type(called).__name__)

    @_do.register
    def _methods(self, called: cwmp.GetRPCMethods) -> cwmp.Message:
        return cwmp.GetRPCMethodsResponse(tuple(cwmp.OF_CPE))

    @_do.register
    def _names(self, called: cwmp.GetParameterNames) -> cwmp.Message:
        found = self._model().names(called.parameter_path, next_level=called.next_level)
        return cwmp.GetParameterNamesResponse(found)

    @_do.register
    def _values(self, called: cwmp.GetParameterValues) -> cwmp.Message:
        model = self._model()
        found = self._paths(model, called.parameter_names)
        return cwmp.GetParameterValuesResponse(tuple(map(model.value, found)))

    def _paths(self, model: Model, names: Sequence[str]) -> tuple[str, ...]:
        """Return what all the names mean, each once."""
        found: dict[str, None] = {}
        for name in dict.fromkeys(names):
            found.update(dict.fromkeys(model.paths(name)))
            if len(found) > MOST:
                raise CwmpError(RESOURCES_EXCEEDED)
        return tuple(found)

    @_do.register
    def _set(self, called: cwmp.SetParameterValues) -> cwmp.Message:
        key = _key(called.parameter_key)
        model = self._model()
        given = {each.name: each.value for each in called.parameter_list}
        if len(given) < len(called.parameter_list):
            raise CwmpError(INVALID_ARGUMENTS, "a parameter stands there twice")
        wrong: dict[str, _Wrong] = {}
        texts: dict[str, str] = {}
        for path, value in given.items():
            if found := _judge(model, path, value):
                wrong[path] = found
            else:
                texts[path] = _text(model, path, value)
        known = rows()
        changes = {known[path]: Change(text) for path, text in texts.items() if path in known}
        before = self._world.snapshot()
        refused = (
            submit(before, changes, Origin.ACS)[1]
            if wrong
            else self._world.submit(changes, Origin.ACS, whole=True)
        )
        paths = {known[path]: path for path in texts if path in known}
        for error in refused:
            path = paths.get(error.parameter, "")
            wrong.setdefault(path, (path, INVALID_VALUE, error.reason))
        if wrong:
            listed = [wrong[path] for path in ("", *given) if path in wrong]
            raise CwmpError(INVALID_ARGUMENTS, "nothing was set", listed)
        if PROVISIONING_CODE in texts:
            self._book.record.provisioning_code = texts[PROVISIONING_CODE]
        self._book.record.parameter_key = key
        self._learn(texts)
        self._book.write()
        later = any(slots()[tag].row.effect is Effect.REBOOT for tag in changes)
        changed = self._world.snapshot().settings != before.settings
        return cwmp.SetParameterValuesResponse(int(later and changed))

    def _learn(self, texts: Mapping[str, str]) -> None:
        """Note that the ACS knows what it has set itself."""
        model = self._model()
        self._book.record.tell({path: model.value(path).value.text for path in texts})

    @_do.register
    def _attributes(self, called: cwmp.GetParameterAttributes) -> cwmp.Message:
        notifications = self._book.record.watched()
        found = self._paths(self._model(), called.parameter_names)
        return cwmp.GetParameterAttributesResponse(
            tuple(
                cwmp.ParameterAttributeStruct(path, notifications.get(path, 0), ("Subscriber",))
                for path in found
            )
        )

    @_do.register
    def _set_attributes(self, called: cwmp.SetParameterAttributes) -> cwmp.Message:
        model, record = self._model(), self._book.record
        notifications = dict(record.notifications)
        for each in called.parameter_list:
            paths = model.paths(each.name)
            if each.notification_change and each.notification > 2:
                raise CwmpError(NOTIFICATION_REJECTED, f"{each.name}: {each.notification}")
            if each.notification_change:
                notifications.update(dict.fromkeys(paths, each.notification))
        record.notifications = {path: kind for path, kind in notifications.items() if kind}
        known, record.told = record.told, {}
        there = [path for path in record.watched() if path in model]
        record.tell({path: known.get(path, model.value(path).value.text) for path in there})
        self._book.write()
        return cwmp.SetParameterAttributesResponse()

    @_do.register
    def _add(self, called: cwmp.AddObject) -> cwmp.Message:
        raise CwmpError(INVALID_NAME, f"{called.object_name[:256]}: nothing can be added")

    @_do.register
    def _delete(self, called: cwmp.DeleteObject) -> cwmp.Message:
        raise CwmpError(INVALID_NAME, f"{called.object_name[:256]}: nothing can be deleted")

    @_do.register
    def _download(self, called: cwmp.Download) -> cwmp.Message:
        record, now = self._book.record, self._world.host.wall()
        if called.file_type not in (FIRMWARE, CONFIGURATION):
            raise CwmpError(INVALID_ARGUMENTS, f"FileType {called.file_type[:64]!r}")
        _check_url(called.url)
        login = called.username + called.password
        if login and (called.file_type == FIRMWARE or not _is_plain(login)):
            raise CwmpError(INVALID_ARGUMENTS, "this login cannot be used")
        if called.delay_seconds > LONGEST_DELAY:
            raise CwmpError(INVALID_ARGUMENTS, "DelaySeconds")
        if len(record.transfers) >= TRANSFERS:
            raise CwmpError(RESOURCES_EXCEEDED, "enough downloads wait already")
        due = now + called.delay_seconds
        transfer = Transfer(_key(called.command_key), called.file_type, called.url, due)
        transfer.user, transfer.password = called.username, called.password
        record.transfers.append(transfer)
        self._book.write()
        return cwmp.DownloadResponse(1, NEVER, NEVER)

    @_do.register
    def _reboot(self, called: cwmp.Reboot) -> cwmp.Message:
        self._book.record.add("M Reboot", _key(called.command_key))
        self._book.write()
        self.then = "reboot"
        return cwmp.RebootResponse()

    @_do.register
    def _factory_reset(self, called: cwmp.FactoryReset) -> cwmp.Message:
        self.then = "factory-reset"
        return cwmp.FactoryResetResponse()

    @_do.register
    def _schedule(self, called: cwmp.ScheduleInform) -> cwmp.Message:
        scheduled = self._book.record.scheduled
        if not 0 < called.delay_seconds <= LONGEST_DELAY:
            raise CwmpError(INVALID_ARGUMENTS, "DelaySeconds")
        if len(scheduled) >= SCHEDULED:
            raise CwmpError(RESOURCES_EXCEEDED, "enough calls wait already")
        due = self._world.host.wall() + called.delay_seconds
        scheduled.append(Scheduled(_key(called.command_key), due))
        self._book.write()
        return cwmp.ScheduleInformResponse()


def _key(text: str) -> str:
    if len(text) > KEY:
        raise CwmpError(INVALID_ARGUMENTS, f"a key has more than {KEY} characters")
    return text


def _judge(model: Model, path: str, value: cwmp.Value) -> _Wrong | None:
    """Return what is wrong with a parameter and the type of its value; None where nothing is."""
    try:
        if path.endswith(".") or not path:
            raise CwmpError(INVALID_NAME)
        model.paths(path)
    except CwmpError:
        return path[:256], INVALID_NAME, "no such parameter"
    if not model.is_writable(path):
        return path, NOT_WRITABLE, "it can only be read"
    kind = model.kind(path)
    if value.kind not in ("", kind):
        return path, INVALID_TYPE, f"its type is {kind}"
    if kind == BOOLEAN and value.text.strip() not in WORDS:
        return path, INVALID_VALUE, "write 1 or 0"
    if path == PROVISIONING_CODE and (len(value.text) > 64 or not value.text.isprintable()):
        return path, INVALID_VALUE, "at most 64 characters"
    return None


def _text(model: Model, path: str, value: cwmp.Value) -> str:
    """Return a value in the words of cfg.xml."""
    kind = model.kind(path)
    if kind == BOOLEAN:
        return WORDS[value.text.strip()]
    return value.text if kind == STRING else value.text.strip()


def _check_url(text: str) -> None:
    """Refuse what is no plain URL: in a rule it would mean more."""
    try:
        parse_url(text)
        (only,) = parse_rule(text).alternatives
    except ValueError:
        raise CwmpError(UNSUPPORTED_SCHEME, "URL") from None
    if only.url != text or only.condition or only.assignments or only.options or "$" in text:
        raise CwmpError(INVALID_ARGUMENTS, "URL")


def _is_plain(login: str) -> bool:
    return login.isprintable() and not set(login) & set(" \"']$")
