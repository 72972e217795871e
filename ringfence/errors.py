"""Every error Ringfence raises, one family for each party that must act, and the finding."""

import enum

from msgspec import Struct
from msgspec.structs import force_setattr

from ringfence.messages import _


class Severity(enum.Enum):
    """How much a finding matters to the operator."""

    ERROR = "error"
    """A value or a file was refused."""
    WARNING = "warning"
    """Accepted, but it probably does not do what its author meant, or it weakens the phone."""
    INFO = "info"
    """Worth knowing."""


class Finding(Struct, frozen=True):
    """One thing an operator should know about a configuration; a value, never an exception."""

    severity: Severity
    rule: str
    """Stable identifier in kebab-case, `firewall-unknown-option`."""
    tag: str | None
    """cfg.xml tag that the finding is about; None for the document as a whole."""
    message: str
    remedy: str
    line: int | None = None
    """Line in the file, from 1; None where the value did not come from a file."""
    column: int | None = None

    def __post_init__(self) -> None:
        """Keep the English text alone: findings are for logs, reports and programs."""
        for name in ("message", "remedy"):
            if type(held := getattr(self, name)) is not str:
                force_setattr(self, name, str(held))


class RingfenceError(Exception):
    """Base of every error raised on purpose; its text is English, as logs and programs want it."""

    rule: str = ""
    """Stable identifier of the cause, as a `Finding` has; empty where nobody asks for it."""

    @property
    def message(self) -> str:
        """Return the text as a surface shows it, which turns it where it is a message."""
        return self.args[0] if self.args and isinstance(self.args[0], str) else str(self)


class ConfigError(RingfenceError):
    """The operator must correct a parameter; what runs now keeps running."""

    def __init__(self, parameter: str, reason: str, remedy: str = "", rule: str = "") -> None:
        super().__init__(
            _("{parameter}: {reason}; {remedy}", parameter=parameter, reason=reason, remedy=remedy)
            if remedy and remedy.rpartition(": ")[2] not in reason  # what is allowed is said once
            else _("{parameter}: {reason}", parameter=parameter, reason=reason)
        )
        self.parameter = parameter
        self.reason = reason
        self.remedy = remedy
        self.rule = rule
        """Of the finding that says the same of a file; empty where it is that of any value."""


class DocumentError(ConfigError):
    """A file cannot be used as a whole; nothing of it was applied."""

    def __init__(
        self, reason: str, remedy: str, line: int | None = None, column: int | None = None
    ) -> None:
        place = "" if line is None else f" line {line}, column {column}"
        super().__init__(f"cfg.xml{place}", reason, remedy, "file-unreadable")
        self.line = line
        self.column = column


class PolicyError(RingfenceError):
    """The phone refused on purpose. A security event, never retried as it is.

    `rule` is the same kind of identifier that a `Finding` carries.
    """

    def __init__(self, rule: str, reason: str, remedy: str = "") -> None:
        super().__init__(
            _("{reason}; {remedy}", reason=reason, remedy=remedy) if remedy else reason
        )
        self.rule = rule
        self.reason = reason
        self.remedy = remedy


class ProtocolError(RingfenceError):
    """A message breaks its specification; `status_hint` is the SIP or HTTP code that says so."""

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint


class LocalProtocolError(ProtocolError):
    """Our own caller broke the rules."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules."""

    rule = "answer-unreadable"


class ComponentError(RingfenceError):
    """A local component (kernel, program, disk) failed; retried with back-off."""

    def __init__(self, component: str, detail: str) -> None:
        super().__init__(_("{component}: {detail}", component=component, detail=detail))
        self.component = component
        self.detail = detail


class NetworkError(RingfenceError):
    """A peer could not be reached; the next address or the next attempt may succeed.

    `rule` is `no-answer`, or why a server that answered gave no file.
    """

    def __init__(self, said: str, rule: str = "no-answer") -> None:
        super().__init__(said)
        self.rule = rule
