"""The faults of CWMP. Source: TR-069, tables of fault codes of CPE and ACS."""

from collections.abc import Sequence

from ringfence.errors import ProtocolError

METHOD_NOT_SUPPORTED = 9000
REQUEST_DENIED = 9001
INTERNAL_ERROR = 9002
INVALID_ARGUMENTS = 9003
RESOURCES_EXCEEDED = 9004
INVALID_NAME = 9005
INVALID_TYPE = 9006
INVALID_VALUE = 9007
NOT_WRITABLE = 9008
NOTIFICATION_REJECTED = 9009
TRANSFER_FAILURE = 9010
TRANSFER_LOGIN_REFUSED = 9012
UNSUPPORTED_SCHEME = 9013
SERVER_UNREACHABLE = 9015
FILE_INACCESSIBLE = 9016
TRANSFER_BROKEN_OFF = 9017
FILE_CORRUPTED = 9018
FILE_NOT_AUTHENTIC = 9019
LAST_OF_1_0 = 9013
"""Newest fault of a CPE that CWMP 1.0 knows."""
ACS_METHOD_NOT_SUPPORTED = 8000
ACS_INVALID_ARGUMENTS = 8003
ACS_RETRY = 8005

TEXTS = {
    METHOD_NOT_SUPPORTED: "Method not supported",
    REQUEST_DENIED: "Request denied",
    INTERNAL_ERROR: "Internal error",
    INVALID_ARGUMENTS: "Invalid arguments",
    RESOURCES_EXCEEDED: "Resources exceeded",
    INVALID_NAME: "Invalid parameter name",
    INVALID_TYPE: "Invalid parameter type",
    INVALID_VALUE: "Invalid parameter value",
    NOT_WRITABLE: "Attempt to set a non-writable parameter",
    NOTIFICATION_REJECTED: "Notification request rejected",
    TRANSFER_FAILURE: "File transfer failure",
    UNSUPPORTED_SCHEME: "Unsupported protocol for file transfer",
    ACS_METHOD_NOT_SUPPORTED: "Method not supported",
    ACS_INVALID_ARGUMENTS: "Invalid arguments",
}
LONGEST = 256
"""Characters of a FaultString that is reported of a transfer."""


class CwmpError(ProtocolError):
    """A request that is answered with a fault."""

    def __init__(
        self, code: int, detail: str = "", parameters: Sequence[tuple[str, int, str]] = ()
    ) -> None:
        """Take a code, what is wrong, and of SetParameterValues each `(name, code, text)`."""
        text = TEXTS.get(code, "Fault")
        super().__init__(f"{text}: {detail}" if detail else text)
        self.code = code
        self.parameters = tuple(parameters)
